/** What a use case knows about the caller of a request, besides who the player is. */
import type { Deadline } from '../../../services/shared/flow/deadline.ts';

export interface Caller {
  /** Keys whose shares of this node's queues the request counts against, besides the player's. Empty for exempt addresses. */
  readonly holders?: readonly string[];
  /** When the client stops waiting, if it said so. */
  readonly deadline?: Deadline | undefined;
}

/** A player as a holder of shares. No address has this form. */
export function playerHolder(userId: string): string {
  return `player ${userId}`;
}
