/** Private files that are created once and kept, such as keys and passwords. The error of a damaged file has its name and the remedy. */
import { existsSync, readFileSync } from 'node:fs';
import { replaceFile } from '../shared/files/replace-file.ts';

export interface KeptFile {
  /** The text of a new file. */
  create: () => string;
  /** Throws when the text is not valid for this file. */
  check: (text: string) => unknown;
  /** What to do about a damaged file. */
  remedy: string;
}

/** The trimmed text of the file, which is created if there is none. */
export function ensureFile(path: string, kept: KeptFile): string {
  if (!existsSync(path)) replaceFile(path, `${kept.create()}\n`);
  return readKept(path, kept);
}

export function readKept(path: string, { check, remedy }: KeptFile): string {
  try {
    const text = readFileSync(path, 'utf8').trim();
    check(text);
    return text;
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    throw new Error(`${path} is damaged (${fault}): ${remedy}`);
  }
}
