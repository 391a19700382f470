import { describe, expect, it } from 'vitest';
import { scoreFormat } from '../../../../../edge/web/element/score-format.ts';

describe('a score', () => {
  it.each([
    [8_312, '3', 's', '8.312\u00a0s'],
    [1_234_567, '0', 'km', '1,234,567\u00a0km'],
    [1_234_567, null, null, '1,234,567'],
    [5, '3', '', '0.005'],
    [0, '2', null, '0.00'],
    [9_007_199_254_740_991, '3', null, '9,007,199,254,740.991'],
    [9_007_199_254_740_991, '6', null, '9,007,199,254.740991'],
  ])('of %d with decimals %j and unit %j is shown as %s', (score, decimals, unit, shown) => {
    expect(scoreFormat('en', decimals, unit)(score)).toBe(shown);
  });

  it.each(['7', '-1', '1.5', 'two', ''])('has no decimals when the attribute is %j', (decimals) => {
    expect(scoreFormat('en', decimals, null)(1_000)).toBe('1,000');
  });

  it('is shown as the language writes numbers', () => {
    expect(scoreFormat('de', '2', '€')(123_456)).toBe('1.234,56\u00a0€');
  });
});
