/**
 * Reports the names that tokens give to outside players to auth, which keeps one name for each player. Nothing waits for it: until
 * auth has it, the name travels with the player's scores.
 */
import type { AuthService } from '../../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { createCoalescer } from '../../flow/coalescer.ts';
import type { GrpcClient } from '../../grpc/grpc.ts';
import type { Log } from '../../telemetry/log.ts';
import { createRepeatedWarning } from '../../telemetry/repeated-log.ts';

const LIMIT_MS = 2_000;
/** What auth takes in one call. */
const MAX_BATCH = 500;
const MAX_QUEUE = 5_000;
/** Names that auth has, so that a new token with the same name costs no call: about a megabyte. */
const MAX_KNOWN = 10_000;

export interface NamedPlayer {
  readonly userId: string;
  readonly username: string;
}

export type NameRecorder = ReturnType<typeof createNameRecorder>;

export function createNameRecorder({
  auth,
  log,
}: {
  auth: Pick<GrpcClient<typeof AuthService>, 'recordNames'>;
  log: Log;
}) {
  const warn = createRepeatedWarning(log, 'names of outside players could not be recorded');
  let known = new Map<string, string>();
  const calls = createCoalescer<NamedPlayer, undefined>({
    async send(names) {
      await auth.recordNames({ names }, { limitMs: LIMIT_MS });
      return names.map(() => undefined);
    },
    maxBatch: MAX_BATCH,
    maxInFlight: 1,
    maxQueue: MAX_QUEUE,
  });

  async function report(player: NamedPlayer): Promise<void> {
    try {
      await calls.submit(player);
    } catch (error) {
      // The next token of the player reports the name again.
      known.delete(player.userId);
      warn({ err: error });
    }
  }

  return {
    note({ userId, username }: NamedPlayer): void {
      if (known.get(userId) === username) return;
      if (known.size >= MAX_KNOWN) known = new Map();
      known.set(userId, username);
      void report({ userId, username });
    },
  };
}
