/**
 * Player profiles in Postgres. Concurrent upserts leave as one statement, and only rows that are new or renamed are
 * written. A database that is down, hangs or takes no writes costs one statement's deadline: from then on
 * everybody is refused at once with STORE_UNAVAILABLE, until a probe in the background gets an answer.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { createCoalescer } from '../../shared/flow/coalescer.ts';
import { withDeadline } from '../../shared/flow/with-deadline.ts';
import type { Secret } from '../../shared/settings/secret.ts';
import { arrayLiteral, createPostgresPool, describePostgresTrouble } from '../../shared/stores/postgres.ts';
import type { Log } from '../../shared/telemetry/log.ts';

export interface Profile {
  readonly userId: string;
  readonly username: string;
}

/** Rows in one statement: a few milliseconds of work. */
const MAX_BATCH = 500;
/** One at a time keeps two renames of a player in the order in which they came. */
const MAX_IN_FLIGHT = 1;
/** About a second of tokens at full speed. */
const MAX_QUEUE = 10_000;
const CONNECTIONS = 2;
/** One statement: many times what it takes, and short enough that a caller may wait for two of them. */
const STATEMENT_DEADLINE_MS = 800;
/** A caller's whole wait, below the two seconds that callers allow. */
const UPSERT_DEADLINE_MS = 1_800;
/** Between two looks at whether the database answers. */
const PROBE_INTERVAL_MS = 2_000;
/** The same while it does not: callers are refused until it does. */
const DOWN_PROBE_INTERVAL_MS = 250;
/** What refused callers are told: a database restarts in about this time. */
const RETRY_AFTER_MS = 1_000;

export interface ProfileStoreOptions {
  databaseUrl: Secret;
  log: Log;
  onBatch: (size: number) => void;
}

export interface ProfileStore {
  /** Makes the profile, or renames it. STORE_UNAVAILABLE when the database does not answer. */
  upsert(profile: Profile): Promise<void>;
  /** Why no profile can be written; undefined when the database could take one when it was last asked. */
  trouble(): string | undefined;
  /** Finishes what waits, then closes the connections. */
  close(): Promise<void>;
}

/** The last of each player's, by user id: one order everywhere, so that two instances can't deadlock. */
function foldProfiles(profiles: readonly Profile[]): Profile[] {
  const byUser = new Map(profiles.map((profile) => [profile.userId, profile]));
  return [...byUser.values()].sort((a, b) => (a.userId < b.userId ? -1 : 1));
}

function unavailable(cause?: unknown): AppError {
  return new AppError('STORE_UNAVAILABLE', { cause, retryAfterMs: RETRY_AFTER_MS });
}

export function createProfileStore({ databaseUrl, log, onBatch }: ProfileStoreOptions): ProfileStore {
  const pool = createPostgresPool({
    url: databaseUrl,
    connections: CONNECTIONS,
    applicationName: 'auth',
    statementTimeoutMs: STATEMENT_DEADLINE_MS,
  });
  // Nobody is refused before the first answer is known.
  let state: 'unknown' | 'up' | 'down' = 'unknown';
  let trouble: string | undefined = 'not connected';

  /** Notes whether the database did what it was asked. */
  async function watched<Value>(answering: Promise<Value>): Promise<Value> {
    try {
      const value = await answering;
      if (state !== 'up') log.debug('profiles can be written');
      state = 'up';
      trouble = undefined;
      return value;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      state = 'down';
      trouble = describePostgresTrouble(error);
      log.debug({ err: error }, 'no profile can be written');
      // Whether the profile was written does not matter: the same upsert can be repeated at will.
      throw unavailable(error);
    }
  }

  // A row that already says the same is left out before the insert: even a conflict that changes nothing locks a row.
  const upsertBatch = (profiles: readonly Profile[]) =>
    watched(
      pool.run(
        (sql) => sql`
        insert into players as known (user_id, username)
        select given.user_id, given.username
        from unnest(
          ${arrayLiteral(profiles.map(({ userId }) => userId))}::text[],
          ${arrayLiteral(profiles.map(({ username }) => username))}::text[]
        ) as given(user_id, username)
        where not exists (
          select from players as same
          where same.user_id = given.user_id collate "C" and same.username = given.username
        )
        order by given.user_id collate "C"
        on conflict (user_id) do update set username = excluded.username, updated_at = now()
        where known.username is distinct from excluded.username`,
        STATEMENT_DEADLINE_MS,
      ),
    );

  const upserts = createCoalescer<Profile, undefined>({
    async send(profiles) {
      // These waited while the batch before them found out.
      if (state === 'down') throw unavailable();
      await upsertBatch(foldProfiles(profiles));
      return profiles.map(() => undefined);
    },
    maxBatch: MAX_BATCH,
    maxInFlight: MAX_IN_FLIGHT,
    maxQueue: MAX_QUEUE,
    onBatch,
  });

  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  async function probe(): Promise<void> {
    await watched(pool.checkWritable(STATEMENT_DEADLINE_MS)).catch((error: unknown) => {
      if (!(error instanceof AppError)) log.error({ err: error }, 'database probe');
    });
    if (closed) return;
    timer = setTimeout(() => void probe(), state === 'down' ? DOWN_PROBE_INTERVAL_MS : PROBE_INTERVAL_MS);
    timer.unref();
  }
  void probe();

  return {
    async upsert(profile) {
      if (state === 'down') throw unavailable();
      await withDeadline(upserts.submit(profile), UPSERT_DEADLINE_MS, () => unavailable());
    },
    trouble: () => trouble,
    async close() {
      closed = true;
      clearTimeout(timer);
      await upserts.close();
      await pool.close();
    },
  };
}
