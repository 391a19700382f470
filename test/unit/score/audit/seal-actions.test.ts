import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { createSealActions, type SealActionsOptions } from '../../../../services/score/audit/seal-actions.ts';
import {
  type AuditLink,
  auditHeadAfter,
  createAuditKey,
  NO_HEAD,
  parseAuditKey,
} from '../../../../services/shared/audit-chain/audit-chain.ts';
import type { Log } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';
import { waitFor } from '../../../support/wait-for.ts';

const KEY = parseAuditKey(createAuditKey());
const DIGEST = createHash('sha256').digest();

/** A chain in memory over this many batches of two actions, sealed at most one a link. */
function createChain(batches: number) {
  const chain = {
    links: [] as AuditLink[],
    waiting: Array.from({ length: batches }, (_, n) => BigInt(n)),
    oldestSeconds: 0,
    looks: 0,
    lastPosition: 1_000n,
    /** Other processes that take the next number first. */
    rivals: 0,
  };
  const store: SealActionsOptions['store'] = {
    head: async () => chain.links.at(-1) ?? NO_HEAD,
    backlog: async () => {
      chain.looks += 1;
      return { batches: chain.waiting.length, oldestSeconds: chain.oldestSeconds, sealedBelow: 0n };
    },
    candidates: async () => {
      const [batch] = chain.waiting;
      return batch === undefined ? undefined : { batches: [batch], actions: 2n, digest: DIGEST };
    },
    append: async (link) => {
      if (chain.rivals > 0) {
        chain.rivals -= 1;
        return false;
      }
      chain.links.push(link);
      chain.waiting.shift();
      return true;
    },
  };
  const lastPosition = async () => chain.lastPosition;
  const words: string[] = [];
  const note = (_: object, text: string) => void words.push(text);
  const log = { debug: () => {}, warn: note, info: note, error: note } as unknown as Log;
  const metrics = createMetrics('test', { runtime: false });
  return {
    chain,
    words,
    metrics,
    sealing: createSealActions({ ...{ store, lastPosition, everyMs: 20 }, key: KEY, log, metrics }),
  };
}

it('makes link after link until all is sealed, each from the head before', async () => {
  const { chain, sealing, metrics } = createChain(3);
  sealing.start();
  await waitFor(() => chain.looks > 0 || undefined);
  await sealing.stop();
  expect(chain.links.map(({ seq }) => seq)).toEqual([1n, 2n, 3n]);
  for (const [index, link] of chain.links.entries()) {
    expect(link.head).toEqual(auditHeadAfter(KEY, chain.links[index - 1] ?? NO_HEAD, link));
  }
  expect(await metrics.text()).toMatch(/^audit_actions_sealed_total\{.*\} 6$/m);
});

it('leaves the rest to another process that seals, and measures the backlog', async () => {
  const { chain, sealing, metrics } = createChain(3);
  chain.rivals = 1;
  sealing.start();
  await waitFor(() => chain.looks > 0 || undefined);
  await sealing.stop();
  expect(chain.links).toEqual([]);
  expect(await metrics.text()).toMatch(/^audit_unsealed_batches\{.*\} 3$/m);
});

it('logs once that sealing is overdue, and once that it no longer is', async () => {
  const { chain, words, sealing } = createChain(0);
  chain.oldestSeconds = 61;
  sealing.start();
  await waitFor(() => chain.looks > 1 || undefined);
  chain.oldestSeconds = 0;
  await waitFor(() => words.length > 1 || undefined);
  await sealing.stop();
  expect(words).toEqual([
    'the audit chain is overdue: actions are not sealed',
    'the audit chain is no longer overdue',
  ]);
});

it('seldom searches while no position is taken, and at once when one is', async () => {
  const { chain, sealing } = createChain(1);
  sealing.start();
  await waitFor(() => chain.looks >= 11 || undefined);
  const { looks } = chain;
  // A batch whose commit took longer than the first searches.
  chain.waiting.push(7n);
  await waitFor(() => chain.links.length === 2 || undefined);
  expect(chain.looks).toBeLessThanOrEqual(looks + 1);
  await waitFor(() => chain.looks >= looks + 11 || undefined);
  chain.lastPosition += 1_000n;
  chain.waiting.push(8n);
  await waitFor(() => chain.links.length === 3 || undefined);
  await sealing.stop();
});
