/** An action on its way to the commit, and what comes of it, in whichever way it is accepted. */

/** One verified action, ready to be written. */
export interface AcceptCommand {
  readonly leaderboard: string;
  readonly userId: string;
  readonly username: string;
  readonly actionId: string;
  readonly points: bigint;
  readonly keyId: string;
  /** The service that handed it in. */
  readonly caller: string;
}

export interface AcceptAnswer {
  readonly newScore: bigint;
  readonly version: bigint;
  readonly replayed: boolean;
}
