/** The events that `<live-scoreboard>` dispatches. */
import type { Board, ConnectionState, Refusal, Standing } from '../client/scoreboard-client.js';

/** What the own row shows now, also while it counts up. */
export interface OwnRow {
  readonly userId: string;
  readonly score: number;
}

export interface LiveScoreboardEvents {
  'scoreboard:board': CustomEvent<Board>;
  'scoreboard:player': CustomEvent<Standing>;
  'scoreboard:own': CustomEvent<OwnRow>;
  'scoreboard:error': CustomEvent<Refusal>;
  'scoreboard:state': CustomEvent<ConnectionState>;
}
