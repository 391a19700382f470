import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createHistogram } from '../../../bench/generator/histogram.ts';

const times = fc.array(fc.double({ min: 0.001, max: 2_000_000, noNaN: true }), {
  minLength: 1,
  maxLength: 300,
});

describe('a histogram', () => {
  test('finds every quantile within one percent, or a microsecond, of the exact one', () => {
    fc.assert(
      fc.property(times, fc.double({ min: 0.001, max: 1, noNaN: true }), (values, fraction) => {
        const histogram = createHistogram();
        for (const value of values) histogram.record(value);
        const sorted = [...values].sort((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(fraction * values.length)) - 1] ?? 0;
        expect(Math.abs(histogram.quantile(fraction) - exact)).toBeLessThanOrEqual(exact / 100 + 0.001);
      }),
    );
  });

  test('is the same whether its times were counted in one place or in several', () => {
    fc.assert(
      fc.property(times, times, (some, others) => {
        const [whole, left, right] = [createHistogram(), createHistogram(), createHistogram()];
        for (const value of [...some, ...others]) whole.record(value);
        for (const value of some) left.record(value);
        for (const value of others) right.record(value);
        left.add(right.counts);
        expect(left.counts).toEqual(whole.counts);
        expect(left.count).toBe(whole.count);
      }),
    );
  });

  test('counts a negative time as none and a huge one as the largest it knows', () => {
    const histogram = createHistogram();
    histogram.record(-5);
    expect(histogram.max).toBe(0);
    histogram.record(1e12);
    expect(histogram.max).toBeGreaterThan(2_000_000);
  });

  test('says 0 of nothing', () => {
    expect(createHistogram().quantile(0.99)).toBe(0);
  });
});
