/** Ways to break the simulated world on purpose. Each must be caught: a simulation that can't fail proves nothing. */

export interface Mutations {
  /** The database takes an action again that it already has. */
  readonly countsRepeats?: boolean;
  /** A repeat is answered with the player's total of today. */
  readonly repeatsTellTotal?: boolean;
  /** Where actions are judged one by one, one that does not fit is refused before it is looked up. */
  readonly refusesRepeats?: boolean;
  /** Where actions are judged one by one, all of a player are refused when their sum does not fit. */
  readonly refusesBeside?: boolean;
  /** The database says "nothing was counted" although it committed. */
  readonly refusesCommitted?: boolean;
  /** A batch is committed without its outbox row. */
  readonly forgetsOutbox?: boolean;
  /** The database does not tell which statements are under way, so a build does not wait for them. */
  readonly hidesWriters?: boolean;
  /** Rank is not told which index was being built when the states were committed. */
  readonly forgetsBuilding?: boolean;
  /** An operation that is asked for again is carried out again. */
  readonly correctsTwice?: boolean;
  /** The index keeps players on the board who have left it. */
  readonly showsEverybody?: boolean;
  /** Deliveries count as done although the projection is incomplete. */
  readonly settlesEarly?: boolean;
  /** The index takes any write, newer or not. */
  readonly writesUnversioned?: boolean;
  /** The index breaks ties by user id alone. */
  readonly ordersTiesById?: boolean;
  /** The index serves any epoch that it is asked for, in any of its lives. */
  readonly ignoresEpoch?: boolean;
  /** The node sends each board as it comes, past the hub. */
  readonly sendsPastHub?: boolean;
  /** The node shows a board under a position that it made up. */
  readonly inventsBoards?: boolean;
}
