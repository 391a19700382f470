/**
 * Maps lines to values in order, many at a time. Lines are sent as soon as they arrive: a person who types gets an answer after
 * each line, and a large file is sent in large batches.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { InputError } from './words.ts';

export interface MapLinesOptions<Item> {
  /** Text in pieces of any size. */
  chunks: AsyncIterable<string>;
  parse: (line: string) => Item;
  /** Returns one value for each item. */
  send: (batch: readonly Item[]) => Promise<readonly string[]>;
  /** Most items in one `send`. */
  batchSize: number;
  /** Most `send`s in flight. */
  inFlight: number;
  write: (text: string) => Promise<void>;
}

/** Longer than any valid line. */
const LONGEST_LINE = 4_096;

/** Rejects at the first line that does not parse, after the values of all earlier lines are written. */
export async function mapLines<Item>(options: MapLinesOptions<Item>): Promise<void> {
  const { send, inFlight, write } = options;
  const underWay: Promise<void>[] = [];
  let last: Promise<void> = Promise.resolve();
  let wrong: unknown;
  try {
    for await (const batch of batches(options)) {
      while (underWay.length >= inFlight) await underWay.shift();
      // After a failure nothing more is written: a gap would assign every later value to the wrong line.
      const [sent, before] = [send(batch), last];
      last = Promise.all([sent, before]).then(([values]) => write(`${values.join('\n')}\n`));
      // A failure is handled where `last` is awaited; without this it would count as unhandled until then.
      last.catch(() => {});
      underWay.push(last);
    }
  } catch (error) {
    wrong = error;
  }
  await last;
  if (wrong !== undefined) throw wrong;
}

/** Splits a line into words. Throws InputError unless there is one word for each required word of the form. */
export function lineWords(
  line: string,
  required: readonly string[],
  optional: readonly string[] = [],
): string[] {
  const words = line.trim().split(/\s+/);
  const isWhole = words.length >= required.length && words.length <= required.length + optional.length;
  if (!isWhole || words[0] === '') throw new InputError(`expected "${[...required, ...optional].join(' ')}"`);
  return words;
}

async function* batches<Item>({ chunks, parse, batchSize }: MapLinesOptions<Item>): AsyncGenerator<Item[]> {
  let number = 0;
  for await (const lines of wholeLines(chunks)) {
    let batch: Item[] = [];
    for (const line of lines) {
      number += 1;
      try {
        if (line.length > LONGEST_LINE) throw new InputError('it is longer than 4,096 characters');
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

/** Yields the lines that each piece of text completes. */
async function* wholeLines(chunks: AsyncIterable<string>): AsyncGenerator<string[]> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    // Its reader refuses it, so a stream without line ends takes little memory.
    if (rest.length > LONGEST_LINE) return yield [...lines, rest];
    if (lines.length > 0) yield lines;
  }
  if (rest !== '') yield [rest];
}
