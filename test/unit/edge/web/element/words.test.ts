import { describe, expect, it } from 'vitest';
import { describeConnection } from '../../../../../edge/web/element/connection-words.ts';
import { ENGLISH, fill, wordsFrom, wordsFromJson } from '../../../../../edge/web/element/words.ts';

describe('the words of the element', () => {
  it('are English, except for those that the page gives', () => {
    expect(wordsFromJson('{"live":"Aktuell"}')).toEqual({ ...ENGLISH, live: 'Aktuell' });
  });

  it.each([null, '', '{', '7', '"live"', '{"live":7,"toString":"no","unknown":"word"}'])(
    'stay English for an attribute of %s',
    (attribute) => {
      expect(wordsFromJson(attribute)).toEqual(ENGLISH);
    },
  );

  it('take their values wherever the sentence has them, and leave other braces alone', () => {
    expect(fill('{score}: {name} {what}', { name: 'Ada', score: 7 })).toBe('7: Ada {what}');
    expect(fill('{name}', { name: '{score}', score: 7 })).toBe('{score}');
  });

  it('say the state of the connection', () => {
    const words = wordsFrom({ stale: 'Verzögert', asOf: '{status}, Stand {time}' });
    const stale = { status: 'stale', reason: '' } as const;
    expect(describeConnection(stale, undefined, words)).toBe('Verzögert');
    expect(describeConnection(stale, 0, words)).toMatch(/^Verzögert, Stand \d/);
    const refused = { status: 'refused', reason: 'no such board' } as const;
    expect(describeConnection(refused, undefined, words)).toBe('no such board');
  });
});
