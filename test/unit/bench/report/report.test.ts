import { describe, expect, test } from 'vitest';
import { rateLine, valueLine } from '../../../bench/measure/lines.ts';
import { alternate, median } from '../../../bench/measure/measure.ts';
import { drawSvg } from '../../../bench/report/svg.ts';
import { costTable, formatNumber, resultTable } from '../../../bench/report/table.ts';
import { recoveryS } from '../../../bench/scenarios/overload-series.ts';
import { sliceOf } from './slices.ts';

const rest = rateLine({
  ...{ scenario: 'submit', line: 'REST', unit: 'scores/s' },
  ours: sliceOf(20_000, { cpuMsPerThousand: { edge: 39, postgres: 20 }, rssMib: { edge: 120 } }),
  peers: [
    { name: 'slow', slice: sliceOf(500) },
    { name: 'fast', slice: sliceOf(1_000) },
  ],
  ceiling: { name: 'raw', slice: sliceOf(40_000) },
});

describe('a line', () => {
  test('names the strongest peer', () => {
    expect(rest).toMatchObject({ ours: 20_000, peer: 1_000, peerName: 'fast', ceiling: 40_000, p99Ms: 2 });
  });

  test('is a lower bound when the generator had no time left', () => {
    const bound = (more: object) =>
      rateLine({ scenario: 's', line: 'l', unit: 'x', ours: sliceOf(1, more) }).generatorBound;
    expect(bound({})).toBe(false);
    expect(bound({ generatorUtilisation: 0.99 })).toBe(true);
    expect(bound({ generatorCpuShare: 0.95 })).toBe(true);
  });
});

describe('the tables', () => {
  test('show ours, the ratio to the peer and the share of the ceiling', () => {
    const table = resultTable([rest]);
    expect(table).toContain('20,000 scores/s');
    expect(table).toContain('20.0 × fast');
    expect(table).toContain('50 %');
  });

  test('turn the ratio around where less is better', () => {
    const weight = valueLine({
      ...{ scenario: 'fanout', line: 'idle', unit: 'KiB', ours: 2 },
      peer: { name: 'ws', value: 6 },
    });
    expect(resultTable([weight])).toContain('3.00 × ws');
  });

  test('mark a lower bound', () => {
    const ours = sliceOf(20_000, { generatorUtilisation: 1 });
    expect(resultTable([rateLine({ scenario: 's', line: 'l', unit: 'x', ours })])).toContain('≥ 20,000 x');
  });

  test('list what every contender cost', () => {
    const table = costTable([rest]);
    expect(table).toContain('edge 39.0, postgres 20.0');
    for (const name of ['ours', 'slow', 'fast', 'raw']) expect(table).toContain(name);
  });

  test('keep three significant digits', () => {
    expect([0.123, 1.234, 12.34, 123.4, 12_345].map(formatNumber)).toEqual([
      '0.12',
      '1.23',
      '12.3',
      '123',
      '12,345',
    ]);
  });
});

describe('the picture', () => {
  test('draws a bar for ours, the peer and the ceiling on one scale', () => {
    const svg = drawSvg([rest], 'a machine');
    const widths = Object.fromEntries(
      [...svg.matchAll(/<rect class="(ours|peer|ceiling)"[^>]* width="([\d.]+)"/g)].map(([, kind, width]) => [
        kind,
        Number(width),
      ]),
    );
    expect(widths.ours).toBeCloseTo((widths.ceiling ?? 0) / 2, 0);
    expect(widths.peer).toBeCloseTo((widths.ceiling ?? 0) / 40, 0);
  });

  test('can be read in light and in dark, and escapes what it is told', () => {
    const svg = drawSvg([{ ...rest, line: 'a < b & c' }], '');
    expect(svg).toContain('prefers-color-scheme: dark');
    expect(svg).toContain('a &lt; b &amp; c');
  });
});

describe('taking turns', () => {
  test('runs the contenders one after the other in every round, and keeps the run in the middle', async () => {
    const order: string[] = [];
    const rates = { ours: [3, 9, 5], peer: [2, 1, 4] };
    const turn = (name: 'ours' | 'peer') => async () => {
      order.push(name);
      return sliceOf(rates[name].shift() ?? 0);
    };
    const { ours, peer } = await alternate(3, { ours: turn('ours'), peer: turn('peer') });
    expect(order).toEqual(['ours', 'peer', 'ours', 'peer', 'ours', 'peer']);
    expect([ours.perSecond, peer.perSecond]).toEqual([5, 2]);
  });

  test('of two runs, the slower one counts', () => {
    expect(median([sliceOf(8), sliceOf(6)]).perSecond).toBe(6);
  });
});

describe('times after an overload', () => {
  const step = (p99Ms: number, refused = 0) => ({ atMs: 0, accepted: 1, refused, p99Ms });

  test('are normal from the first step after which none is late', () => {
    expect(recoveryS([step(90), step(5), step(80), step(5), step(6)], 10)).toBe(0.75);
  });

  test('are not normal while anything is refused', () => {
    expect(recoveryS([step(5), step(5, 1), step(5)], 10)).toBe(0.5);
  });

  test('were normal at once when nothing was late', () => {
    expect(recoveryS([step(5), step(5)], 10)).toBe(0);
  });
});
