/** What one address uses of a node, counted for its limits. Sockets are counted by admission, boards by the hub. */

/** The use of one holder: an address, or the /48 of an IPv6 site. */
export interface Holding {
  sockets: number;
  /** The number of sockets that watch each leaderboard. */
  readonly boards: Map<string, number>;
}

export interface AddressShare extends Holding {
  readonly address: string;
  /** The site of an IPv6 address. */
  readonly site: Holding | undefined;
}
