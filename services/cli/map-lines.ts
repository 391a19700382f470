/**
 * Turns lines into values, one for one and in order, many at a time. It sends what has arrived at once, so a person who
 * types gets each answer, and a file of thousands goes in large batches.
 */
import { AppError } from '../shared/errors/app-error.ts';
import { InputError } from './words.ts';

export interface MapLinesOptions<Item> {
  /** Text in pieces of any size. */
  chunks: AsyncIterable<string>;
  parse: (line: string) => Item;
  /** One value for each item. */
  send: (batch: readonly Item[]) => Promise<readonly string[]>;
  /** Most items of one `send`. */
  batchSize: number;
  /** Most `send`s at a time. */
  inFlight: number;
  write: (text: string) => Promise<void>;
}

/** No line that we could read is this long. */
const LONGEST_LINE = 4_096;

/** Stops at the first line that does not parse, after the values of all lines before it are written. */
export async function mapLines<Item>(options: MapLinesOptions<Item>): Promise<void> {
  const { send, inFlight, write } = options;
  const underWay: Promise<void>[] = [];
  let last: Promise<void> = Promise.resolve();
  let wrong: unknown;
  try {
    for await (const batch of batches(options)) {
      while (underWay.length >= inFlight) await underWay.shift();
      // After a failure nothing later is written: a gap would shift every value after it.
      const [sent, before] = [send(batch), last];
      last = Promise.all([sent, before]).then(([values]) => write(`${values.join('\n')}\n`));
      // Looked at when its turn comes.
      last.catch(() => {});
      underWay.push(last);
    }
  } catch (error) {
    wrong = error;
  }
  await last;
  if (wrong !== undefined) throw wrong;
}

/** The words of one line, as many as the form has. */
export function lineWords(line: string, form: readonly string[]): string[] {
  const words = line.trim().split(/\s+/);
  if (words.length !== form.length || words[0] === '') throw new InputError(`expected "${form.join(' ')}"`);
  return words;
}

async function* batches<Item>({ chunks, parse, batchSize }: MapLinesOptions<Item>): AsyncGenerator<Item[]> {
  let number = 0;
  for await (const lines of wholeLines(chunks)) {
    let batch: Item[] = [];
    for (const line of lines) {
      number += 1;
      try {
        batch.push(parse(line));
      } catch (error) {
        if (batch.length > 0) yield batch;
        if (!(error instanceof InputError || error instanceof AppError)) throw error;
        throw new InputError(`line ${number}: ${error.message}`);
      }
      if (batch.length < batchSize) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }
}

/** The lines that are complete with each piece of text. */
async function* wholeLines(chunks: AsyncIterable<string>): AsyncGenerator<string[]> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    // Cut, so that a stream without line ends takes no memory; it is refused when it is read.
    rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    if (lines.length > 0) yield lines;
  }
  if (rest !== '') yield [rest];
}
