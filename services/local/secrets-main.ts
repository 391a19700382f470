/** Creates the service keys in a folder, once, for set-ups without `npm start`: node services/local/secrets-main.ts DIR */
import { ensureSecrets } from './secrets.ts';

const [dir] = process.argv.slice(2);
if (dir === undefined) {
  process.stderr.write('usage: secrets-main.ts DIR\n');
  process.exitCode = 2;
} else {
  await ensureSecrets(dir);
}
