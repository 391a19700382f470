/** `npm run cli -- certs`: creates certificates in a folder and prints the folder. It replaces existing ones only with --force. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { certificatesDir } from '../shared/identity/stack-file.ts';
import { text } from '../shared/settings/env.ts';
import { authorityFile, DEFAULT_DAYS, makeCertificates } from './certificates.ts';

const USAGE = 'usage: npm run --silent cli -- certs [--out DIR] [--days N] [--force]';
/** From a day to 27 years. */
const DAYS = /^[1-9]\d{0,3}$/;

class UsageError extends Error {}

function parseOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      out: { type: 'string', default: certificatesDir(text(process.env, 'DATA_DIR')) },
      days: { type: 'string', default: String(DEFAULT_DAYS) },
      force: { type: 'boolean', default: false },
    },
  });
  const { out, days, force } = values;
  if (!DAYS.test(days)) throw new Error(`--days must be a whole number from 1 to 9999, not "${days}"`);
  if (out === '') throw new Error('--out must name a folder');
  return { dir: resolve(out), days: Number(days), force };
}

function readCommandLine() {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

try {
  const { dir, days, force } = readCommandLine();
  if (!force && existsSync(authorityFile(dir))) {
    throw new Error(
      `there are certificates in ${dir}: --force replaces them, and every service then needs its new one`,
    );
  }
  await makeCertificates(dir, days);
  process.stdout.write(`${dir}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
