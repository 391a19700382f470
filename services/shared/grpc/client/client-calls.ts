/** Metrics of a process's gRPC clients: how its requests are spread over the instances of each service. */
import type { Metrics } from '../../telemetry/metrics.ts';
import { PEERS } from './channels.ts';
import type { Instances } from './instances.ts';

export type ClientCalls = ReturnType<typeof createClientCalls>;

export function createClientCalls(metrics: Metrics) {
  const clients = new Map<Instances, string>();
  metrics.counter(
    'grpc_client_requests_total',
    'Requests to each instance of a service, of those that are known now.',
    ['to', 'instance'],
    (tell) => {
      for (const [instances, to] of clients) {
        for (const { address, requests } of instances.all()) tell({ to, instance: address }, requests());
      }
    },
  );
  return {
    add: (unavailable: keyof typeof PEERS, instances: Instances) =>
      void clients.set(instances, PEERS[unavailable]),
    remove: (instances: Instances) => void clients.delete(instances),
  };
}
