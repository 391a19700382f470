/**
 * The revocations as the running service publishes and obeys them. Follows the file like the key ring; a file that is damaged
 * or gone leaves the list as it was.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RevocationSchema } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { Clock } from '../../shared/settings/clock.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { createRevocations, type Revocations } from '../../shared/tokens/revocations.ts';
import { POLL_MS } from '../keys/key-ring.ts';
import { readRevocations, revocationsVersion, type StoredRevocation } from './revocation-store.ts';

const MS_PER_S = 1000;

type Published = MessageInitShape<typeof RevocationSchema>;

export interface RevocationList {
  /** As it stands on the wire. */
  published(): readonly Published[];
  has: Revocations['has'];
  /** Whether the file could be read when it was last looked at. */
  isCurrent(): boolean;
  close(): void;
}

export interface RevocationListOptions {
  dir: string;
  clock: Clock;
  log: Log;
}

function publish({ kind, subject, atMs }: StoredRevocation) {
  return {
    subject: { case: kind === 'token' ? ('tokenId' as const) : ('userId' as const), value: subject },
    revokedAtUnix: BigInt(Math.floor(atMs / MS_PER_S)),
  };
}

/** Loads the list and follows the file until `close`. Throws when the file is damaged at the start. */
export function openRevocationList({ dir, clock, log }: RevocationListOptions): RevocationList {
  const revocations = createRevocations();
  let published: ReturnType<typeof publish>[] = [];
  let version: string | undefined;
  let failing = false;

  function load(): void {
    const seen = revocationsVersion(dir);
    if (seen === undefined || seen === version) return;
    published = readRevocations(dir, clock.now()).map(publish);
    revocations.replace(published);
    version = seen;
    log.info({ revocations: published.length }, 'revocations loaded');
  }

  function poll(): void {
    try {
      load();
      failing = false;
    } catch (error) {
      if (!failing) log.error({ err: error }, 'revocations could not be read again');
      failing = true;
    }
  }

  load();
  const timer = setInterval(poll, POLL_MS);
  timer.unref();
  return {
    published: () => published,
    has: revocations.has,
    isCurrent: () => !failing,
    close: () => clearInterval(timer),
  };
}
