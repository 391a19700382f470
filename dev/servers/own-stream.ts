/**
 * The private NATS keeps its stream when the database is replaced: `DATABASE_URL` was given, or the folder of the private Postgres
 * was removed. This NATS serves one stack alone, so a stream of the former database is removed, and score creates it again. Nothing
 * is lost: the stream holds what boards were, and Postgres what they are.
 */
import { Deadline } from '../../services/shared/flow/deadline.ts';
import { natsNames } from '../../services/shared/stores/names.ts';
import { connectNats } from '../../services/shared/stores/nats/nats.ts';
import { removeForeignStream } from '../../services/shared/stores/nats/score-stream.ts';
import { openPostgres } from '../../services/shared/stores/postgres/postgres.ts';
import { createSilentLog } from '../../services/shared/telemetry/log.ts';
import type { ServerAddress, ServerAddresses } from './server-access.ts';

const LIMIT_MS = 5_000;

/** Resolves with whether a stream was removed. Does nothing to a NATS that the operator has given. */
export async function releaseOwnStream(
  { postgres, nats }: Pick<ServerAddresses, 'postgres' | 'nats'>,
  namespace: string,
  schema: string,
): Promise<boolean> {
  if (!nats.ownUsers) return false;
  const deployment = await readDeployment(postgres, schema);
  const signal = Deadline.after(LIMIT_MS).signal();
  const connection = await connectNats({
    url: nats.url,
    name: 'scoreboard-local',
    log: createSilentLog(),
    signal,
  });
  try {
    const manager = await connection.jetstreamManager({ timeout: LIMIT_MS, checkAPI: false });
    return await removeForeignStream(manager, { names: natsNames(namespace), deployment, at: '' });
  } finally {
    await connection.close();
  }
}

async function readDeployment({ url }: ServerAddress, schema: string): Promise<string> {
  // Behind a pooler too.
  const sql = await openPostgres(
    { url, connections: 1, applicationName: 'scoreboard-local', schema, statementTimeoutMs: LIMIT_MS },
    LIMIT_MS,
  );
  try {
    const [row] = await Deadline.after(LIMIT_MS).race(
      sql<{ id: string }[]>`select id::text as id from ${sql(schema)}.deployment`,
    );
    return row?.id ?? '';
  } finally {
    await sql.end({ timeout: 1 });
  }
}
