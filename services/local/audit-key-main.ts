/** Creates the key of the audit chain in a file, once, for set-ups without `npm start`: node services/local/audit-key-main.ts FILE */
import { ensureAuditKey } from './secrets.ts';

const [path] = process.argv.slice(2);
if (path === undefined) {
  process.stderr.write('usage: audit-key-main.ts FILE\n');
  process.exitCode = 2;
} else {
  await ensureAuditKey(path);
}
