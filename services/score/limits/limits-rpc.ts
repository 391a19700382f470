/** The gRPC methods of limits, flags and quarantine, for the service `cli`. */
import { LimitsService, type BoardLimits as WireLimits } from '../../../gen/scoreboard/score/v1/limits_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import { registerService, type ServiceRegistration } from '../../shared/grpc/grpc.ts';
import type { LogOperatorAction } from '../../shared/telemetry/operator-log.ts';
import {
  MAX_SCORE,
  parseActionId,
  parseLeaderboard,
  parsePoints,
  parseUserId,
} from '../../shared/values/identifiers.ts';
import type { FlagsStore, StoredFlag } from './flags-store.ts';
import { type BoardLimits, type LimitsStore, MAX_QUARANTINED, MAX_RULES } from './limits-store.ts';

const LIST_DEFAULT = 100;
const LIST_MAX = 1_000;
/** 31 days. */
const MAX_SPAN_MS = 2_678_400_000n;
const MIN_WINDOW_MS = 1_000n;

export interface LimitsRpcOptions {
  limits: Omit<LimitsStore, 'version' | 'concerned'>;
  flags: Pick<FlagsStore, 'list' | 'count' | 'clear'>;
  /** Called when a player was quarantined or released. */
  onQuarantine: () => void;
  logAction: LogOperatorAction;
}

export function createLimitsRpc({
  limits,
  flags,
  onQuarantine,
  logAction,
}: LimitsRpcOptions): ServiceRegistration {
  return registerService(
    LimitsService,
    {
      async listLimits({ leaderboard }) {
        const board = leaderboard === '' ? undefined : parseLeaderboard(leaderboard);
        return { limits: (await limits.list(board)).map(toWire) };
      },

      async setLimits(request, context) {
        if (request.limits === undefined) throw new AppError('LIMITS_INVALID');
        const after = parseLimits(request.limits);
        const { leaderboard, kind } = after;
        const before = (await limits.list(leaderboard)).find((rule) => rule.kind === kind);
        if (!(await limits.set(after))) {
          throw new AppError('LIMITS_INVALID', {
            message: `There are ${MAX_RULES} rules already. Remove one first.`,
          });
        }
        logAction(context, 'limits set', { leaderboard, kind, before: before ?? null, after });
        return {};
      },

      async listFlags({ limit }) {
        if (limit > LIST_MAX) throw new AppError('LIMIT_INVALID');
        const [listed, total] = await Promise.all([flags.list(limit || LIST_DEFAULT), flags.count()]);
        return { flags: listed.map(toFlag), total: BigInt(total) };
      },

      async clearFlags({ userId }, context) {
        const cleared = await flags.clear(userId === '' ? undefined : parseUserId(userId));
        logAction(context, 'flags cleared', { player: userId || 'all', cleared });
        return { cleared: BigInt(cleared) };
      },

      async listQuarantined() {
        return { userIds: await limits.quarantined() };
      },

      async quarantinePlayer({ userId }, context) {
        const outcome = await limits.quarantine(parseUserId(userId));
        if (outcome === 'full') {
          const message = `${MAX_QUARANTINED} players are in quarantine already. Release one first.`;
          throw new AppError('LIMITS_INVALID', { message });
        }
        const changed = outcome === 'changed';
        onQuarantine();
        logAction(context, 'player quarantined', { player: userId, before: !changed, after: true });
        return { changed };
      },

      async releasePlayer({ userId }, context) {
        const changed = await limits.release(parseUserId(userId));
        onQuarantine();
        logAction(context, 'player released', { player: userId, before: changed, after: false });
        return { changed };
      },
    },
    {
      listLimits: ['cli'],
      setLimits: ['cli'],
      listFlags: ['cli'],
      clearFlags: ['cli'],
      listQuarantined: ['cli'],
      quarantinePlayer: ['cli'],
      releasePlayer: ['cli'],
    },
  );
}

/** Exported for its tests. */
export function parseLimits(wire: Omit<WireLimits, '$typeName' | '$unknown'>): BoardLimits {
  const { kind, maxPoints, windowMs, maxWindowPoints, maxWindowActions, minIntervalMs } = wire;
  if (maxPoints !== undefined) parsePoints(maxPoints);
  expect(within(windowMs, MIN_WINDOW_MS, MAX_SPAN_MS), 'A window lasts 1 second to 31 days.');
  expect(within(minIntervalMs, 1n, MAX_SPAN_MS), 'The shortest time between actions is 1 ms to 31 days.');
  expect(within(maxWindowPoints, 1n, MAX_SCORE), 'The points of a window are 1 to 2^53-1.');
  expect(within(maxWindowActions, 1n, MAX_SCORE), 'The actions of a window are 1 to 2^53-1.');
  const limitsWindow = maxWindowPoints !== undefined || maxWindowActions !== undefined;
  expect(
    (windowMs !== undefined) === limitsWindow,
    'A window needs a limit of points or actions, and such a limit needs a window.',
  );
  // The kind ends at the first "_" of an action id, so a kind that contains one would match no action.
  if (kind !== '') expect(!parseActionId(kind).includes('_'), 'A kind does not contain "_".');
  return {
    leaderboard: parseLeaderboard(wire.leaderboard),
    ...{ kind, maxPoints, windowMs, maxWindowPoints, maxWindowActions, minIntervalMs },
  };
}

function expect(holds: boolean, message: string): void {
  if (!holds) throw new AppError('LIMITS_INVALID', { message });
}

function within(value: bigint | undefined, min: bigint, max: bigint): boolean {
  return value === undefined || (value >= min && value <= max);
}

function toWire(limits: BoardLimits) {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { leaderboard: string; kind: string };
}

function toFlag({ firstAtMs, lastAtMs, ...flag }: StoredFlag) {
  return {
    ...flag,
    firstAtUnixMs: BigInt(Math.floor(firstAtMs)),
    lastAtUnixMs: BigInt(Math.floor(lastAtMs)),
  };
}
