/** Runs the simulation: starts actions at the given rate, with a limited number in flight, until time is up or it is stopped. */
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../shared/errors/app-error.ts';
import type { Crowd } from './crowd.ts';
import type { ScorePoster, Sent } from './post-score.ts';
import { createTally, type Totals } from './tally.ts';

export interface SimulateRun {
  readonly crowd: Crowd;
  readonly poster: ScorePoster;
  /** Actions a second. */
  readonly rate: number;
  readonly seconds: number;
  /** Ends the run early. */
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/** Actions in flight, so that a slow scoreboard slows the simulation down. */
const MAX_IN_FLIGHT = 256;
const TICK_MS = 10;
const LINE_MS = 1_000;
/** Delayed actions that are caught up at most, in seconds of the rate, so that no flood follows a stall. */
const BACKLOG_S = 0.5;
/** How long unfinished actions are retried after the end. */
const FINISH_LIMIT_MS = 5_000;

export async function simulate(run: SimulateRun): Promise<Totals> {
  const { rate, seconds, signal, print } = run;
  const tally = createTally();
  const underWay = new Set<Promise<void>>();
  const giveUp = new AbortController();
  const startedMs = performance.now();
  const elapsedS = () => (performance.now() - startedMs) / 1000;

  const lines = setInterval(() => print(tally.line(elapsedS(), underWay.size)), LINE_MS);
  let due = 0;
  let lastS = 0;
  while (!signal.aborted && lastS < seconds) {
    await sleep(TICK_MS, undefined, { signal }).catch(() => undefined);
    const nowS = Math.min(elapsedS(), seconds);
    due = Math.min(due + rate * (nowS - lastS), Math.max(1, rate * BACKLOG_S));
    lastS = nowS;
    for (; due >= 1 && underWay.size < MAX_IN_FLIGHT && !signal.aborted; due -= 1) {
      const action = playOnce(run, giveUp.signal).then((sent) => {
        tally.count(sent);
        underWay.delete(action);
      });
      underWay.add(action);
    }
  }

  const playedS = elapsedS();
  const limit = setTimeout(() => giveUp.abort(), FINISH_LIMIT_MS);
  await Promise.all(underWay);
  clearTimeout(limit);
  clearInterval(lines);
  print(tally.summary(playedS));
  return tally.totals;
}

/** Never rejects. */
async function playOnce({ crowd, poster }: SimulateRun, giveUp: AbortSignal): Promise<Sent> {
  try {
    return await poster.post(await crowd.earn(), giveUp);
  } catch (error) {
    return { accepted: false, reason: error instanceof AppError ? error.reason : 'INTERNAL' };
  }
}
