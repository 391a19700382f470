/**
 * Postgres as the score service knows it: its stores' promises kept in memory. A statement begins, takes a moment, and
 * commits whole or not at all; a crash in between rolls it back, and a lost reply leaves its caller in the dark.
 */

import type { AcceptStore } from '../../../../services/score/accept/accept-store.ts';
import type { CorrectionStore } from '../../../../services/score/corrections/correction-store.ts';
import type { LimitedBatch, LimitedStore } from '../../../../services/score/limits/limited-store.ts';
import { actionKey, playerKey } from '../../checker/evidence/evidence.ts';
import type { Process } from '../environment/network.ts';
import { createCorrections } from './corrections.ts';
import { createLedger } from './ledger.ts';
import { outboxStoreOf } from './outbox-store.ts';
import { type DatabaseOptions, FAILURES, Statements } from './statements.ts';

export type Database = ReturnType<typeof createDatabase>;

const SLOWEST_READING_MS = 500;
const CORRECTION_LIMIT_MS = 2_000;

export function createDatabase(options: DatabaseOptions) {
  const { time, network, random, mutations } = options;
  const ledger = createLedger(mutations);
  const { scores, actions, known, acceptTotals, judgeAll } = ledger;
  const { corrections, correct } = createCorrections(ledger, mutations);
  const statements = new Statements(options);
  const { server, outbox, index } = statements;

  /** Runs a reading or a small change in one moment. */
  const run = <Result>(
    from: Process,
    limitMs: number,
    serve: () => Result | Promise<Result>,
  ): Promise<Result> => network.call({ from, to: server, limitMs, failures: FAILURES, serve });

  return {
    ...{ server, scores, actions, corrections, outbox, index, run },
    writers: () => statements.writers(),
    holdOutbox: (lastsMs: number) => statements.holdOutbox(lastsMs),
    crash: () => statements.crash(),
    /** What passes between the snapshot of a large reading and its answer. */
    readAll: () => time.sleep(network.troubled ? random.next() * SLOWEST_READING_MS : 0),
    acceptStore: (from: Process): AcceptStore => ({
      insert: (players, rows, limitMs) =>
        run(from, limitMs, () => statements.execute((position) => acceptTotals(players, rows, position))),
      find: (keys, limitMs) =>
        run(from, limitMs, () =>
          keys.flatMap((key) => {
            const row = known.get(actionKey(key));
            if (row === undefined) return [];
            const now = scores.get(playerKey(row));
            return [mutations.repeatsTellTotal && now ? { ...row, scoreAfter: now.points } : row];
          }),
        ),
    }),
    limitedStore: (from: Process): LimitedStore => ({
      accept: (commands, limitMs) =>
        run(from, limitMs, async () => {
          let answers: LimitedBatch['answers'] = [];
          const batch = await statements.execute((position) => {
            const judged = judgeAll(commands, position);
            answers = judged.answers;
            return judged.states;
          });
          return batch && { answers, batch };
        }),
    }),
    correctionStore: (from: Process): CorrectionStore => ({
      correct: (correction) =>
        run(from, CORRECTION_LIMIT_MS, async () => {
          let outcome: Awaited<ReturnType<CorrectionStore['correct']>>;
          // Nobody projects it on the way: the outbox delivers it at once.
          await statements.execute((position) => {
            const corrected = correct(correction, position + 1n);
            outcome = corrected.outcome;
            return corrected.state && [corrected.state];
          }, 0);
          return outcome;
        }),
    }),
    outboxStore: (from: Process) => outboxStoreOf({ outbox, run, time, random }, from),
  };
}
