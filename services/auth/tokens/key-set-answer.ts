/** The answer to verifiers: keys and revocations if they changed, otherwise only that they did not. */
import { createHash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { GetKeySetResponseSchema } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { RevocationList } from './revocation-list.ts';

export type KeySetAnswer = MessageInitShape<typeof GetKeySetResponseSchema>;

/** A hash of the contents, so that two services with the same files have the same version. */
function versionOf(keys: string, revocations: ReturnType<RevocationList['published']>): string {
  const hash = createHash('sha256').update(keys);
  for (const { subject, revokedAtUnix } of revocations) {
    hash.update(`\n${subject?.case} ${subject?.value} ${revokedAtUnix}`);
  }
  return hash.digest('base64url');
}

export function createKeySetAnswer(
  keys: Pick<KeyRing, 'jwksJson' | 'actionKeyIds'>,
  list: Pick<RevocationList, 'published'>,
): (knownVersion: string) => KeySetAnswer {
  let known: string | undefined;
  let revocations: ReturnType<RevocationList['published']> = [];
  let version = '';

  return (knownVersion) => {
    const jwksJson = keys.jwksJson();
    const actionKeyIds = [...keys.actionKeyIds()];
    const now = [jwksJson, ...actionKeyIds].join('\n');
    if (known !== now || revocations !== list.published()) {
      known = now;
      revocations = list.published();
      version = versionOf(now, revocations);
    }
    if (knownVersion === version) return { version, unchanged: true };
    return { version, jwksJson, actionKeyIds, revocations: [...revocations] };
  };
}
