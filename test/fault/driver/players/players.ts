/**
 * Players at work: they submit signed actions over both roads, repeat and abuse some, forge a few, use a few of each other's,
 * send what was not answered again, unchanged, and now and then read what they wrote. They never stop because something is down.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../support/random.ts';
import { isWorthRetrying } from '../../record/outcome.ts';
import type { EdgeCalls } from './edge-calls.ts';
import type { SignedAction, Signer } from './signer.ts';

export interface Players {
  /** Resolves when everybody has had the answer to the last action, or has given up on it. */
  stop(): Promise<void>;
}

export interface PlayersOptions {
  names: readonly string[];
  calls: EdgeCalls;
  signer: Signer;
  random: Random;
}

/** Signed in advance, so that an outage of the auth service is outlived. */
const STOCK = 400;
const REFILL_BELOW = 200;
const MOST_POINTS = 5;
const SHORTEST_PAUSE_MS = 40;
const LONGEST_PAUSE_MS = 160;
/** The documented retry rule: soon, then later, with chance. */
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 1_000;
/** A player who was told to stop tries this often to hear of the last action: a broken product must not hold up its judge. */
const LATE_ATTEMPTS = 10;
const REMEMBERED = 50;
const [REPEATS, ABUSES, FORGERIES, THEFTS] = [0.1, 0.05, 0.05, 0.02];
const [READS, OTHER_BOARD] = [0.2, 0.1];

export async function startPlayers({ names, calls, signer, random }: PlayersOptions): Promise<Players> {
  const stopping = new AbortController();
  const tokens = await Promise.all(names.map((name) => signer.token(name)));
  const players = await Promise.all(
    names.map((userId, at) => {
      const thief = { userId: names.at(at - 1) ?? userId, token: tokens.at(at - 1) ?? '' };
      const self = { userId, token: tokens[at] ?? '', thief };
      return createPlayer(self, { calls, signer, random: random.fork() });
    }),
  );
  const playing = Promise.all(players.map((play) => play(stopping.signal)));
  return {
    async stop() {
      stopping.abort();
      await playing;
    },
  };
}

/** Somebody with a good token of their own, who uses signatures of the player. */
interface Player {
  readonly userId: string;
  readonly token: string;
  readonly thief: { readonly userId: string; readonly token: string };
}

async function createPlayer(
  { userId, token, thief }: Player,
  { calls, signer, random }: { calls: EdgeCalls; signer: Signer; random: Random },
) {
  const stock: SignedAction[] = [];
  const done: SignedAction[] = [];
  let made = 0;
  let refilling = false;

  async function refill(): Promise<void> {
    const wanted = Array.from({ length: STOCK - stock.length }, () => {
      made += 1;
      const leaderboard = random.chance(OTHER_BOARD) ? 'weekly' : 'global';
      return { leaderboard, userId, actionId: `${userId}-${made}`, points: random.whole(0, MOST_POINTS) };
    });
    stock.push(...(await signer.sign(wanted)));
  }

  /** In the background: while auth is away the stock only shrinks. */
  function refillSoon(): void {
    if (refilling || stock.length >= REFILL_BELOW) return;
    refilling = true;
    refill()
      .catch(() => sleep(RETRY_MAX_MS))
      .finally(() => {
        refilling = false;
      });
  }

  async function submitUntilAnswered(action: SignedAction, signal: AbortSignal): Promise<void> {
    for (let attempt = 0, lateAttempts = 0; lateAttempts < LATE_ATTEMPTS; attempt += 1) {
      if (signal.aborted) lateAttempts += 1;
      const answer = await calls.submit(token, action, { rest: random.chance(0.5) });
      if (typeof answer === 'string') {
        if (!isWorthRetrying(answer)) return;
        await sleep(RETRY_MIN_MS + random.next() * Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** attempt));
        continue;
      }
      done.push(action);
      if (done.length > REMEMBERED) done.shift();
      if (answer.version !== null && action.leaderboard === 'global' && random.chance(READS)) {
        await calls.rank(token, userId, answer.version);
      }
      return;
    }
  }

  await refill();
  return async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await sleep(SHORTEST_PAUSE_MS + random.next() * (LONGEST_PAUSE_MS - SHORTEST_PAUSE_MS));
      refillSoon();
      const known = done.length > 0 ? random.pick(done) : undefined;
      if (known && random.chance(REPEATS)) await calls.submit(token, known, {});
      // The signature does not cover these points, so this is an abuse and a forgery in one.
      if (known && random.chance(ABUSES))
        await calls.submit(token, { ...known, points: known.points + 1 }, { forged: true });
      const action = stock.shift();
      if (action === undefined) continue;
      if (random.chance(FORGERIES)) {
        await calls.submit(token, { ...action, actionId: `f${action.actionId}` }, { forged: true });
      }
      if (random.chance(THEFTS)) {
        await calls.submit(thief.token, { ...action, userId: thief.userId }, { forged: true });
      }
      await submitUntilAnswered(action, signal);
    }
  };
}
