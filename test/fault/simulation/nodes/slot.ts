/** A place where a service runs or is being restarted, and how calls to it fail. */
import { AppError, type Reason } from '../../../../services/shared/errors/app-error.ts';
import type { Failures, Server } from '../environment/network.ts';

export interface Slot<Node> {
  readonly server: Server;
  node: Node;
}

export interface CallLimit {
  limitMs: number;
}

export const failuresOf = (unavailable: Reason): Failures => ({
  refused: () => new AppError(unavailable),
  lost: () => new AppError(unavailable),
  timeout: () => new AppError('DEADLINE_EXCEEDED'),
});
