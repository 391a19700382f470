/** The connections of the public port, with their limits and metrics. */
import {
  type ConnectionLimits,
  type Connections,
  createConnections,
} from '../../../services/shared/net/connections.ts';
import type { NetworkList } from '../../../services/shared/net/networks.ts';
import type { Metrics } from '../../../services/shared/telemetry/metrics.ts';

export interface PublicConnectionsOptions {
  limits: ConnectionLimits;
  /** Networks whose addresses may open any number of connections: load balancers, proxies, this host. */
  exempt: readonly NetworkList[];
  metrics: Metrics;
}

export function createPublicConnections({ limits, exempt, metrics }: PublicConnectionsOptions): Connections {
  const refused = metrics.counter(
    'edge_connections_refused_total',
    'Connections closed at once, by reason.',
    ['reason'],
  );
  const connections = createConnections({
    limits,
    isExempt: (address) => exempt.some((networks) => networks.has(address)),
    onRefused: (reason) => refused.inc({ reason }),
  });
  metrics.gauge('edge_connections', 'Open connections of the public port.', {
    collect: () => connections.open,
  });
  return connections;
}
