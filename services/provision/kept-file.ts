/** Private files that are made once and kept, as keys and passwords are. A damaged one is told by its name and the remedy. */
import { existsSync, readFileSync } from 'node:fs';
import { replaceFile } from '../shared/files/replace-file.ts';

export interface KeptFile {
  /** The text of a new one. */
  create: () => string;
  /** Throws when the text is not what the file should hold. */
  check: (text: string) => unknown;
  /** What to do about a damaged one. */
  remedy: string;
}

/** The trimmed text of a file, which is created when there is none. */
export function ensureFile(path: string, kept: KeptFile): string {
  if (!existsSync(path)) replaceFile(path, `${kept.create()}\n`);
  return readKept(path, kept);
}

export function readKept(path: string, { check, remedy }: KeptFile): string {
  const text = readFileSync(path, 'utf8').trim();
  try {
    check(text);
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    throw new Error(`${path} is damaged (${fault}): ${remedy}`);
  }
  return text;
}
