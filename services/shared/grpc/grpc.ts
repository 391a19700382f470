/** The one door to gRPC. Both ends speak AppError, never a status object; what is behind it stays behind it. */

export { type CallOptions, createGrpcClient, type GrpcClient } from './grpc-client.ts';
export {
  type AllowLists,
  type CallContext,
  type Handlers,
  registerService,
  type ServiceRegistration,
} from './methods.ts';
export { type GrpcServer, startGrpcServer } from './server.ts';
export { SESSION_LIMITS } from './session-limits.ts';
