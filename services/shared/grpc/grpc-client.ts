/** The calling side of the door to gRPC, for programs that only call: the serving side takes as long again to load. */
export { type CallOptions, createGrpcClient, type GrpcClient } from './client.ts';
