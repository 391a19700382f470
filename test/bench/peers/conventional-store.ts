/** The conventional stack's truth: one transaction for each score, on a pool of `pg` with named, prepared statements. */
import pg from 'pg';
import { CONVENTIONAL_SCHEMA } from './conventional-schema.ts';

export interface Recorded {
  readonly score: number;
  readonly replayed: boolean;
}

const UNIQUE_VIOLATION = '23505';
const LEADERBOARD = 'global';

const UPSERT = {
  name: 'upsert-score',
  text: `insert into scores as s (leaderboard, user_id, username, points, version) values ($1, $2, $3, $4, 1)
         on conflict (leaderboard, user_id) do update set
           username = excluded.username, points = s.points + excluded.points, version = s.version + 1
         returning points, version`,
};
const LOG = {
  name: 'log-action',
  text: `insert into actions (leaderboard, user_id, action_id, points, score_after, version, key_id, caller)
         values ($1, $2, $3, $4, $5, $6, 'k1', 'api')`,
};
const FIND = {
  name: 'find-action',
  text: 'select score_after from actions where user_id = $1 and action_id = $2',
};

export async function openConventionalStore(databaseUrl: string, connections: number) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: connections });
  await pool.query(CONVENTIONAL_SCHEMA);

  async function record(
    userId: string,
    username: string,
    actionId: string,
    points: number,
  ): Promise<Recorded> {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const {
        rows: [total],
      } = await client.query<{ points: string; version: string }>({
        ...UPSERT,
        values: [LEADERBOARD, userId, username, points],
      });
      await client.query({
        ...LOG,
        values: [LEADERBOARD, userId, actionId, points, total?.points, total?.version],
      });
      await client.query('commit');
      return { score: Number(total?.points), replayed: false };
    } catch (error) {
      await client.query('rollback');
      if (!(error instanceof pg.DatabaseError) || error.code !== UNIQUE_VIOLATION) throw error;
      const { rows } = await client.query<{ score_after: string }>({ ...FIND, values: [userId, actionId] });
      return { score: Number(rows[0]?.score_after), replayed: true };
    } finally {
      client.release();
    }
  }

  return { record, close: () => pool.end() };
}
