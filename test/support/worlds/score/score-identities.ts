/** How the services of a score world know each other: by keys, or by certificates if the test gives a folder with them. */
import {
  certificateFiles,
  readTlsCredentials,
} from '../../../../services/shared/identity/service-certificate.ts';
import type { ServiceIdentity } from '../../../../services/shared/identity/service-identity.ts';
import {
  createServiceKey,
  digestServiceKeys,
  SERVICE_NAMES,
  type ServiceName,
} from '../../../../services/shared/identity/service-keys.ts';

export type ScoreIdentities = ReturnType<typeof createIdentities>;

export function createIdentities(certificates: string | undefined) {
  const serviceKeys = Object.fromEntries(
    SERVICE_NAMES.map((name) => [name, createServiceKey(name)]),
  ) as Record<ServiceName, string>;
  const digests = digestServiceKeys(Object.values(serviceKeys));
  const certificateOf = (name: ServiceName, dir: string) =>
    readTlsCredentials(certificateFiles(dir, name), name, Date.now());
  return {
    serviceKeys,
    identityOf: (name: ServiceName): ServiceIdentity =>
      certificates === undefined
        ? { serviceKey: serviceKeys[name] }
        : { tls: certificateOf(name, certificates) },
    /** What a service checks its callers with. */
    callersOf: (name: ServiceName) =>
      certificates === undefined ? { digests } : { tls: certificateOf(name, certificates) },
  };
}
