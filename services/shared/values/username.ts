/**
 * The rule for the name of a player, in words in docs/security.md. A name shows what it contains: every character is visible,
 * or shapes its visible neighbours as their script or emoji needs it. A name is stored in NFC.
 */
import { AppError } from '../errors/app-error.ts';

/** Longest username, in characters as a reader counts them (grapheme clusters). */
export const USERNAME_MAX_LENGTH = 32;
/** A character can have many code units; a family of four has 11. Bounds frames, tokens and rows. */
export const USERNAME_MAX_UNITS = 128;
/** Decomposed Hangul has three code units for one; nothing longer is normalised. */
const RAW_MAX_UNITS = 4 * USERNAME_MAX_UNITS;

/** The names that most players have, accepted without further checks. */
const ASCII = /^[\x21-\x7e](?:[\x20-\x7e]{0,30}[\x21-\x7e])?$/;

/** Letters and marks of the scripts in which a joiner changes what is seen: joined scripts, and those with conjuncts. */
const SHAPED = `(?:(?=[\\p{L}\\p{M}])[${[
  ...['Arabic', 'Syriac', 'Mandaic', 'Mongolian', 'Nko', 'Phags_Pa', 'Adlam', 'Hanifi_Rohingya'],
  ...['Devanagari', 'Bengali', 'Gurmukhi', 'Gujarati', 'Oriya', 'Tamil', 'Telugu', 'Kannada', 'Malayalam'],
  ...['Sinhala', 'Khmer', 'Myanmar', 'Tibetan', 'Balinese', 'Javanese', 'Chakma', 'Grantha', 'Newa'],
]
  .map((script) => `\\p{Script_Extensions=${script}}`)
  .join('')}])`;
/** England, Scotland and Wales: the only flags of tag characters in general use. */
const TAG_FLAG =
  '(?<=\\u{1F3F4})\\u{E0067}\\u{E0062}(?:\\u{E0065}\\u{E006E}\\u{E0067}|\\u{E0073}\\u{E0063}\\u{E0074}|\\u{E0077}\\u{E006C}\\u{E0073})\\u{E007F}';

/** Every place where an invisible character has a visible effect. */
const EFFECTIVE = new RegExp(
  [
    `(?<=${SHAPED})[\\u200C\\u200D](?=${SHAPED})`,
    '(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\uFE0F])\\u200D(?=\\p{Extended_Pictographic})',
    '(?<=\\p{Extended_Pictographic})[\\uFE0E\\uFE0F]',
    '(?<=[0-9#*])\\uFE0F(?=\\u20E3)',
    '(?<=[\\p{Script=Han}\\p{Script=Myanmar}\\p{Script=Phags_Pa}])[\\uFE00-\\uFE02]',
    '(?<=\\p{Script=Han})[\\u{E0100}-\\u{E01EF}]',
    '(?<=(?=\\p{L})\\p{Script=Mongolian})(?:[\\u180B-\\u180D\\u180F]|\\u180E(?=(?=\\p{L})\\p{Script=Mongolian}))',
    TAG_FLAG,
  ].join('|'),
  'gu',
);
/** Controls, formats, lone surrogates, private use, line breaks, unassigned code points, and everything that shows as nothing. */
const FORBIDDEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Variation_Selector}\u2800\uFFFC\u{13441}\u{13442}\u{16FE4}\u{1D159}]|(?!\p{Extended_Pictographic})\p{Cn}/u;
const MARK_WITHOUT_BASE = /(?:^|\p{Z})\p{M}/u;
/**
 * Four marks on a letter are those of pointed Hebrew and of Tibetan stacks. Spacing marks stand beside the letter; Burmese has six
 * marks of both kinds after a letter.
 */
const PILE_OF_MARKS = /[\p{Mn}\p{Me}]{5}|\p{M}{9}/u;

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** A string has no more graphemes than code units, so few names are segmented. */
function isShort(name: string): boolean {
  if (name.length <= USERNAME_MAX_LENGTH) return true;
  return name.length <= USERNAME_MAX_UNITS && [...segmenter.segment(name)].length <= USERNAME_MAX_LENGTH;
}

function isVisible(name: string): boolean {
  if (name === '' || name !== name.trim()) return false;
  const shown = name.replace(EFFECTIVE, '');
  return !FORBIDDEN.test(shown) && !MARK_WITHOUT_BASE.test(shown) && !PILE_OF_MARKS.test(shown);
}

/** The name as it is stored and shown, or undefined if the value is not a username. */
export function readUsername(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > RAW_MAX_UNITS) return undefined;
  if (ASCII.test(value)) return value;
  const name = value.normalize('NFC');
  return isShort(name) && isVisible(name) ? name : undefined;
}

export function parseUsername(value: unknown): string {
  const name = readUsername(value);
  if (name === undefined) throw new AppError('USERNAME_INVALID');
  return name;
}
