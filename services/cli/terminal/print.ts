/** Prints the result of a command: as text for people, or with --json as one line of JSON for programs. */
import type { Write } from './output.ts';

/** `text` ends with a line end, or is empty. `value` has the same content: an object of plain values, bigints and lists. */
export type Print = (text: string, value: object) => Promise<void>;

export function createPrint(write: Write, isJson: () => boolean): Print {
  return (text, value) => write(isJson() ? formatJson(value) : text);
}

/** A value of many as a line without its line end: the value itself, or an object with the value under this name. */
export function formatEach(name: string, isJson: boolean): (value: string) => string {
  return isJson ? (value) => formatJson({ [name]: value }).trimEnd() : (value) => value;
}

/** One line. */
function formatJson(value: object): string {
  return `${JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? toNumber(each) : each))}\n`;
}

/** Points and counts are at most 2^53-1. A number that JSON readers would round becomes a string. */
function toNumber(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
