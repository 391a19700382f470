/**
 * Revoked tokens, and players whose tokens are revoked, as every verifier holds them: replaced as a whole and checked on every
 * request. A player's entry concerns tokens issued up to its time. Tokens issued later are valid.
 */
import type { Revocation } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { Identity } from './rules/token-check.ts';

const MS_PER_S = 1000;

export type Revocations = ReturnType<typeof createRevocations>;

export function createRevocations() {
  let tokens: ReadonlySet<string> = new Set();
  let players: ReadonlyMap<string, number> = new Map();

  return {
    /** Replaces the whole list. */
    replace(list: readonly Pick<Revocation, 'subject' | 'revokedAtUnix'>[]): void {
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
    has({ tokenId, userId, issuedAtMs }: Pick<Identity, 'tokenId' | 'userId' | 'issuedAtMs'>): boolean {
      // The lists are nearly always empty.
      if (tokens.size > 0 && tokenId !== '' && tokens.has(tokenId)) return true;
      return players.size > 0 && issuedAtMs <= (players.get(userId) ?? Number.NEGATIVE_INFINITY);
    },
  };
}
