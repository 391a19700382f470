/** The gRPC methods of the auth service, and the callers of each. A handler parses, calls a use case and answers. */
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
import { signActions } from './actions/sign-actions.ts';
import { verifyActions } from './actions/verify-actions.ts';
import type { AuthConfig } from './config.ts';
import type { KeyRing } from './keys/key-ring.ts';
import type { AuthMetrics } from './metrics.ts';
import type { PlayerIds } from './players/player-ids.ts';
import { recordNames } from './players/record-names.ts';
import { createResolvePlayer } from './players/resolve-player.ts';
import type { VerifyPlayer } from './players/verify-player.ts';
import type { ProfileStore } from './profiles/profile-store.ts';
import type { HeldAnswers } from './tokens/held-answers.ts';
import { issueToken, parseProfile } from './tokens/issue-token.ts';
import type { RevocationList } from './tokens/revocation-list.ts';

/** Most actions in one call: a few milliseconds of work. */
const MAX_ACTIONS = 1_000;
/** Each process is configured for fewer. */
const MAX_ISSUERS = 100;
/** One statement. */
const MAX_NAMES = 500;

/** Game servers observe actions and know their players; the operator's terminal acts as one. */
const ISSUERS: readonly ServiceName[] = ['game', 'cli'];
const VERIFIERS: readonly ServiceName[] = ['edge', 'fanout', 'score', 'game', 'cli'];
/** Those that players call: only there do outside tokens come in. */
const BORDER: readonly ServiceName[] = ['edge', 'fanout', 'game'];

const ALLOW: AllowLists<typeof AuthService> = {
  issueToken: ISSUERS,
  signAction: ISSUERS,
  signActions: ISSUERS,
  verifyToken: VERIFIERS,
  getKeySet: VERIFIERS,
  getSubjectKeys: BORDER,
  resolvePlayer: ISSUERS,
  recordNames: BORDER,
  verifyActions: ['score'],
};

export interface AuthParts {
  config: AuthConfig;
  keys: KeyRing;
  revocations: RevocationList;
  keySets: HeldAnswers;
  profiles: ProfileStore;
  playerIds: PlayerIds;
  players: VerifyPlayer;
  metrics: AuthMetrics;
  clock: Clock;
}

function checkBatchSize(size: number, most = MAX_ACTIONS): void {
  if (size < 1 || size > most) throw new AppError('BATCH_SIZE_INVALID');
}

export function authRegistration(parts: AuthParts): ServiceRegistration {
  const { config, keys, keySets, profiles, metrics, clock, playerIds, players, revocations } = parts;
  const resolve = createResolvePlayer({ playerIds, players });
  const { issuer, audience } = config.tokenPolicy;
  const terms = { issuer, audience, lifetimeS: config.tokenLifetimeS };

  async function sign(given: Parameters<typeof signActions>[0]) {
    const actions = await resolve.actions(given);
    const batch = signActions(actions, {
      key: keys.actionSigner(),
      lifetimeS: config.actionLifetimeS,
      nowMs: clock.now(),
    });
    metrics.actionsSigned(batch.signatures.length);
    const expiresAt = timestampFromMs(batch.expiresAtMs);
    return batch.signatures.map((signature, index) => {
      return { signature, expiresAt, userId: actions[index]?.userId ?? '' };
    });
  }

  const handlers: Handlers<typeof AuthService> = {
    async issueToken(request) {
      const given = parseProfile(request, config.isDeniedName);
      const profile = { userId: given.userId, username: await profiles.upsert(given) };
      const { accessToken, expiresAtMs } = await issueToken(profile, terms, keys.tokenSigner(), clock.now());
      metrics.tokenIssued();
      return { accessToken, expiresAt: timestampFromMs(expiresAtMs), username: profile.username };
    },

    async verifyToken({ accessToken }) {
      const { userId, username, tokenId, expiresAtMs, ...identity } = await players.verify(accessToken);
      return {
        ...{ userId, username, tokenId, issuer: identity.issuer },
        expiresAt: timestampFromMs(expiresAtMs),
      };
    },

    async getKeySet({ knownVersion, waitMs }) {
      return keySets.answer(knownVersion, waitMs);
    },

    async getSubjectKeys({ issuers }) {
      checkBatchSize(issuers.length, MAX_ISSUERS);
      return { keys: await playerIds.subjectKeys(issuers) };
    },

    async resolvePlayer({ outside }) {
      return { userId: await resolve.outsideId(outside ?? { issuer: '', subject: '' }) };
    },

    async recordNames({ names }) {
      checkBatchSize(names.length, MAX_NAMES);
      await recordNames(names, { profiles, isDenied: config.isDeniedName });
      return {};
    },

    async signAction({ action }) {
      const [signed = {}] = await sign([action]);
      return signed;
    },

    async signActions({ actions }) {
      checkBatchSize(actions.length);
      return { signatures: await sign(actions) };
    },

    async verifyActions({ actions }) {
      checkBatchSize(actions.length);
      const verdicts = verifyActions(actions, {
        findKey: keys.actionKey,
        allowV0: config.allowV0Signatures,
        lifetimeS: config.actionLifetimeS,
        isRevoked: (userId, issuedAtMs) => revocations.has({ tokenId: '', userId, issuedAtMs }),
        nowMs: clock.now(),
      });
      metrics.actionsVerified(verdicts);
      return { verdicts };
    },
  };
  return registerService(AuthService, handlers, ALLOW);
}
