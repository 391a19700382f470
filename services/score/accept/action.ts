/** A verified action on its way into the ledger, and the answer to it, whichever lane it takes. */
import type { BoardKind } from '../../shared/values/board.ts';

export interface Action {
  readonly leaderboard: string;
  readonly board: BoardKind;
  readonly userId: string;
  readonly username: string;
  readonly actionId: string;
  readonly points: bigint;
  /** The key that signed it; empty for an action of a service that is trusted to sign. */
  readonly keyId: string;
  /** The service that submitted it. */
  readonly caller: string;
}

/** The player's score and version after the action. A repeat gets those of the first time. */
export interface AcceptAnswer {
  readonly newScore: bigint;
  /** Whether the action changed the standing score. The first action of a player on a board does. */
  readonly changed: boolean;
  readonly version: bigint;
  readonly replayed: boolean;
}
