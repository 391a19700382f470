/** `npm run install:servers`: installs the programs that the tests need and that npm can't install. */
import {
  CHROMIUM,
  installPrograms,
  NATS,
  NEIGHBOURS,
  POSTGRES,
  pathWithServers,
  REDIS,
  STRACE,
} from './install.ts';

try {
  const programs = [
    REDIS,
    NATS,
    POSTGRES,
    STRACE,
    ...NEIGHBOURS,
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
