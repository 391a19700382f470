/** The two ports of a service: gRPC for other services, and HTTP for its operator. */
import { type ServiceRegistration, startGrpcServer } from '../grpc/grpc.ts';
import { type AdminServerOptions, startAdminServer } from '../http/admin-server.ts';
import type { CallerCheck } from '../identity/service-identity.ts';
import { joinHostPort } from '../net/host-port.ts';
import type { RunningService } from './run-process.ts';

export interface ServicePortsConfig {
  readonly host: string;
  readonly port: number;
  /** The path of a Unix socket for callers on the same machine. */
  readonly socket?: string | undefined;
  readonly adminHost: string;
  readonly adminPort: number;
  /** How callers are identified. */
  readonly callers: CallerCheck;
  /** Whether tools may ask the gRPC port for its methods. */
  readonly reflection: boolean;
}

export interface RunningPorts extends RunningService {
  readonly port: number;
  readonly adminPort: number;
}

export interface ServicePortsOptions extends Pick<AdminServerOptions, 'metrics' | 'dependencies' | 'log'> {
  readonly config: ServicePortsConfig;
  readonly services: readonly ServiceRegistration[];
  /** What the service can't work without, by name. `serving` is false from the beginning of the drain on. */
  readonly readiness: (serving: boolean) => Record<string, boolean>;
  /** Answers calls that wait for an event, so that the stop need not wait for it. */
  readonly onStopping?: () => void;
  /** Finishes and closes everything behind the ports, once no call is under way. The operator's port stays open meanwhile. */
  readonly drain: () => Promise<void>;
}

export async function openServicePorts(options: ServicePortsOptions): Promise<RunningPorts> {
  const { config, services, readiness, onStopping, drain, dependencies, log, metrics } = options;
  const grpc = await startGrpcServer({
    ...{ host: config.host, port: config.port, socket: config.socket },
    ...{ services, reflection: config.reflection, log, metrics },
    ...config.callers,
  });
  let serving = true;
  // Opened second: once /readyz says that the service is ready, it can be called.
  const admin = await startAdminServer({
    ...{ host: config.adminHost, port: config.adminPort, metrics, log },
    readiness: () => readiness(serving),
    ...(dependencies && { dependencies }),
  }).catch(async (error: unknown) => {
    await grpc.stop();
    throw error;
  });
  return {
    port: grpc.port,
    adminPort: admin.port,
    address: joinHostPort(config.host, grpc.port),
    adminAddress: admin.address,
    async stop() {
      serving = false;
      onStopping?.();
      await grpc.stop();
      await drain();
      await admin.close();
    },
  };
}
