/** What a use case knows of a request besides what it asks for. */
export interface Asking {
  /** In whose name the request takes a place of this node, besides the player's; none when its address is exempt. */
  readonly holders?: readonly string[];
  /** How long the client waits at most, when it said so. */
  readonly patienceMs?: number | undefined;
}

/** A player as a holder of places: no address reads like this. */
export function playerHolder(userId: string): string {
  return `player ${userId}`;
}
