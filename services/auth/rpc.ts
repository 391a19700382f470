/** The AuthService: who may call what, and for each method the four beats: who, what, do, answer. */
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { AppError } from '../shared/errors/app-error.ts';
import {
  type AllowLists,
  type Handlers,
  registerService,
  type ServiceRegistration,
} from '../shared/grpc/grpc.ts';
import type { ServiceName } from '../shared/identity/service-keys.ts';
import type { Clock } from '../shared/settings/clock.ts';
import { checkToken, parseToken, tokenInvalid } from '../shared/tokens/token-check.ts';
import { ownTokenRules } from '../shared/tokens/token-policy.ts';
import { signActions } from './actions/sign-actions.ts';
import { verifyActions } from './actions/verify-actions.ts';
import type { AuthConfig } from './config.ts';
import type { KeyRing } from './keys/key-ring.ts';
import type { AuthMetrics } from './metrics.ts';
import type { ProfileStore } from './profiles/profile-store.ts';
import { issueToken, parseProfile } from './tokens/issue-token.ts';
import { createKeySetAnswer } from './tokens/key-set-answer.ts';
import type { RevocationList } from './tokens/revocation-list.ts';

/** Most actions in one call: a few milliseconds of work. */
const MAX_ACTIONS = 1_000;

/** Game servers see actions happen and know their players; the operator's terminal stands in for one. */
const ISSUERS: readonly ServiceName[] = ['game', 'cli'];
const VERIFIERS: readonly ServiceName[] = ['edge', 'fanout', 'score', 'game', 'cli'];

const ALLOW: AllowLists<typeof AuthService> = {
  issueToken: ISSUERS,
  signAction: ISSUERS,
  signActions: ISSUERS,
  verifyToken: VERIFIERS,
  getKeySet: VERIFIERS,
  verifyActions: ['score'],
};

export interface AuthParts {
  config: AuthConfig;
  keys: KeyRing;
  revocations: RevocationList;
  profiles: ProfileStore;
  metrics: AuthMetrics;
  clock: Clock;
}

function checkBatchSize(size: number): void {
  if (size < 1 || size > MAX_ACTIONS) throw new AppError('BATCH_SIZE_INVALID');
}

export function authRegistration(parts: AuthParts): ServiceRegistration {
  const { config, keys, revocations, profiles, metrics, clock } = parts;
  const keySetAnswer = createKeySetAnswer(keys, revocations);
  const rules = ownTokenRules(config);
  const terms = { issuer: config.issuer, audience: config.audience, lifetimeS: config.tokenLifetimeS };

  function sign(actions: Parameters<typeof signActions>[0]) {
    const batch = signActions(actions, {
      key: keys.actionSigner(),
      lifetimeS: config.actionLifetimeS,
      nowMs: clock.now(),
    });
    metrics.actionsSigned(batch.signatures.length);
    return { signatures: batch.signatures, expiresAt: timestampFromMs(batch.expiresAtMs) };
  }

  const handlers: Handlers<typeof AuthService> = {
    async issueToken(request) {
      const profile = parseProfile(request);
      await profiles.upsert(profile);
      const { accessToken, expiresAtMs } = await issueToken(profile, terms, keys.tokenSigner(), clock.now());
      metrics.tokenIssued();
      return { accessToken, expiresAt: timestampFromMs(expiresAtMs) };
    },

    async verifyToken({ accessToken }) {
      const findKey = async ({ kid }: { kid?: string }) => keys.tokenVerifier(kid ?? '');
      const identity = await checkToken(parseToken(accessToken), rules, findKey, clock.now());
      if (revocations.has(identity)) throw tokenInvalid();
      return {
        userId: identity.userId,
        username: identity.username,
        issuer: rules.issuer,
        tokenId: identity.tokenId,
        expiresAt: timestampFromMs(identity.expiresAtMs),
      };
    },

    async getKeySet({ knownVersion }) {
      return keySetAnswer(knownVersion);
    },

    async signAction({ action }) {
      const { signatures, expiresAt } = sign([action]);
      return { signature: signatures[0] ?? '', expiresAt };
    },

    async signActions({ actions }) {
      checkBatchSize(actions.length);
      const { signatures, expiresAt } = sign(actions);
      return { signatures: signatures.map((signature) => ({ signature, expiresAt })) };
    },

    async verifyActions({ actions }) {
      checkBatchSize(actions.length);
      const verdicts = verifyActions(actions, {
        findKey: keys.actionKey,
        allowV0: config.allowV0Signatures,
        nowMs: clock.now(),
      });
      metrics.actionsVerified(verdicts);
      return { verdicts };
    },
  };
  return registerService(AuthService, handlers, ALLOW);
}
