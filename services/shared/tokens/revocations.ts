/**
 * Tokens and players whose tokens are worth nothing any more, as every verifier holds them: replaced whole, asked on every
 * request. A player's entry concerns the tokens issued up to its moment; one that is issued later is good again.
 */
import type { Revocation } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { Identity } from './token-check.ts';

const MS_PER_S = 1000;

export interface Revocations {
  /** Takes the whole list. */
  replace(list: readonly Pick<Revocation, 'subject' | 'revokedAtUnix'>[]): void;
  has(identity: Pick<Identity, 'tokenId' | 'userId' | 'issuedAtMs'>): boolean;
}

export function createRevocations(): Revocations {
  let tokens: ReadonlySet<string> = new Set();
  let players: ReadonlyMap<string, number> = new Map();

  return {
    replace(list) {
      const tokenIds = new Set<string>();
      const sinceMs = new Map<string, number>();
      for (const { subject, revokedAtUnix } of list) {
        const atMs = Number(revokedAtUnix) * MS_PER_S;
        if (subject.case === 'tokenId') tokenIds.add(subject.value);
        if (subject.case === 'userId') {
          sinceMs.set(subject.value, Math.max(atMs, sinceMs.get(subject.value) ?? 0));
        }
      }
      tokens = tokenIds;
      players = sinceMs;
    },
    has({ tokenId, userId, issuedAtMs }) {
      // Nearly always there is nothing to look up.
      if (tokens.size > 0 && tokenId !== '' && tokens.has(tokenId)) return true;
      return players.size > 0 && issuedAtMs <= (players.get(userId) ?? Number.NEGATIVE_INFINITY);
    },
  };
}
