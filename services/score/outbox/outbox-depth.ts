/** How much waits in the outbox, as columns of a statement over it. */
import type { Sql } from '../../shared/stores/postgres/postgres.ts';

export interface OutboxDepth {
  readonly pending: number;
  readonly oldestSeconds: number;
  readonly dead: number;
  /** A sweeper would find a row to deliver. */
  readonly isDue: boolean;
}

export interface DepthRow {
  readonly pending: number;
  readonly dead: number;
  readonly oldest: number;
  readonly due: boolean;
}

/** Longer than any wait of a row: a later time was set before the database's clock was set back. */
const LONGEST_WAIT = '1 minute';

/** The condition for rows that a sweeper may take now. */
export const isDue = (sql: Sql) =>
  sql`state = 'pending' and (next_attempt_at <= now() or next_attempt_at > now() + ${LONGEST_WAIT}::interval)`;

export const depthColumns = (sql: Sql) => sql`
  count(*) filter (where state = 'pending')::int as pending,
  count(*) filter (where state = 'dead')::int as dead,
  coalesce(extract(epoch from now() - min(created_at) filter (where state = 'pending')), 0)::float8 as oldest,
  coalesce(bool_or(${isDue(sql)}), false) as due`;

export function toOutboxDepth({ pending, dead, oldest, due }: DepthRow): OutboxDepth {
  return { pending, dead, oldestSeconds: oldest, isDue: due };
}
