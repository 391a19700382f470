/** Calls of the public interface, each written down with its outcome. An answer is waited for far beyond its deadline. */

import { outcomeOf } from '../../record/outcome.ts';
import type { RankAnswer, SubmitAnswer } from '../../record/record.ts';
import type { Recorder } from '../observe/recorder.ts';
import type { SignedAction } from './signer.ts';

export interface EdgeCalls {
  /** The answer, or the reason why there is none. */
  submit(
    token: string,
    action: SignedAction,
    how: { forged?: boolean; rest?: boolean },
  ): Promise<SubmitAnswer | string>;
  rank(token: string, userId: string, minVersion: number): Promise<RankAnswer | string>;
}

const DEADLINE_MS = 2_000;
/** A late answer is a finding, so it must be seen to come. */
const PATIENCE_MS = 6_000;
const SERVICE = 'scoreboard.edge.v1.ScoreboardService';

interface Told {
  readonly newScore?: number | string;
  readonly version?: string;
  readonly replayed?: boolean;
  readonly entry?: { readonly score?: string };
  readonly reason?: string;
}

export function createEdgeCalls(edgeUrl: string, recorder: Recorder): EdgeCalls {
  async function post(
    path: string,
    token: string,
    body: object,
  ): Promise<{ ok: boolean; replayed: boolean; told: Told }> {
    const response = await fetch(`${edgeUrl}/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const told = (await response.json()) as Told;
    return { ok: response.ok, replayed: response.headers.get('idempotent-replayed') === 'true', told };
  }

  /** Refusals and lost connections as reasons. */
  async function answered<Answer>(
    asking: ReturnType<typeof post>,
    read: (told: Told, replayed: boolean) => Answer,
  ) {
    try {
      const { ok, replayed, told } = await asking;
      return ok ? read(told, replayed) : (told.reason ?? 'INTERNAL');
    } catch (error) {
      return error instanceof Error && error.name === 'TimeoutError' ? 'CLIENT_TIMEOUT' : 'CONNECTION_LOST';
    }
  }

  return {
    async submit(token, { signature, ...action }, { forged = false, rest = false }) {
      const { leaderboard, userId, actionId, points } = action;
      const op = recorder.nextOp();
      const stamp = () => ({ proc: userId, op, monoNs: recorder.nowNs(), f: 'submit' as const });
      const call = {
        ...action,
        limitMs: DEADLINE_MS,
        credential: forged ? ('forged' as const) : ('valid' as const),
      };
      recorder.write({ ...stamp(), type: 'invoke', value: call });
      // REST addresses the default board alone, and does not tell versions.
      const asking =
        rest && leaderboard === 'global'
          ? post('api/v1/score/update', token, { actionId, points, signature })
          : post(`${SERVICE}/SubmitScore`, token, {
              leaderboard,
              actionId,
              points: String(points),
              signature,
            });
      const answer = await answered(asking, (told, replayed) => ({
        newScore: Number(told.newScore ?? 0),
        version: told.version === undefined ? null : Number(told.version),
        replayed: told.replayed ?? replayed,
      }));
      if (typeof answer === 'string') {
        recorder.write({ ...stamp(), type: outcomeOf(answer), value: { reason: answer } });
      } else recorder.write({ ...stamp(), type: 'ok', value: answer });
      return answer;
    },

    async rank(token, userId, minVersion) {
      const op = recorder.nextOp();
      const stamp = () => ({ proc: userId, op, monoNs: recorder.nowNs(), f: 'rank' as const });
      const value = { leaderboard: 'global', userId, minVersion, limitMs: DEADLINE_MS };
      recorder.write({ ...stamp(), type: 'invoke', value });
      const asking = post(`${SERVICE}/GetRank`, token, { minVersion: String(minVersion) });
      const answer = await answered(asking, ({ version, entry }) => ({
        version: Number(version ?? 0),
        score: Number(entry?.score ?? 0),
      }));
      if (typeof answer === 'string') {
        recorder.write({ ...stamp(), type: outcomeOf(answer), value: { reason: answer } });
      } else recorder.write({ ...stamp(), type: 'ok', value: answer });
      return answer;
    },
  };
}
