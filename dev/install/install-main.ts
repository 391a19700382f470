/** Installs the programs that the tests need and that npm can't carry, as `npm start` does for itself. */
import { CHROMIUM, installPrograms, NATS, POSTGRES, pathWithServers, REDIS, STRACE } from './install.ts';

try {
  const programs = [
    REDIS,
    NATS,
    POSTGRES,
    STRACE,
    ...(process.env.CHROMIUM_PATH === undefined ? [CHROMIUM] : []),
  ];
  await installPrograms(programs, {
    path: pathWithServers(process.env.PATH),
    say: (line) => process.stdout.write(`${line}\n`),
  });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
