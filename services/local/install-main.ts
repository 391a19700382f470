/** Installs the programs that the tests need and that npm can't carry, as `npm start` does for itself. */
import { CHROMIUM, installPrograms, NATS, pathWithServers, REDIS } from './install.ts';

try {
  await installPrograms([REDIS, NATS, ...(process.env.CHROMIUM_PATH === undefined ? [CHROMIUM] : [])], {
    path: pathWithServers(process.env.PATH),
    say: (line) => process.stdout.write(`${line}\n`),
  });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
