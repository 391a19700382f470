/** The one door to gRPC. Both ends use AppError, never status objects; types of the library do not leave this folder. */

export { type CallOptions, createClientCalls, createGrpcClient, type GrpcClient } from './grpc-client.ts';
export { type GrpcServer, startGrpcServer } from './server/server.ts';
export {
  type AllowLists,
  type CallContext,
  type Handlers,
  registerService,
  type ServiceRegistration,
} from './transport/methods.ts';
export { SESSION_LIMITS } from './transport/session-limits.ts';
