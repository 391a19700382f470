/** The client half of the door to gRPC, for programs that only make calls: loading the server half doubles their start time. */
export { createGrpcClient, type GrpcClient } from './client/client.ts';
export { createClientCalls } from './client/client-calls.ts';
export type { CallOptions } from './transport/methods.ts';
