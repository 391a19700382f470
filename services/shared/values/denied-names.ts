/**
 * A deny list of names: words from a file, compared with a name in a folded form, so that case, accents, width, joiners and
 * punctuation make no difference. Look-alikes of other scripts are not folded.
 */
import { readFileSync } from 'node:fs';
import { type Environment, optionalText } from '../settings/env.ts';

/** Whether a name is on the list. */
export type IsDenied = (username: string) => boolean;

/** Marks that go with letters of any script, such as accents; the vowels of other scripts stay. */
const ACCENTS = /\p{Script=Inherited}/gu;
const NOT_A_WORD = /[^\p{L}\p{M}\p{N}]+/u;
const COMMENT = '#';
const ANYWHERE = /^\*(.+)\*$/;

/** The words of a name in folded form. Upper case first, so that "ß" and "SS" are alike. */
function foldedWords(text: string): string[] {
  const folded = text.normalize('NFKD').toUpperCase().toLowerCase().normalize('NFKD').replace(ACCENTS, '');
  return folded.split(NOT_A_WORD).filter((word) => word !== '');
}

const fold = (text: string): string => foldedWords(text).join('');

/**
 * One entry a line. `word` denies the names that are this word or have it among their words; `*word*` denies the names
 * that contain it anywhere. Empty lines and lines that start with # are ignored.
 */
export function parseDeniedNames(text: string): IsDenied {
  const words = new Set<string>();
  const parts = new Set<string>();
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    if (line === '' || line.startsWith(COMMENT)) continue;
    const part = ANYWHERE.exec(line)?.[1];
    const folded = fold(part ?? line);
    if (folded === '') throw new Error(`the deny list has an entry without a letter or digit: "${line}"`);
    (part === undefined ? words : parts).add(folded);
  }
  return (username) => {
    const found = foldedWords(username);
    const whole = found.join('');
    if (words.has(whole) || found.some((word) => words.has(word))) return true;
    return [...parts].some((part) => whole.includes(part));
  };
}

/** The deny list in the file that NAMES_DENIED_FILE names, read once. Without the setting no name is denied. */
export function readDeniedNames(env: Environment): IsDenied {
  const path = optionalText(env, 'NAMES_DENIED_FILE');
  return path === undefined ? () => false : parseDeniedNames(readFileSync(path, 'utf8'));
}
