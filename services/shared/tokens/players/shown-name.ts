/**
 * The name of a player in the claims of an outside token. The issuer's settings say which claims may give it. Providers fill these
 * claims with e-mail addresses, account ids and telephone numbers when they know no name; such a value is never shown.
 */
import { readUsername } from '../../values/username.ts';

export type Claims = Readonly<Record<string, unknown>>;

const E_MAIL = /\S@\S/;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
/** A telephone number, a Steam id or another account number. */
const NUMBER = /^\+?[\d\s().-]{7,}$/;

/** A claim by its name, or by a path of names such as `user_metadata.full_name`. A name may contain dots itself. */
export function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Claims)[name];
  }
  return value;
}

/** A shorter subject may be a part of a name by chance. */
const TELLING_LENGTH = 6;

function isPrivate(name: string, subject: string): boolean {
  const tells = subject.length < TELLING_LENGTH ? name === subject : name.includes(subject);
  return tells || E_MAIL.test(name) || UUID.test(name) || NUMBER.test(name);
}

/** The first of the claims that gives a name which may be shown; undefined if none does. */
export function readShownName(claims: Claims, paths: readonly string[], subject: string): string | undefined {
  for (const path of paths) {
    const name = readUsername(claimAt(claims, path));
    if (name !== undefined && !isPrivate(name, subject)) return name;
  }
  return undefined;
}
