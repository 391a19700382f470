/**
 * The simulated players and their game server, which signs players in on their first action, renews their tokens, and has
 * actions signed in batches. Every run has the same players.
 */
import { randomBytes } from 'node:crypto';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { AuthService } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { createCoalescer } from '../../shared/flow/coalescer.ts';
import type { GrpcClient } from '../../shared/grpc/grpc.ts';
import type { Clock } from '../../shared/settings/clock.ts';
import { pointsFor } from '../rounds/points.ts';
import { nameOf } from './names.ts';

type Auth = Pick<GrpcClient<typeof AuthService>, 'issueToken' | 'signActions'>;

/** A signed action of a player, ready to be submitted, and submitted again unchanged. */
export interface EarnedAction {
  readonly token: string;
  readonly actionId: string;
  readonly points: number;
  readonly signature: string;
}

export type Crowd = ReturnType<typeof createCrowd>;

export interface CrowdOptions {
  readonly auth: Auth;
  readonly players: number;
  readonly leaderboard: string;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
}

interface Token {
  readonly text: string;
  readonly expiresAtMs: number;
}

interface Unsigned {
  readonly leaderboard: string;
  readonly userId: string;
  readonly actionId: string;
  readonly points: bigint;
}

const AUTH_DEADLINE_MS = 5_000;
/** Longer than an action is retried, so that a token outlives the action. */
const RENEW_BEFORE_MS = 60_000;
const SIGN_BATCH = 500;
const SIGN_BATCHES_IN_FLIGHT = 2;
const SIGN_QUEUE = 10_000;
/** Players differ in skill, and each player varies from action to action. */
const QUICKEST_MS = 220;
const SKILL_SPREAD_MS = 900;
const FORM_SPREAD_MS = 600;
const LONGEST_STREAK = 9;

export function createCrowd({ auth, players, leaderboard, clock, random }: CrowdOptions) {
  const runId = randomBytes(6).toString('base64url');
  const tokens = new Map<number, Promise<Token>>();
  let earned = 0;

  const signer = createCoalescer<Unsigned, string>({
    maxBatch: SIGN_BATCH,
    maxInFlight: SIGN_BATCHES_IN_FLIGHT,
    maxQueue: SIGN_QUEUE,
    async send(actions) {
      const { signatures } = await auth.signActions({ actions }, { limitMs: AUTH_DEADLINE_MS });
      return signatures.map(({ signature }) => signature);
    },
  });

  async function issue(player: number): Promise<Token> {
    const profile = { userId: userIdOf(player), username: nameOf(player) };
    const { accessToken, expiresAt } = await auth.issueToken(profile, { limitMs: AUTH_DEADLINE_MS });
    return { text: accessToken, expiresAtMs: expiresAt === undefined ? 0 : timestampMs(expiresAt) };
  }

  async function tokenOf(player: number): Promise<string> {
    const known = tokens.get(player);
    if (known !== undefined) {
      const { text, expiresAtMs } = await known;
      if (expiresAtMs - clock.now() > RENEW_BEFORE_MS) return text;
      if (tokens.get(player) !== known) return tokenOf(player);
    }
    const issued = issue(player);
    tokens.set(player, issued);
    issued.catch(() => tokens.delete(player));
    return (await issued).text;
  }

  return {
    /** Lets a random player earn an action. */
    async earn(): Promise<EarnedAction> {
      const player = Math.floor(random() * players);
      earned += 1;
      const actionId = `sim-${runId}-${earned}`;
      const skillMs = SKILL_SPREAD_MS * (player / players);
      const reactionMs = QUICKEST_MS + skillMs + FORM_SPREAD_MS * random();
      const points = pointsFor(reactionMs, Math.floor(random() * (LONGEST_STREAK + 1)));
      const [token, signature] = await Promise.all([
        tokenOf(player),
        signer.submit({ leaderboard, userId: userIdOf(player), actionId, points: BigInt(points) }),
      ]);
      return { token, actionId, points, signature };
    },
    close: (): Promise<void> => signer.close(),
  };
}

function userIdOf(player: number): string {
  return `sim-${player}`;
}
