/** The client half of the door to gRPC, for programs that only make calls: loading the server half doubles their start time. */
export { createGrpcClient, type GrpcClient } from './client.ts';
export { createClientCalls } from './client-calls.ts';
export type { CallOptions } from './methods.ts';
