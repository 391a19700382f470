/** `audit verify`: whether the chain, of the running stack or of an export, is as it was sealed. */
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import {
  type AuditHead,
  formatAuditHead,
  parseAuditHead,
  parseAuditKey,
} from '../shared/audit-chain/audit-chain.ts';
import { type Environment, optionalText, secret } from '../shared/settings/env.ts';
import { parseAuditLines } from './audit-lines.ts';
import type { CommandSite } from './command-site.ts';
import { parseDataDir } from './find-stack.ts';
import { readChain } from './read-chain.ts';
import type { AuditClient, Write } from './session.ts';
import { ChainDiffers, type ChainPart, type VerifyChainOptions, verifyChain } from './verify-chain.ts';
import { InputError, reading } from './words.ts';

const CALL = { deadlineMs: 10_000 };

interface Options {
  readonly head?: AuditHead;
  readonly oldKey: readonly string[];
  readonly file?: string;
}

export function defineAuditVerify(audit: Command, { session, act }: CommandSite): void {
  audit
    .command('verify')
    .description('recomputes the chain and compares it with the log; exit code 1 when it differs')
    .option(
      '--head <head>',
      'a head that was written down, which the chain must have passed',
      reading(readHead),
    )
    .option('--old-key <file>', 'a key from before it was changed; may be given again', collect, [])
    .option('--file <file>', 'an export to verify in place of the running stack')
    .action(
      act(async ({ head, oldKey, file }: Options) => {
        const oldKeys = oldKey.map(readKeyFile);
        const options = { key: readAuditKey(session.env), oldKeys, expected: head };
        if (file !== undefined) return verifyFile(file, options, session.write);
        return verifyStack(await session.audit(), options, session.write);
      }),
    );
}

function readHead(text: string): AuditHead {
  const head = parseAuditHead(text);
  if (head !== undefined) return head;
  throw new InputError('A head is what "audit head" prints: a number, a colon and 64 hexadecimal digits.');
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

function readKeyFile(path: string): Buffer {
  return parseAuditKey(secret({ AUDIT_KEY_FILE: path }, 'AUDIT_KEY'));
}

/** AUDIT_KEY or AUDIT_KEY_FILE, or the stack's own. */
function readAuditKey(env: Environment): Buffer {
  const isGiven = optionalText(env, 'AUDIT_KEY') ?? optionalText(env, 'AUDIT_KEY_FILE');
  if (isGiven !== undefined) return parseAuditKey(secret(env, 'AUDIT_KEY'));
  const path = join(parseDataDir(env), 'secrets', 'audit.key');
  if (!existsSync(path)) throw new Error(`there is no audit key at ${path}: set AUDIT_KEY_FILE`);
  return readKeyFile(path);
}

/** The exit code: 1 when something differs. */
export async function verifyStack(
  audit: AuditClient,
  options: VerifyChainOptions,
  write: Write,
): Promise<number> {
  return report(write, async () => {
    const verified = await verifyChain(readChain(audit), options);
    await refuseStrays(audit);
    return verified;
  });
}

/** The same of an export, without a stack. */
function verifyFile(path: string, options: VerifyChainOptions, write: Write): Promise<number> {
  return report(write, async () => {
    const file = await open(path);
    return verifyChain(parseAuditLines(file.readLines()), options).finally(() => file.close());
  });
}

async function report(write: Write, verify: () => ReturnType<typeof verifyChain>): Promise<number> {
  try {
    const { head, actions, erased, parts } = await verify();
    for (const line of linesAbout(parts)) await write(`${line}\n`);
    await write(
      `OK: ${head.seq} links seal ${actions} actions, ${erased} players erased; the head is ${formatAuditHead(head)}\n`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof ChainDiffers)) throw error;
    await write(`DIFFERS: ${error.message}\n`);
    return 1;
  }
}

/** Where the key changed, and which links no given key proves. */
function linesAbout(parts: readonly ChainPart[]): string[] {
  return parts.slice(1).map(({ from: changedAt }, before) => {
    const part = parts[before];
    if (part?.key !== undefined) return `link ${changedAt} changed the key`;
    return `NOT PROVEN: links ${part?.from} to ${changedAt - 1n}, without their key (--old-key); they are as they were when the key changed at link ${changedAt}`;
  });
}

/** What stands in the log but in no link was put there past the accept path. */
async function refuseStrays(audit: AuditClient): Promise<void> {
  let afterPosition = 0n;
  do {
    const { strays, nextPosition } = await audit.findStrayActions({ afterPosition }, CALL);
    if (strays[0] !== undefined) throw new ChainDiffers(`no link seals the action at ${strays[0]}`);
    afterPosition = nextPosition;
  } while (afterPosition !== 0n);
}
