/**
 * Player profiles in Postgres. Concurrent upserts share one statement, and only rows that are new or renamed are written. When the
 * database is down, hangs or takes no writes, callers wait for one statement's limit. From then on all are refused at once with
 * STORE_UNAVAILABLE, until a probe in the background gets an answer.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { createCoalescer } from '../../shared/flow/coalescer.ts';
import { Deadline } from '../../shared/flow/deadline.ts';
import { isolate } from '../../shared/flow/isolate.ts';
import type { Secret } from '../../shared/settings/secret.ts';
import {
  arrayLiteral,
  describePostgresTrouble,
  isUnstorable,
  isValueRefused,
} from '../../shared/stores/postgres/postgres.ts';
import { createPostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import type { Log } from '../../shared/telemetry/log.ts';

export interface Profile {
  readonly userId: string;
  readonly username: string;
}

/** A profile to write. */
export interface GivenProfile extends Profile {
  /** False when the name only stands in for one: then a present name stays. */
  readonly isNamed: boolean;
}

/** Rows in one statement: a few milliseconds of work. */
const MAX_BATCH = 500;
/** One at a time keeps two renames of a player in the order of their arrival. */
const MAX_IN_FLIGHT = 1;
/** About a second of tokens at full speed. */
const MAX_QUEUE = 10_000;
const CONNECTIONS = 2;
/** One statement: many times what it takes, and short enough that a caller may wait for two of them. */
const STATEMENT_DEADLINE_MS = 800;
/** A caller's whole wait, below the two seconds that callers allow. */
const UPSERT_DEADLINE_MS = 1_800;
/** Between two probes while the database answers. */
const PROBE_INTERVAL_MS = 2_000;
/** Between two probes while it does not: callers are refused until it does. */
const DOWN_PROBE_INTERVAL_MS = 250;
/** For refused callers: a database restarts in about this time. */
const RETRY_AFTER_MS = 1_000;

export interface ProfileStoreOptions {
  databaseUrl: Secret;
  schema: string;
  log: Log;
  onBatch: (size: number) => void;
}

export type ProfileStore = ReturnType<typeof createProfileStore>;

/** The last name given to each player, by user id: with one order everywhere two instances can't deadlock. */
function foldProfiles(profiles: readonly GivenProfile[]): GivenProfile[] {
  const byUser = new Map<string, GivenProfile>();
  for (const profile of profiles) {
    if (profile.isNamed || !byUser.has(profile.userId)) byUser.set(profile.userId, profile);
  }
  return [...byUser.values()].sort((a, b) => (a.userId < b.userId ? -1 : 1));
}

/** The player's name, or the refusal of a profile that failed by itself. */
function nameOrRefusal(outcome: string | Error): string | Error {
  return isUnstorable(outcome) ? new AppError('VALUE_UNSTORABLE', { cause: outcome }) : outcome;
}

function unavailable(cause?: unknown): AppError {
  return new AppError('STORE_UNAVAILABLE', { cause, retryAfterMs: RETRY_AFTER_MS });
}

export function createProfileStore({ databaseUrl, schema, log, onBatch }: ProfileStoreOptions) {
  const pool = createPostgresPool({
    url: databaseUrl,
    schema,
    connections: CONNECTIONS,
    applicationName: 'auth',
    statementTimeoutMs: STATEMENT_DEADLINE_MS,
  });
  // No caller is refused before the first answer.
  let state: 'unknown' | 'up' | 'down' = 'unknown';
  let trouble: string | undefined = 'not connected';
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  /** Records whether the database ran the statement. */
  async function watched<Value>(answering: Promise<Value>): Promise<Value> {
    try {
      const value = await answering;
      if (state !== 'up') log.debug('profiles can be written');
      state = 'up';
      trouble = undefined;
      return value;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // The failure may have been momentary: probe at once.
      if (state !== 'down') probeAfter(0);
      state = 'down';
      trouble = describePostgresTrouble(error);
      log.debug({ err: error }, 'no profile can be written');
      // Whether the profile was written does not matter: the same upsert can be repeated.
      throw unavailable(error);
    }
  }

  // A row without a change is left out before the insert: even a conflict that changes nothing locks a row.
  const upsertBatch = async (profiles: readonly GivenProfile[]): Promise<string[]> => {
    const rows = await watched(
      pool.run(
        (sql) => sql<{ user_id: string; username: string }[]>`
        with given as materialized (
          select * from unnest(
            ${arrayLiteral(profiles.map(({ userId }) => userId))}::text[],
            ${arrayLiteral(profiles.map(({ username }) => username))}::text[],
            ${arrayLiteral(profiles.map(({ isNamed }) => String(isNamed)))}::bool[]
          ) as g (user_id, username, is_named)
        ), written as (
          insert into players as known (user_id, username, is_named)
          select g.user_id, g.username, g.is_named from given g
          where not exists (
            select from players same
            where same.user_id = g.user_id collate "C"
              and (not g.is_named or (same.is_named and same.username = g.username))
          )
          order by g.user_id collate "C"
          on conflict (user_id) do update
            set username = excluded.username, is_named = true, updated_at = now()
            where excluded.is_named and (not known.is_named or known.username <> excluded.username)
          returning user_id, username
        )
        select g.user_id, coalesce(w.username, p.username, g.username) as username
        from given g
        left join written w on w.user_id = g.user_id collate "C"
        left join players p on p.user_id = g.user_id collate "C"`,
        STATEMENT_DEADLINE_MS,
      ),
    );
    const names = new Map(rows.map((row) => [row.user_id, row.username]));
    return profiles.map(({ userId, username }) => names.get(userId) ?? username);
  };

  const upserts = createCoalescer<GivenProfile, string>({
    async send(profiles) {
      // The batch before these found it out while they waited.
      if (state === 'down') throw unavailable();
      const folded = foldProfiles(profiles);
      const outcomes = await isolate(folded, { run: upsertBatch, isOfContents: isValueRefused });
      const ofUser = new Map(folded.map(({ userId }, at) => [userId, outcomes[at]]));
      return profiles.map(({ userId, username }) => nameOrRefusal(ofUser.get(userId) ?? username));
    },
    maxBatch: MAX_BATCH,
    maxInFlight: MAX_IN_FLIGHT,
    maxQueue: MAX_QUEUE,
    onBatch,
  });

  async function probe(): Promise<void> {
    await watched(pool.checkWritable(STATEMENT_DEADLINE_MS)).catch((error: unknown) => {
      if (!(error instanceof AppError)) log.error({ err: error }, 'database probe');
    });
    probeAfter(state === 'down' ? DOWN_PROBE_INTERVAL_MS : PROBE_INTERVAL_MS);
  }

  function probeAfter(restMs: number): void {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(() => void probe(), restMs).unref();
  }
  void probe();

  return {
    /**
     * Creates the profile, or renames it. Returns the player's name, which is another one if that was given and this one was
     * not. Refuses with STORE_UNAVAILABLE when the database does not answer.
     */
    async upsert(profile: GivenProfile): Promise<string> {
      if (state === 'down') throw unavailable();
      return Deadline.after(UPSERT_DEADLINE_MS).race(upserts.submit(profile), () => {
        throw unavailable();
      });
    },
    /** Why no profile can be written; undefined when the database could take one at the last statement. */
    trouble: (): string | undefined => trouble,
    /** Finishes waiting upserts, then closes the connections. */
    async close(): Promise<void> {
      closed = true;
      clearTimeout(timer);
      await upserts.close();
      await pool.close();
    },
  };
}
