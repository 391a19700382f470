/**
 * The revocations that the running service publishes and applies. `refresh` checks the file. A file that is damaged or missing
 * leaves the list as it was.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RevocationSchema } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { Clock } from '../../shared/settings/clock.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { createOperatorLog } from '../../shared/telemetry/operator-log.ts';
import { createRevocations } from '../../shared/tokens/revocations.ts';
import {
  readRevocations,
  revocationsOwner,
  revocationsVersion,
  type StoredRevocation,
} from './revocation-store.ts';

const MS_PER_S = 1000;

type Published = MessageInitShape<typeof RevocationSchema>;

export type RevocationList = ReturnType<typeof openRevocationList>;

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

/** A player may be revoked again, which is a change too. */
function nameOf({ subject, revokedAtUnix }: ReturnType<typeof publish>): string {
  return `${subject.case} ${subject.value} ${revokedAtUnix}`;
}

/** Loads the list. Throws when the file is damaged at the start. */
export function openRevocationList({ dir, clock, log }: RevocationListOptions) {
  const revocations = createRevocations();
  let published: ReturnType<typeof publish>[] = [];
  let version: string | undefined;
  let failing = false;
  /** Whether the list was read at the start: what comes later is a change. */
  let isFollowing = false;
  const logAction = createOperatorLog(log);

  function load(): void {
    const seen = revocationsVersion(dir);
    if (seen === undefined || seen === version) return;
    const before = new Set(published.map(nameOf));
    published = readRevocations(dir, clock.now()).map(publish);
    revocations.replace(published);
    version = seen;
    if (!isFollowing) {
      log.info({ revocations: published.length }, 'revocations loaded');
      return;
    }
    const added = published.filter((each) => !before.has(nameOf(each))).map(({ subject }) => subject);
    logAction({ caller: revocationsOwner(dir) }, 'revocations changed', {
      ...{ before: before.size, after: published.length, added },
    });
  }

  function refresh(): void {
    try {
      load();
      failing = false;
    } catch (error) {
      if (!failing)
        log.error({ err: error }, 'the list of revocations can not be read: keeping the last one');
      failing = true;
    }
  }

  load();
  isFollowing = true;
  return {
    /** In the form of the wire. */
    published: (): readonly Published[] => published,
    has: revocations.has,
    /** Whether the file could be read last time. */
    isCurrent: (): boolean => !failing,
    /** Checks the file now. Never throws. */
    refresh,
  };
}
