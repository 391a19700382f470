/**
 * Verifies a player's token for services that ask auth, ours or an outside one. Our own keys are those of this process; the keys
 * of outside issuers are fetched only if there are any.
 */
import { create } from '@bufbuild/protobuf';
import {
  GetKeySetResponseSchema,
  GetSubjectKeysResponseSchema,
} from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { Clock } from '../../shared/settings/clock.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { checkToken, type Identity, parseToken, refuseToken } from '../../shared/tokens/rules/token-check.ts';
import { ownTokenRules, type TokenPolicy } from '../../shared/tokens/rules/token-policy.ts';
import { createTokenVerifier } from '../../shared/tokens/token-verifier.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { HeldAnswers } from '../tokens/held-answers.ts';
import type { RevocationList } from '../tokens/revocation-list.ts';
import type { PlayerIds } from './player-ids.ts';

export interface VerifyPlayerOptions {
  policy: TokenPolicy;
  keys: KeyRing;
  revocations: RevocationList;
  keySets: HeldAnswers;
  playerIds: PlayerIds;
  clock: Clock;
  log: Log;
}

export type VerifyPlayer = ReturnType<typeof createVerifyPlayer>;

export function createVerifyPlayer(options: VerifyPlayerOptions) {
  const { policy, keys, revocations, clock } = options;
  const rules = ownTokenRules(policy);
  const outside = policy.outside.length === 0 ? undefined : createOutsideVerifier(options);
  const findKey = async ({ kid }: { kid?: string }) => keys.tokenVerifier(kid ?? '');

  return {
    /** Refuses as a verifier at the border does. */
    async verify(accessToken: string): Promise<Identity> {
      const parsed = parseToken(accessToken);
      if (outside !== undefined && parsed.claimedIssuer !== policy.issuer) return outside.verify(accessToken);
      const identity = await checkToken(parsed, rules, findKey, clock.now());
      if (revocations.has(identity)) throw refuseToken('revoked', parsed);
      return identity;
    },
    close: (): void => outside?.close(),
  };
}

function createOutsideVerifier({ policy, keySets, playerIds, clock, log }: VerifyPlayerOptions) {
  const auth = {
    getKeySet: async ({ knownVersion = '', waitMs = 0 }) =>
      create(GetKeySetResponseSchema, await keySets.answer(knownVersion, waitMs)),
    getSubjectKeys: async ({ issuers = [] }: { issuers?: string[] }) =>
      create(GetSubjectKeysResponseSchema, { keys: await playerIds.subjectKeys(issuers) }),
  };
  return createTokenVerifier({ policy, auth, clock, log });
}
