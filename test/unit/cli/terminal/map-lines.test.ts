import { describe, expect, it } from 'vitest';
import { mapLines } from '../../../../services/cli/terminal/map-lines.ts';
import { InputError } from '../../../../services/cli/terminal/words.ts';

async function run(
  chunks: string[],
  options: {
    batchSize?: number;
    inFlight?: number;
    send?: (batch: readonly string[]) => Promise<string[]>;
  } = {},
) {
  const batches: (readonly string[])[] = [];
  let output = '';
  const result = mapLines<string>({
    chunks: (async function* () {
      yield* chunks;
    })(),
    parse(line) {
      if (line.startsWith('bad')) throw new InputError('not good');
      return line;
    },
    async send(batch) {
      batches.push(batch);
      return options.send === undefined ? batch.map((item) => item.toUpperCase()) : options.send(batch);
    },
    batchSize: options.batchSize ?? 2,
    inFlight: options.inFlight ?? 2,
    async write(text) {
      output += text;
    },
  });
  const error = await result.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { batches, output, error };
}

describe('mapLines', () => {
  it('joins lines that arrive in pieces, and accepts a last line without a line end', async () => {
    const { output, error } = await run(['a\nb', 'c\nd\n', 'e']);
    expect(error).toBeUndefined();
    expect(output).toBe('A\nBC\nD\nE\n');
  });

  it('sends lines as soon as they arrive, in batches of limited size', async () => {
    const { batches } = await run(['a\nb\nc\n', 'd\n']);
    expect(batches).toEqual([['a', 'b'], ['c'], ['d']]);
  });

  it('keeps the order if a later batch is answered first', async () => {
    const { promise: later, resolve: open } = Promise.withResolvers<void>();
    const { output } = await run(['a\nb\n'], {
      batchSize: 1,
      send: async ([item = '']) => {
        if (item === 'a') await later;
        else open();
        return [item];
      },
    });
    expect(output).toBe('a\nb\n');
  });

  it('limits the batches in flight', async () => {
    let open = 0;
    let most = 0;
    await run(['a\nb\nc\nd\ne\nf\n'], {
      batchSize: 1,
      inFlight: 3,
      send: async ([item = '']) => {
        open += 1;
        most = Math.max(most, open);
        await new Promise((resolve) => setImmediate(resolve));
        open -= 1;
        return [item];
      },
    });
    expect(most).toBe(3);
  });

  it('stops at a wrong line and names its number, after it has written all earlier values', async () => {
    const { output, error } = await run(['a\nb\nc\nbad\nd\n']);
    expect(output).toBe('A\nB\nC\n');
    expect(error).toBeInstanceOf(InputError);
    expect(error).toHaveProperty('message', 'line 4: not good');
  });

  it('writes nothing after a failed batch', async () => {
    const { output, error } = await run(['a\nb\nc\n'], {
      batchSize: 1,
      inFlight: 3,
      send: async ([item = '']) => {
        if (item === 'b') throw new Error('no answer');
        return [item];
      },
    });
    expect(output).toBe('a\n');
    expect(error).toHaveProperty('message', 'no answer');
  });

  it('writes nothing for no lines', async () => {
    expect((await run([])).output).toBe('');
  });

  it.each([
    ['in one piece', [`a\n${'x'.repeat(4_097)}\nb\n`]],
    ['in pieces', ['a\nx', ' '.repeat(3_000), ' '.repeat(3_000), 'y\nb\n']],
    ['at the end', ['a\n', 'x'.repeat(5_000)]],
  ])('names a line that is too long, after the values of the lines before: %s', async (_, chunks) => {
    const { output, error } = await run(chunks);
    expect(error).toEqual(new InputError('line 2: it is longer than 4,096 characters'));
    expect(output).toBe('A\n');
  });

  it('takes the longest line, and ends at the first piece of a line that never does', async () => {
    const longest = 'x'.repeat(4_096);
    expect((await run([longest.slice(1), 'x\n'])).output).toBe(`${longest.toUpperCase()}\n`);
    let read = 0;
    const endless = mapLines<string>({
      chunks: (async function* () {
        for (; read < 100; read += 1) yield 'x'.repeat(1_000);
      })(),
      parse: (line) => line,
      send: async (batch) => batch,
      ...{ batchSize: 2, inFlight: 2, write: async () => {} },
    });
    await expect(endless).rejects.toThrow('line 1: it is longer');
    expect(read).toBeLessThan(10);
  });
});
