/** The rule for names: the names that people have, the tricks that are played with them, and whole classes of characters. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseUsername,
  readUsername,
  USERNAME_MAX_LENGTH,
  USERNAME_MAX_UNITS,
} from '../../../../services/shared/values/username.ts';

const ZWNJ = '\u200c';
const ZWJ = '\u200d';

describe('a name that people have is accepted as it is', () => {
  test.each([
    ['ASCII', "O'Brien"],
    ['Latin with accents', 'José Ångström'],
    ['Vietnamese', 'Nguyễn Thị Hồng Ngọc'],
    ['Yoruba with a mark that has no composed form', 'Ọlábísí ọ̀'],
    ['Greek', 'Ελευθερία'],
    ['Cyrillic', 'Александр'],
    ['Arabic', 'محمد'],
    ['Arabic with vowels', 'مُحَمَّدٌ'],
    ['Persian with a ZWNJ', `علی${ZWNJ}رضا`],
    ['Hebrew', 'יִצְחָק'],
    ['Hebrew with vowels and a cantillation mark', 'בְּרֵאשִׁ֖ית'],
    ['Hindi', 'प्रिया'],
    ['Hindi with a joiner', `क्${ZWJ}ष`],
    ['Bengali with a joiner before a mark', `র${ZWJ}্যাম`],
    ['Sinhala with a ZWJ', `ශ්${ZWJ}රී ලංකා`],
    ['Tamil', 'தமிழ்ச்செல்வி'],
    ['Thai', 'กิตติศักดิ์'],
    ['Burmese', 'လျှော့မျှော့်'],
    ['Khmer', 'ស្រីមុំ'],
    ['Tibetan', 'ཧཱུྃ་སངས་རྒྱས'],
    ['Mongolian with a vowel separator', 'ᠠᠨ\u180eᠠ'],
    ['Georgian', 'ნინო'],
    ['Amharic', 'አበበ'],
    ['Chinese', '王小明'],
    ['Japanese with an ideographic space', '山田　太郎'],
    ['Japanese with a variant of an ideograph', '葛\u{e0100}城'],
    ['Korean', '김민준'],
    ['Adlam', '𞤀𞤣𞤤𞤢𞤥'],
    ['emoji', '🎮🦊'],
    ['an emoji of text and one of colour', '❤\ufe0f❤\ufe0e'],
    ['a family', '👨‍👩‍👧‍👦'],
    ['skin tones', '🧑🏽‍🤝‍🧑🏻'],
    ['the rainbow flag', '🏳️‍🌈'],
    ['the flag of a country', '🇨🇭'],
    ['the flag of Wales', '🏴󠁧󠁢󠁷󠁬󠁳󠁿'],
    ['a keycap', '7️⃣'],
    ['markup, which a page shows as text', '<b>Ann</b>'],
  ])('%s', (_, name) => {
    expect(readUsername(name)).toBe(name);
  });
});

describe('a name is brought to NFC', () => {
  test.each([
    ['Jose\u0301', 'José'],
    ['A\u030angstro\u0308m', 'Ångström'],
    ['김민준'.normalize('NFD'), '김민준'],
    ['Nguyễn'.normalize('NFD'), 'Nguyễn'],
    ['김'.repeat(32).normalize('NFD'), '김'.repeat(32)],
  ])('%j', (given, stored) => {
    expect(readUsername(given)).toBe(stored);
  });
});

describe('the length', () => {
  test.each(['x', '🎮', 'é', '🇨🇭', 'क्षि'])('of a name is at most 32 of %j', (character) => {
    expect(readUsername(character.repeat(USERNAME_MAX_LENGTH))).toBe(
      character.repeat(USERNAME_MAX_LENGTH).normalize('NFC'),
    );
    expect(readUsername(character.repeat(USERNAME_MAX_LENGTH + 1))).toBeUndefined();
  });

  test('is also bounded in code units', () => {
    const family = '👨‍👩‍👧‍👦';
    expect(readUsername(family.repeat(Math.floor(USERNAME_MAX_UNITS / family.length)))).toBeDefined();
    expect(readUsername(family.repeat(Math.ceil(USERNAME_MAX_UNITS / family.length)))).toBeUndefined();
  });
});

describe('what is refused', () => {
  test.each([
    ...[undefined, null, 1, {}, [], '', ' ', '\u3000', ' Ann', 'Ann ', 'An\nn', 'An\u0000n', 'An\u0085n'],
    // Nothing visible: Hangul fillers, the Braille blank, joiners, selectors, marks without a letter.
    ...['\u3164', '\u115f', '\u1160', '\uffa0', '\u2800', '\u200b', '\u00ad', '\u2060', '\ufeff', '\u180e'],
    ...[ZWJ, ZWNJ, '\ufe0f', '\u0301', '\u034f', '\u{e0100}', '\u{1d159}', '\u{16fe4}', '\ufffc'],
    // The same within a name.
    ...[
      'An\u3164n',
      'An\u2800n',
      'An\u200bn',
      'An\u00adn',
      'An\u034fn',
      'An\ufe0fn',
      'An\u{e0100}n',
      '1\ufe0f',
    ],
    // Joiners at an end, twice, without effect, or between kinds.
    ...[`علی${ZWNJ}`, `${ZWNJ}علی`, `علی${ZWNJ}${ZWNJ}رضا`, `Al${ZWJ}ice`, `Al${ZWNJ}ice`, `王${ZWJ}明`],
    ...[`🎮${ZWJ}`, `${ZWJ}🎮`, `🎮${ZWJ}a`, `a${ZWJ}🎮`, `🎮${ZWNJ}🎮`, `1${ZWJ}2`, `🎮${ZWJ}${ZWJ}🎮`],
    // Overrides, embeddings, isolates and marks of direction.
    ...['\u202eAnn', 'An\u202an', 'An\u202bn', 'An\u202cn', 'An\u202dn', 'A\u2066n\u2069', 'A\u2067n\u2069'],
    ...['A\u2068n\u2069', 'An\u200en', 'An\u200fn', 'علی\u061cرضا'],
    // Tag characters outside the three flags.
    ...[
      'Ann\u{e0041}',
      '🎮\u{e0067}\u{e0062}\u{e007f}',
      '🏴\u{e0067}\u{e0062}\u{e0065}',
      '🏴\u{e0001}\u{e007f}',
    ],
    // Piles of marks, and marks on a space.
    ...[
      `q${'\u0301'.repeat(31)}`,
      `a${'\u0301'.repeat(31)}`,
      `á${'\u0301'.repeat(31)}`,
      `q${'\u0336\u0301'.repeat(3)}`,
    ],
    ...['An \u0301n', `क${'ा'.repeat(9)}`, `ع${`${ZWNJ}\u064b`.repeat(6)}`],
    // Lone surrogates, private use, noncharacters, unassigned code points.
    ...['\ud83c', 'An\udc00n', 'An\ue000n', '\u{f0000}', 'An\ufdd0n', '\uffff', '\u0378'],
  ])('%j', (value) => {
    expect(readUsername(value)).toBeUndefined();
    expect(() => parseUsername(value)).toThrow(expect.objectContaining({ reason: 'USERNAME_INVALID' }));
  });
});

describe('for any text', () => {
  const anyText = fc.string({ unit: 'binary', maxLength: 40 });
  /** Letters and emoji, with invisible characters among them more often than chance would put them. */
  const trickyText = fc
    .array(
      fc.oneof(
        fc.constantFrom('a', 'é', 'ع', 'क', '王', '7', ' ', '🎮', '🏴', '🏽', '\u20e3', '\u094d', '\u0301'),
        fc.constantFrom(
          ZWJ,
          ZWNJ,
          '\ufe0f',
          '\u{e0067}',
          '\u{e007f}',
          '\u3164',
          '\u202e',
          '\u2066',
          '\u{e0100}',
        ),
      ),
      { minLength: 1, maxLength: 12 },
    )
    .map((parts) => parts.join(''));
  const texts = fc.oneof(anyText, trickyText);

  test('a name that is accepted is in NFC, and is accepted unchanged again', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const name = readUsername(text);
        if (name === undefined) return;
        expect(name).toBe(text.normalize('NFC'));
        expect(readUsername(name)).toBe(name);
        expect(name.isWellFormed()).toBe(true);
        expect(name.length).toBeLessThanOrEqual(USERNAME_MAX_UNITS);
      }),
      { numRuns: 3_000 },
    );
  });

  test('it is the same whether it comes composed or decomposed', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(readUsername(text.normalize('NFD'))).toBe(readUsername(text.normalize('NFC')));
      }),
      { numRuns: 3_000 },
    );
  });

  test('a name starts and ends with something that is seen', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const name = readUsername(text);
        if (name === undefined) return;
        // Emoji of a later Unicode are no symbols yet.
        expect(name).toMatch(/^[\p{L}\p{N}\p{P}\p{S}\p{Extended_Pictographic}]/u);
        expect(name).not.toMatch(/[\p{Z}\u200c\u200d]$/u);
      }),
      { numRuns: 3_000 },
    );
  });

  const CLASSES: readonly [string, RegExp][] = [
    ['controls', /\p{Cc}/u],
    ['private use', /\p{Co}/u],
    ['surrogates', /\p{Cs}/u],
    ['separators', /\p{Z}/u],
    ['formats', /\p{Cf}/u],
    ['what has no shape of its own', /\p{Default_Ignorable_Code_Point}/u],
    ['marks', /\p{M}/u],
    ['noncharacters', /\p{Noncharacter_Code_Point}/u],
  ];
  const ALL = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code));
  test.each(CLASSES)('%s are no name alone, and end a Latin name only if they are marks', (kind, members) => {
    const characters = ALL.filter((character) => members.test(character));
    fc.assert(
      fc.property(fc.nat(characters.length - 1), (at) => {
        const character = characters[at] ?? '';
        expect(readUsername(character)).toBeUndefined();
        if (kind !== 'marks') expect(readUsername(`Ann${character}`)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  test('letters of every script are a name', () => {
    const letters = ALL.filter((letter) => /(?!\p{Default_Ignorable_Code_Point})\p{L}/u.test(letter));
    const refused = letters.filter((letter) => readUsername(letter) !== letter.normalize('NFC'));
    // The blank hieroglyphs are letters that show as nothing.
    expect(refused).toEqual(['\u{13441}', '\u{13442}']);
  });
});
