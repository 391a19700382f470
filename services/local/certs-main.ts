/** `npm run cli -- certs`: makes certificates in a folder and prints the folder. It never touches some that are there unless told to. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { text } from '../shared/env.ts';
import { certificatesDir } from '../shared/stack-file.ts';
import { authorityFile, DEFAULT_DAYS, makeCertificates } from './certificates.ts';

const USAGE = 'usage: npm run --silent cli -- certs [--out DIR] [--days N] [--force]';
/** From a day to 27 years. */
const DAYS = /^[1-9]\d{0,3}$/;

function fail(line: string, code: number): void {
  process.stderr.write(`${line}\n`);
  process.exitCode = code;
}

function parseOptions() {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: certificatesDir(text(process.env, 'DATA_DIR', '.data')) },
      days: { type: 'string', default: String(DEFAULT_DAYS) },
      force: { type: 'boolean', default: false },
    },
  });
  if (!DAYS.test(values.days))
    throw new Error(`--days must be a whole number from 1 to 9999, not "${values.days}"`);
  if (values.out === '') throw new Error('--out must name a folder');
  return { dir: resolve(values.out), days: Number(values.days), force: values.force };
}

try {
  const { dir, days, force } = parseOptions();
  if (!force && existsSync(authorityFile(dir))) {
    fail(`there are certificates in ${dir}: --force makes new ones, and every service then needs its own`, 1);
  } else {
    await makeCertificates(dir, days);
    process.stdout.write(`${dir}\n`);
  }
} catch (error) {
  fail(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`, 2);
}
