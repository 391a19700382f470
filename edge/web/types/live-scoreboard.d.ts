/** Types of `/live-scoreboard.js` and of its element, in the DOM and in JSX. Keep scoreboard-client.d.ts beside it. */
import type { Board, ConnectionState, Refusal, Standing, TokenSource } from './scoreboard-client.js';

/** The words of the element; `docs/integrating.md` lists them. */
export interface Words {
  readonly heading: string;
  readonly empty: string;
  readonly you: string;
  readonly between: string;
  readonly up: string;
  readonly down: string;
  readonly connecting: string;
  readonly live: string;
  readonly stale: string;
  readonly reconnecting: string;
  readonly offline: string;
  readonly refused: string;
  readonly closed: string;
  readonly asOf: string;
  readonly ownPlace: string;
  readonly ownGone: string;
  readonly placeOf: string;
  readonly first: string;
  readonly second: string;
  readonly third: string;
  readonly place: string;
}

/** What the own row shows now, also while it counts up. */
export interface OwnRow {
  readonly userId: string;
  readonly score: number;
}

export interface LiveScoreboardEvents {
  'scoreboard:board': CustomEvent<Board>;
  'scoreboard:player': CustomEvent<Standing>;
  'scoreboard:own': CustomEvent<OwnRow>;
  'scoreboard:state': CustomEvent<ConnectionState>;
  'scoreboard:error': CustomEvent<Refusal>;
}

/** The attributes, for JSX. A boolean attribute is set by any text. */
export interface LiveScoreboardAttributes {
  src?: string;
  leaderboard?: string;
  heading?: string;
  highlight?: string;
  rows?: number | string;
  'hide-empty'?: boolean | '';
  'own-row'?: boolean | '';
  'own-name'?: string;
  words?: string;
  decimals?: number | string;
  unit?: string;
}

export declare class LiveScoreboard extends HTMLElement {
  token: TokenSource | string | undefined;
  get words(): Words;
  set words(words: Partial<Words>);
  readonly board: Board | undefined;
  renewToken(): Promise<void>;
}

declare global {
  interface HTMLElementTagNameMap {
    'live-scoreboard': LiveScoreboard;
  }
  interface HTMLElementEventMap extends LiveScoreboardEvents {}
  namespace JSX {
    interface IntrinsicElements {
      'live-scoreboard': LiveScoreboardAttributes & { id?: string; class?: string; className?: string };
    }
  }
}
