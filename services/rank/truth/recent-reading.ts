/** A reading of Postgres that readers share: there is one at a time, and it serves those who come soon after. */
import { createSingleFlight } from '../../shared/flow/single-flight.ts';

/** Least time for which a reading serves readers who did not just write. */
const RECENT_MS = 200;
/** A query reads the whole board. While only readers need it, Postgres has three quarters of its time for other work. */
const REST = 3;

export function createRecentReading<Reading>(read: () => Promise<Reading>) {
  let latest: { reading: Reading; expiresAtMs: number } | undefined;
  const { fresh } = createSingleFlight(async () => {
    const startedMs = performance.now();
    const reading = await read();
    const endedMs = performance.now();
    latest = { reading, expiresAtMs: endedMs + Math.max(RECENT_MS, REST * (endedMs - startedMs)) };
    return reading;
  });
  const recent = async () =>
    latest !== undefined && performance.now() < latest.expiresAtMs ? latest.reading : fresh();
  return { fresh, recent };
}
