/** Identifies the caller by the certificate of the connection, or by the service key in the call. Throws when it is no service. */
import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { AppError } from '../../errors/app-error.ts';
import { serviceOfCertificate } from '../../identity/service-certificate.ts';
import type { CallerCheck } from '../../identity/service-identity.ts';
import { identifyService, type ServiceName } from '../../identity/service-keys.ts';
import { SERVICE_KEY_HEADER } from '../transport/methods.ts';

type Call = Pick<ServerUnaryCall<never, never>, 'metadata' | 'getAuthContext'>;

export function createCallerCheck({ digests }: CallerCheck): (call: Call) => ServiceName {
  if (digests === undefined) {
    return (call) => {
      const names = call.getAuthContext().sslPeerCertificate?.subjectaltname;
      const caller = serviceOfCertificate(names);
      if (caller === undefined) throw new AppError('SERVICE_CERTIFICATE_INVALID');
      return caller;
    };
  }
  return ({ metadata }) => {
    const caller = identifyService(digests, firstText(metadata, SERVICE_KEY_HEADER) ?? '');
    if (caller === undefined) throw new AppError('SERVICE_KEY_INVALID');
    return caller;
  };
}

export function firstText(metadata: Metadata, name: string): string | undefined {
  const value = metadata.get(name)[0];
  return typeof value === 'string' ? value : undefined;
}
