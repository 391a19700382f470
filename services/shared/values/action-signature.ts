/**
 * The form of an action signature and the string that it covers, without any key:
 *
 *   signature      = "v1." kid "." expires-at "." base64url(HMAC-SHA256(key[kid], string-to-sign))
 *   string-to-sign = "scoreboard-action-v1" LF kid LF leaderboard LF user-id LF action-id LF points LF expires-at
 *
 * No field can contain a line feed and each number has one spelling, so two different actions never share a string. A signature
 * has one spelling too: any other is refused, never normalised. This code runs tens of thousands of times a second, hence the
 * plain loops over character codes.
 */
import { MAX_SCORE } from './identifiers.ts';

/** The contents of a signature. */
export interface SignedAction {
  readonly leaderboard: string;
  readonly userId: string;
  readonly actionId: string;
  readonly points: bigint;
}

export interface ParsedSignature {
  readonly kid: string;
  /** Unix seconds. */
  readonly expiresAt: number;
  /** 43 characters of canonical base64url. */
  readonly mac: string;
}

const CONTEXT = 'scoreboard-action-v1';
const PREFIX = 'v1.';
/** 32 bytes of SHA-256 in base64url, without padding. */
export const MAC_LENGTH = 43;
const MAX_KID_LENGTH = 32;
/** Digits of 2^53-1. */
const MAX_TIME_DIGITS = 16;
const MAX_ID_LENGTH = 64;
const MAX_USER_ID_LENGTH = 128;
/** Longest signature of this form. */
export const MAX_SIGNATURE_LENGTH = PREFIX.length + MAX_KID_LENGTH + 1 + MAX_TIME_DIGITS + 1 + MAC_LENGTH;

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const NOT_IN_ALPHABET = 0xff;
/** The value of each ASCII character in base64url. Ids are made of the same 64 characters. */
const VALUE_OF_CODE = new Uint8Array(128).fill(NOT_IN_ALPHABET);
for (const [value, character] of [...BASE64URL].entries()) VALUE_OF_CODE[character.charCodeAt(0)] = value;
/** 43 characters hold 258 bits: the last one must leave its two low bits unused. */
const UNUSED_BITS = 0b11;

function isAlphabetOnly(text: string, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) {
    if ((VALUE_OF_CODE[text.charCodeAt(index)] ?? NOT_IN_ALPHABET) === NOT_IN_ALPHABET) return false;
  }
  return true;
}

function isId(text: string, maxLength: number): boolean {
  return text.length > 0 && text.length <= maxLength && isAlphabetOnly(text, 0, text.length);
}

function isUserId(text: string): boolean {
  if (text.length === 0 || text.length > MAX_USER_ID_LENGTH) return false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x21 || code > 0x7e) return false;
  }
  return true;
}

/** Whether every field matches its grammar, so that the string to sign has exactly one reading. */
export function isSignable({ leaderboard, userId, actionId, points }: SignedAction): boolean {
  return (
    isId(leaderboard, MAX_ID_LENGTH) &&
    isUserId(userId) &&
    isId(actionId, MAX_ID_LENGTH) &&
    points >= 0n &&
    points <= MAX_SCORE
  );
}

/** The string that the MAC covers. The fields must be signable. */
export function stringToSign(action: SignedAction, kid: string, expiresAt: number): string {
  return `${CONTEXT}\n${kid}\n${action.leaderboard}\n${action.userId}\n${action.actionId}\n${action.points}\n${expiresAt}`;
}

export function formatSignature({ kid, expiresAt, mac }: ParsedSignature): string {
  return `${PREFIX}${kid}.${expiresAt}.${mac}`;
}

/** Reads text[start, end) as a canonical decimal: no sign, no leading zero, at most 2^53-1. NaN otherwise, also when empty. */
function readTime(text: string, start: number, end: number): number {
  const digits = end - start;
  if (digits < 1) return Number.NaN;
  if (digits > 1 && text.charCodeAt(start) === 0x30) return Number.NaN;
  let number = 0;
  for (let index = start; index < end; index += 1) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    number = number * 10 + digit;
  }
  return Number.isSafeInteger(number) ? number : Number.NaN;
}

/** Whether these 43 characters are the one spelling of 32 bytes. */
export function isCanonicalMac(mac: string): boolean {
  if (mac.length !== MAC_LENGTH || !isAlphabetOnly(mac, 0, MAC_LENGTH)) return false;
  return ((VALUE_OF_CODE[mac.charCodeAt(MAC_LENGTH - 1)] ?? NOT_IN_ALPHABET) & UNUSED_BITS) === 0;
}

/** The parts of a signature, or undefined when it is not exactly of the form. */
export function parseSignature(signature: string): ParsedSignature | undefined {
  // biome-ignore lint/plugin: the form of a signature is no secret
  if (signature.length > MAX_SIGNATURE_LENGTH || !signature.startsWith(PREFIX)) return undefined;
  const kidEnd = signature.indexOf('.', PREFIX.length);
  const timeEnd = signature.indexOf('.', kidEnd + 1);
  const kid = signature.slice(PREFIX.length, kidEnd);
  if (!isId(kid, MAX_KID_LENGTH)) return undefined;
  // This fails too where a dot is missing.
  const expiresAt = readTime(signature, kidEnd + 1, timeEnd);
  if (Number.isNaN(expiresAt)) return undefined;
  const mac = signature.slice(timeEnd + 1);
  return isCanonicalMac(mac) ? { kid, expiresAt, mac } : undefined;
}
