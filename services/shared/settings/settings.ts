/**
 * Every setting, defined once: its name, the programs that read it, its default and its meaning. The readers in env.ts take names and
 * defaults from here, `npm start` passes to each process the settings that it reads, and tests compare the programs and
 * docs/configuration.md with it.
 */

import { IDENTITY_SETTINGS } from './table/identity.ts';
import { LIMIT_SETTINGS } from './table/limits.ts';
import { NETWORK_SETTINGS } from './table/network.ts';
import type { Program, Setting } from './table/setting.ts';
import { STORE_SETTINGS } from './table/stores.ts';

const TABLE = { ...NETWORK_SETTINGS, ...STORE_SETTINGS, ...IDENTITY_SETTINGS, ...LIMIT_SETTINGS };

type Table = typeof TABLE;
type Names = keyof Table;
export type SecretName = { [Name in Names]: Table[Name] extends { secret: true } ? Name : never }[Names];
/** The name of a variable. A secret has two: NAME and NAME_FILE. */
export type SettingName = Names | `${SecretName}_FILE`;

export const SETTINGS: Readonly<Record<Names, Setting>> = TABLE;

/** The default of a variable; undefined if it has none. */
export function defaultOf(name: SettingName): string | undefined {
  return name in SETTINGS ? SETTINGS[name as Names].default : undefined;
}

/** The variables that a program reads. */
export function settingsOf(program: Program): SettingName[] {
  return Object.entries(SETTINGS)
    .filter(([, setting]) => setting.of.includes(program))
    .flatMap(([name, setting]) => variablesOf(name as Names, setting));
}

function variablesOf(name: Names, { secret }: Setting): SettingName[] {
  return secret === true ? [name, `${name as SecretName}_FILE`] : [name];
}
