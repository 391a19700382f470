/** The declarations of this folder agree with the modules: `tsc -p edge/web` fails if they do not. Types only; not served. */
import type * as client from '../client/scoreboard-client.js';
import type * as element from '../element/live-scoreboard.js';
import type * as declaredElement from './live-scoreboard.js';
import type * as declaredClient from './scoreboard-client.js';

type Same<Left, Right> = [Left] extends [Right] ? ([Right] extends [Left] ? true : false) : false;
type Holds<Claim extends true> = Claim;

export type Agreement = [
  Holds<Same<client.Board, declaredClient.Board>>,
  Holds<Same<client.Standing, declaredClient.Standing>>,
  Holds<Same<client.Overtaken, declaredClient.Overtaken>>,
  Holds<Same<client.ConnectionState, declaredClient.ConnectionState>>,
  Holds<Same<client.Refusal, declaredClient.Refusal>>,
  Holds<Same<client.LinkOptions, declaredClient.LinkOptions>>,
  Holds<Same<keyof client.ScoreboardLink, keyof declaredClient.ScoreboardLink>>,
  Holds<Same<keyof typeof element, 'LiveScoreboard'>>,
  Holds<client.ScoreboardLink extends declaredClient.ScoreboardLink ? true : false>,
  Holds<
    Same<Parameters<typeof client.connectScoreboard>, Parameters<typeof declaredClient.connectScoreboard>>
  >,
  Holds<Same<element.Words, declaredElement.Words>>,
  Holds<Same<element.LiveScoreboardEvents, declaredElement.LiveScoreboardEvents>>,
  Holds<Same<Exclude<keyof element.LiveScoreboard, keyof Lifecycle>, keyof declaredElement.LiveScoreboard>>,
  Holds<element.LiveScoreboard extends declaredElement.LiveScoreboard ? true : false>,
];

/** What the browser calls, and pages do not. */
interface Lifecycle {
  connectedCallback: unknown;
  disconnectedCallback: unknown;
  attributeChangedCallback: unknown;
}
