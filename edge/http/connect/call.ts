/** One call of Connect, shared by the code before and after its protocol handlers. */
import { createContextKey, type HandlerContext } from '@connectrpc/connect';
import type { AppError } from '../../../services/shared/errors/app-error.ts';
import type { Exchange } from '../server/exchange.ts';

export interface Call {
  readonly exchange: Exchange;
  /** A handler was reached, so the message was readable. */
  entered: boolean;
  refusal: AppError | undefined;
}

export const callKey = createContextKey<Call | undefined>(undefined);

/** The HTTP exchange of a handler's call. */
export function exchangeOf(context: HandlerContext): Exchange {
  const call = context.values.get(callKey);
  if (call === undefined) throw new Error('the call did not come through the adapter');
  return call.exchange;
}
