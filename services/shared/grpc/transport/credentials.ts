/**
 * Both ends of mutual TLS. A server accepts only clients with a certificate of our own authority. A client accepts only the
 * certificate of the service that it calls, whatever the address was.
 */
import { createSecureContext } from 'node:tls';
import { type ChannelCredentials, credentials, ServerCredentials } from '@grpc/grpc-js';
import { serviceOfCertificate, type TlsCredentials } from '../../identity/service-certificate.ts';
import type { ServiceName } from '../../identity/service-keys.ts';

export function serverCredentials(tls: TlsCredentials | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  return ServerCredentials.createSsl(tls.ca, [{ cert_chain: tls.cert, private_key: tls.key }], true);
}

export function clientCredentials(tls: TlsCredentials | undefined, peer: ServiceName): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const { ca, cert, key } = tls;
  return credentials.createFromSecureContext(createSecureContext({ ca, cert, key, minVersion: 'TLSv1.3' }), {
    checkServerIdentity: (_, { subjectaltname }) =>
      serviceOfCertificate(subjectaltname) === peer
        ? undefined
        : new Error(`the server's certificate is not that of ${peer}`),
  });
}
