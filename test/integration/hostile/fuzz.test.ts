/** A few thousand inputs of the fuzz run, with another seed each time; `npm run fuzz` sends as many as one likes. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCorpus, FUZZ_ENV } from '../../fuzz/corpus.ts';
import { runFuzz } from '../../fuzz/run-fuzz.ts';
import { secretsOf, wordsOf } from '../../support/access/stack-secrets.ts';
import { type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';

/** Bounds a hang. */
const LIMIT_MS = 150_000;

let stack: StackProcesses;
beforeAll(async () => {
  stack = await startStackProcesses({ env: FUZZ_ENV });
});
afterAll(() => stack.stop());

test('no input to a public entry leads to an answer of the 500s, to no answer, or to the end of a process', async () => {
  const seed = Date.now() % 1_000_000;
  const { tally, restarted } = await runFuzz({
    stack,
    corpus: await createCorpus(stack),
    inputs: 5_000,
    seed,
    limitMs: LIMIT_MS,
    say: () => undefined,
  });
  expect({ seed, failures: tally.failures, restarted }).toEqual({ seed, failures: [], restarted: [] });
  expect(tally.inputs).toBeGreaterThanOrEqual(5_000);
  expect(await stack.submit('after', 'a1', 5)).toEqual({ newScore: 5, rank: expect.any(Number) });
});

test('no secret and no token stands in any log, on any page of metrics, or on the terminal', async () => {
  const secrets = secretsOf(stack);
  expect(secrets.size).toBeGreaterThanOrEqual(9);
  const words = await wordsOf(stack);
  expect(words.size).toBeGreaterThanOrEqual(11);
  for (const [place, text] of words) {
    // How every token begins.
    expect([place, text.includes('eyJ')]).toEqual([place, false]);
    for (const [name, secret] of secrets) {
      expect(secret.length).toBeGreaterThan(20);
      expect([place, name, text.includes(secret)]).toEqual([place, name, false]);
    }
  }
});

test('nothing was logged as an error on the way', async () => {
  for (const [place, text] of await wordsOf(stack)) {
    const errors = text.split('\n').filter((line) => /"level":"(?:error|fatal)"/.test(line));
    expect([place, errors]).toEqual([place, []]);
  }
});
