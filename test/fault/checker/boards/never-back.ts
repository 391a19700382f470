/**
 * I7: the projection never goes back. While one life of Redis holds an epoch, no player's version falls; and on the
 * boards of an epoch, in the order of seq, no player's score falls, unless an operator corrected it. Position 0, which is shown as stale, has no place in
 * that order.
 */

import type { BoardFrame, ProjectionSample } from '../../record/record.ts';
import { type Evidence, groupBy, playerKey } from '../evidence/evidence.ts';
import { judge, together, type Verdict } from '../evidence/verdict.ts';

export function judgeNeverBack({ record, boards, isCorrected }: Evidence): Verdict {
  const samples = record.history.flatMap((event) => (event.f === 'projection' ? [event.value] : []));
  const lives = groupBy(samples, ({ epoch, runId }) => `${epoch} ${runId}`);
  const ordered = boards.filter(({ seq, stale }) => seq > 0 || !stale);
  const epochs = groupBy(ordered, ({ leaderboard, epoch }) => `${leaderboard} ${epoch}`);
  return together(
    judge(lives.values(), inspectLife),
    judge(epochs.values(), (frames, violate) => inspectEpoch(frames, isCorrected, violate)),
  );
}

function inspectLife(
  samples: readonly ProjectionSample[],
  violate: (what: string, ...evidence: unknown[]) => void,
) {
  const highest = new Map<string, number>();
  for (const { epoch, versions } of samples) {
    for (const player of versions) {
      const key = playerKey(player);
      const before = highest.get(key) ?? 0;
      if (player.version < before)
        return violate('a version in the index fell', { epoch, before, ...player });
      highest.set(key, player.version);
    }
  }
}

function inspectEpoch(
  frames: readonly BoardFrame[],
  isCorrected: Evidence['isCorrected'],
  violate: (what: string, ...evidence: unknown[]) => void,
) {
  const highest = new Map<string, { score: number; seq: number }>();
  for (const frame of [...frames].sort((a, b) => a.seq - b.seq)) {
    for (const { userId, score } of frame.entries) {
      if (isCorrected({ leaderboard: frame.leaderboard, userId })) continue;
      const before = highest.get(userId);
      if (before !== undefined && score < before.score && frame.seq > before.seq) {
        return violate('a score fell on later boards of one epoch', { userId, before }, frame);
      }
      if (before === undefined || score > before.score) highest.set(userId, { score, seq: frame.seq });
    }
  }
}
