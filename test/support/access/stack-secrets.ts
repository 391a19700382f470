/** The secrets of a running stack, which must not appear outside of their files, and the places where they could leak. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StackProcesses } from '../processes/stack-processes.ts';

interface KeyFile {
  readonly keys: readonly { readonly jwk: { readonly d?: string; readonly k?: string } }[];
}

/** Secrets of services and signing keys, by where they come from. */
export function secretsOf({ dataDir }: StackProcesses): Map<string, string> {
  const secrets = new Map<string, string>();
  const keysIn = (folder: string) =>
    existsSync(join(dataDir, folder)) ? readdirSync(join(dataDir, folder)) : [];
  for (const name of keysIn('secrets').filter((file) => file.endsWith('.key'))) {
    const [, secret] = readFileSync(join(dataDir, 'secrets', name), 'utf8')
      .trim()
      .split('.');
    if (secret !== undefined) secrets.set(name, secret);
  }
  for (const name of keysIn('auth-keys').filter((file) => file.endsWith('-keys.json'))) {
    const { keys }: KeyFile = JSON.parse(readFileSync(join(dataDir, 'auth-keys', name), 'utf8'));
    keys.forEach(({ jwk }, index) => {
      secrets.set(`${name} ${index}`, jwk.d ?? jwk.k ?? '');
    });
  }
  for (const name of keysIn('secrets').filter((file) => /\.(?:postgres|redis|nats)$/.test(file))) {
    secrets.set(name, readFileSync(join(dataDir, 'secrets', name), 'utf8').trim());
  }
  const password = join(dataDir, 'postgres', 'password');
  if (existsSync(password)) secrets.set('postgres', readFileSync(password, 'utf8').trim());
  return secrets;
}

/** Every log and every page of metrics, as they stand now. */
export async function wordsOf(stack: StackProcesses): Promise<Map<string, string>> {
  const words = new Map([['terminal', stack.output()]]);
  const logs = join(stack.dataDir, 'logs');
  for (const name of readdirSync(logs)) words.set(`log ${name}`, readFileSync(join(logs, name), 'utf8'));
  for (const [name, { adminPort }] of Object.entries(stack.stack().processes)) {
    if (adminPort === undefined) continue;
    const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
    words.set(`metrics ${name}`, await answer.text());
  }
  return words;
}
