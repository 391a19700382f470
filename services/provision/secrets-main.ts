/**
 * Creates the secrets in a folder, once, for set-ups without `npm start`: the key of the audit chain, the servers' passwords,
 * and the files with the users of Redis and NATS. node services/provision/secrets-main.ts DIR [NAMESPACE]
 */
import { join } from 'node:path';
import { replaceFile } from '../shared/files/replace-file.ts';
import { parseNamespace } from '../shared/stores/names.ts';
import { natsConfiguration } from './nats-users.ts';
import { aclFile } from './redis-users.ts';
import { auditKeyFile, makeAuditKey } from './secrets.ts';
import { ensurePassword, ensurePasswords } from './store-passwords.ts';

const [dir, namespace] = process.argv.slice(2);
if (dir === undefined) {
  process.stderr.write('usage: secrets-main.ts DIR [NAMESPACE]\n');
  process.exitCode = 2;
} else {
  const name = parseNamespace({ NAMESPACE: namespace });
  makeAuditKey(auditKeyFile(dir));
  await ensurePassword(join(dir, 'owner.postgres'));
  await ensurePasswords(dir, 'postgres');
  replaceFile(join(dir, 'users.acl'), aclFile(await ensurePasswords(dir, 'redis'), name));
  replaceFile(
    join(dir, 'nats.conf'),
    natsConfiguration(await ensurePasswords(dir, 'nats'), { namespace: name }),
  );
}
