import { expect, test } from 'vitest';
import { selfTimes } from '../../../bench/profiling/self-times.ts';

const node = (id: number, functionName: string, lineNumber = 0) => ({
  id,
  callFrame: { functionName, url: functionName.startsWith('(') ? '' : 'node:net', lineNumber },
});

test('a profile is summed up by function, without idle time, the longest first', () => {
  const times = selfTimes({
    nodes: [node(1, '(idle)'), node(2, 'parse', 9), node(3, 'parse', 9), node(4, '(garbage collector)')],
    samples: [1, 2, 3, 4, 1],
    timeDeltas: [5_000, 1_000, 2_000, 1_000, 9_000],
  });
  expect(times).toEqual([
    { place: 'parse node:net:10', ms: 3, share: 0.75 },
    { place: '(garbage collector)', ms: 1, share: 0.25 },
  ]);
});
