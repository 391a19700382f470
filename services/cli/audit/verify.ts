/** `audit verify`: checks that the chain, of the running stack or of an export, is as it was sealed. */
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import {
  type AuditHead,
  formatAuditHead,
  parseAuditHead,
  parseAuditKey,
} from '../../shared/audit-chain/audit-chain.ts';
import { secretsDir } from '../../shared/identity/stack-file.ts';
import { type Environment, optionalText, secret } from '../../shared/settings/env.ts';
import type { CommandSite } from '../connect/command-site.ts';
import type { AuditClient } from '../connect/connect-score.ts';
import { parseDataDir } from '../connect/find-stack.ts';
import type { Print } from '../terminal/print.ts';
import { InputError, reading } from '../terminal/words.ts';
import { parseAuditLines } from './export-lines.ts';
import { readChain } from './read-chain.ts';
import {
  ChainDiffers,
  type ChainPart,
  type VerifiedChain,
  type VerifyChainOptions,
  verifyChain,
} from './verify-chain.ts';

const CALL = { limitMs: 10_000 };

interface Options {
  readonly head?: AuditHead;
  readonly oldKey?: readonly string[];
  readonly file?: string;
}

export function defineAuditVerify(audit: Command, { session, print, act }: CommandSite): void {
  audit
    .command('verify')
    .description('recompute the chain and compare it with the log; exit code 1 if they differ')
    .option('--head <head>', 'a head from "audit head" that the chain must contain', reading(readHead))
    .option('--old-key <file>', 'an audit key that was replaced; may be repeated', collect)
    .option('--file <file>', 'verify this export instead of the running stack')
    .action(
      act(async ({ head, oldKey = [], file }: Options) => {
        const oldKeys = oldKey.map(readKeyFile);
        const options = { key: readAuditKey(session.env), oldKeys, expected: head };
        if (file !== undefined) return verifyFile(file, options, print);
        return verifyStack(await session.audit(), options, print);
      }),
    );
}

function readHead(text: string): AuditHead {
  const head = parseAuditHead(text);
  if (head !== undefined) return head;
  throw new InputError(
    'A head has the format that "audit head" prints: a number, a colon and 64 hexadecimal digits.',
  );
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

function readKeyFile(path: string): Buffer {
  return parseAuditKey(secret({ AUDIT_KEY_FILE: path }, 'AUDIT_KEY'));
}

/** Reads AUDIT_KEY or AUDIT_KEY_FILE, or else the key of the stack in DATA_DIR. */
function readAuditKey(env: Environment): Buffer {
  const isGiven = optionalText(env, 'AUDIT_KEY') ?? optionalText(env, 'AUDIT_KEY_FILE');
  if (isGiven !== undefined) return parseAuditKey(secret(env, 'AUDIT_KEY'));
  const path = join(secretsDir(parseDataDir(env)), 'audit.key');
  if (!existsSync(path)) throw new Error(`no audit key at ${path}: set AUDIT_KEY_FILE`);
  return readKeyFile(path);
}

/** Verifies the running stack. Returns the exit code: 1 if something differs. */
export async function verifyStack(
  audit: AuditClient,
  options: VerifyChainOptions,
  print: Print,
): Promise<number> {
  return report(print, async () => {
    const verified = await verifyChain(readChain(audit), options);
    await refuseStrays(audit);
    return verified;
  });
}

/** Verifies an export. Returns the exit code: 1 if something differs. */
function verifyFile(path: string, options: VerifyChainOptions, print: Print): Promise<number> {
  return report(print, async () => {
    const file = await open(path);
    return verifyChain(parseAuditLines(file.readLines()), options).finally(() => file.close());
  });
}

async function report(print: Print, verify: () => ReturnType<typeof verifyChain>): Promise<number> {
  try {
    const { head, actions, erased, truncated, parts } = await verify();
    const headText = formatAuditHead(head);
    const notes = [...linesAbout(parts), ...truncated.map(lineAbout)];
    const result = `OK: ${head.seq} links seal ${actions} actions, ${erased} players erased; the head is ${headText}`;
    await print([...notes, result].map((line) => `${line}\n`).join(''), {
      ...{ ok: true, links: head.seq, actions, erased, head: headText, notes },
    });
    return 0;
  } catch (error) {
    if (!(error instanceof ChainDiffers)) throw error;
    await print(`DIFFERS: ${error.message}\n`, { ok: false, difference: error.message });
    return 1;
  }
}

/** Describes where the key changed, and which links no given key proves. */
function linesAbout(parts: readonly ChainPart[]): string[] {
  return parts.slice(1).map(({ from: changedAt }, before) => {
    const part = parts[before];
    if (part?.key !== undefined) return `link ${changedAt} changed the key`;
    return `NOT PROVEN: links ${part?.from} to ${changedAt - 1n}: give their key with --old-key; they have not changed since the key changed at link ${changedAt}`;
  });
}

/** A truncated link is the work of an earlier version, and no change of the log. */
function lineAbout({ seq, isSealedAgain }: VerifiedChain['truncated'][number]): string {
  const now = isSealedAgain
    ? 'a later link seals its actions again'
    : 'its actions agree with the part that is there, and score seals them again within a minute';
  return `NOTE: link ${seq} was sealed while bytea_output was "escape", and has only a part of its digest: ${now}`;
}

/** Throws ChainDiffers for an action in the log that no link seals: it did not come through the accept path. */
async function refuseStrays(audit: AuditClient): Promise<void> {
  let afterPosition = 0n;
  do {
    const { strays, nextPosition } = await audit.findStrayActions({ afterPosition }, CALL);
    if (strays[0] !== undefined) throw new ChainDiffers(`no link seals the action at ${strays[0]}`);
    afterPosition = nextPosition;
  } while (afterPosition !== 0n);
}
