/** The one door to gRPC. Both ends speak AppError, never a status object; what is behind it stays behind it. */

export {
  type AllowLists,
  type CallContext,
  type Handlers,
  registerService,
  type ServiceRegistration,
} from './grpc/methods.ts';
export { type GrpcServer, startGrpcServer } from './grpc/server.ts';
export { SESSION_LIMITS } from './grpc/session-limits.ts';
export { type CallOptions, createGrpcClient, type GrpcClient } from './grpc-client.ts';
