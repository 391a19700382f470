/** The encoding of the database. Names of players have all scripts and emoji, which only UTF8 can store. */

const NEEDED = 'UTF8';

/** Undefined for a database that stores every name; otherwise one line for the operator. */
export function encodingTrouble(encoding: string | undefined): string | undefined {
  if (encoding === NEEDED) return undefined;
  return `the database has the encoding ${encoding}, which can not store every name: create one with "create database scoreboard encoding 'UTF8' template template0" and name it in DATABASE_URL`;
}
