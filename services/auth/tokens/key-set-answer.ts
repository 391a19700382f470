/** What verifiers are told twice a second: keys and revocations when they changed, and else only that they did not. */
import { createHash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { GetKeySetResponseSchema } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { RevocationList } from './revocation-list.ts';

type Answer = MessageInitShape<typeof GetKeySetResponseSchema>;

/** Made of the contents, so that two services with the same files name the same version. */
function versionOf(jwksJson: string, revocations: ReturnType<RevocationList['published']>): string {
  const hash = createHash('sha256').update(jwksJson);
  for (const { subject, revokedAtUnix } of revocations) {
    hash.update(`\n${subject?.case} ${subject?.value} ${revokedAtUnix}`);
  }
  return hash.digest('base64url');
}

export function createKeySetAnswer(
  keys: Pick<KeyRing, 'jwksJson'>,
  list: Pick<RevocationList, 'published'>,
): (knownVersion: string) => Answer {
  let jwksJson: string | undefined;
  let revocations: ReturnType<RevocationList['published']> = [];
  let version = '';

  return (knownVersion) => {
    if (jwksJson !== keys.jwksJson() || revocations !== list.published()) {
      jwksJson = keys.jwksJson();
      revocations = list.published();
      version = versionOf(jwksJson, revocations);
    }
    if (knownVersion === version) return { version, unchanged: true };
    return { version, jwksJson, revocations: [...revocations] };
  };
}
