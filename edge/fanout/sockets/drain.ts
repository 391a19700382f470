/**
 * Closes every socket before the node stops: a few at a time, each with its own random time to reconnect, so that the remaining
 * nodes get a steady stream of clients.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { CLOSE } from '../frames/close-codes.ts';
import type { Connection } from '../hub/connection.ts';
import {
  DRAIN_GRACE_MS,
  DRAIN_RETURN_MIN_MS,
  DRAIN_RETURN_PER_S,
  DRAIN_SPREAD_MS,
  DRAIN_STEP_MS,
} from './limits.ts';

/** Closes all sockets within DRAIN_SPREAD_MS. `random` returns numbers from 0 to 1. */
export async function drainSockets(open: ReadonlySet<Connection>, random: () => number): Promise<void> {
  const waiting = [...open];
  const steps = DRAIN_SPREAD_MS / DRAIN_STEP_MS;
  const perStep = Math.ceil(waiting.length / steps);
  const returnMs = Math.max(DRAIN_RETURN_MIN_MS, (waiting.length / DRAIN_RETURN_PER_S) * 1000);
  for (let first = 0; first < waiting.length; first += perStep) {
    for (const connection of waiting.slice(first, first + perStep)) {
      const retryMs = Math.round(random() * returnMs);
      connection.close({ code: CLOSE.RESTART.code, reason: JSON.stringify({ retryMs }) });
    }
    if (first + perStep < waiting.length) await delay(DRAIN_STEP_MS);
  }
  if (waiting.length > 0) await delay(DRAIN_GRACE_MS);
}
