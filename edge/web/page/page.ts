/** The demo page: connects the live board, the player, the game and the queue of scores. */

import { elementById } from '../element/elements.js';
import { LiveScoreboard } from '../element/live-scoreboard.js';
import { ENGLISH } from '../element/words.js';
import { ApiError, callJson } from './api.js';
import { Game } from './game.js';
import { fetchOwnPlace, submitAction } from './own-place.js';
import { forgetPending, keepPending, pendingOf } from './pending-store.js';
import type { Place } from './place.js';
import { type Player, PlayerSession } from './player-session.js';
import { rememberedByDevice } from './player-store.js';
import { RankCard } from './rank-card.js';
import { ScoreQueue, type SignedAction } from './score-queue.js';
import { wireSignIn } from './sign-in.js';

/** The socket does not report who overtakes a player outside the top ten, so the page reads their place this often. */
const OWN_PLACE_EVERY_MS = 10_000;
/** Shortest interval between two such reads, when the rank changes often. */
const OWN_PLACE_PAUSE_MS = 2_000;
const CONFIG_RETRY_MS = 2_000;

interface PageConfig {
  readonly fanoutUrl: string;
  readonly gameUrl: string;
  /** Whether the fan-out and the game server accept calls from this page's origin. */
  readonly allowed: boolean;
}

/** All addresses may be relative to the page, so that a proxy can serve it under any path. */
const absolute = (url: string) => new URL(url, document.baseURI).href.replace(/\/$/, '');

async function fetchConfig(): Promise<PageConfig> {
  for (;;) {
    const config = await callJson(`config.json?origin=${encodeURIComponent(location.origin)}`).catch(
      () => ({}) as Record<string, unknown>,
    );
    const { fanoutUrl, gameUrl, allowed } = config;
    if (typeof fanoutUrl === 'string' && typeof gameUrl === 'string') {
      return { fanoutUrl: absolute(fanoutUrl), gameUrl: absolute(gameUrl), allowed: allowed !== false };
    }
    await new Promise((resolve) => setTimeout(resolve, CONFIG_RETRY_MS));
  }
}

class Page {
  readonly #board = elementById('board', LiveScoreboard);
  readonly #connection = elementById('connection', HTMLElement);
  readonly #problem = elementById('problem', HTMLElement);
  readonly #card = new RankCard({
    rank: elementById('own-rank', HTMLElement),
    score: elementById('own-score', HTMLElement),
    chase: elementById('own-chase', HTMLElement),
    pending: elementById('own-pending', HTMLElement),
  });
  readonly #session: PlayerSession;
  readonly #game: Game;
  readonly #queue: ScoreQueue;
  #userId: string | undefined;
  #ownPlaceTimer: ReturnType<typeof setTimeout> | undefined;
  #refused: string | undefined;

  constructor(config: PageConfig) {
    this.#session = new PlayerSession({
      gameUrl: config.gameUrl,
      store: rememberedByDevice(sessionStorage, localStorage),
      onChange: (player) => this.#playerChanged(player),
    });
    this.#queue = this.#createQueue();
    this.#game = new Game(
      {
        gameUrl: config.gameUrl,
        token: () => this.#session.token(),
        onAction: (action) => this.#queue.add(action),
      },
      {
        pad: elementById('pad', HTMLElement),
        progress: elementById('progress', HTMLElement),
        start: elementById('start', HTMLButtonElement),
        message: elementById('message', HTMLElement),
        spoken: elementById('spoken', HTMLElement),
      },
    );
    if (!config.allowed) this.#tellNotAllowed();
    wireSignIn((username) => this.#session.signIn(username));
    elementById('leave', HTMLButtonElement).addEventListener('click', () => this.#session.signOut());
    this.#followBoard();
    this.#session.restore();
    this.#board.token = (context) => this.#session.token(context);
    this.#board.setAttribute('src', config.fanoutUrl);
    setInterval(() => void this.#askOwnPlace(), OWN_PLACE_EVERY_MS);
  }

  #createQueue(): ScoreQueue {
    return new ScoreQueue({
      submit: async (action) => {
        const token = await this.#session.token({ refused: this.#refused });
        return submitAction(token, action).catch((error: unknown) => {
          if (error instanceof ApiError && error.status === 401) this.#refused = token;
          throw error;
        });
      },
      onAccepted: (place) => this.#showPlace(place),
      onDropped: (action, error) =>
        this.#tellProblem(`${action.points} points did not count. ${error.message}`),
      onPending: (actions) => this.#showPending(actions),
      random: Math.random,
    });
  }

  #followBoard(): void {
    this.#board.addEventListener('scoreboard:state', ({ detail }) => {
      this.#connection.dataset.status = detail.status;
      this.#connection.textContent = ENGLISH[detail.status];
      if (detail.status !== 'live') this.#card.followRow(undefined);
    });
    this.#board.addEventListener('scoreboard:own', ({ detail }) => {
      if (detail.userId === this.#userId && this.#isLive()) this.#card.followRow(detail.score);
    });
    this.#board.addEventListener('scoreboard:player', ({ detail }) => {
      const { userId, score, rank } = detail;
      if (userId !== this.#userId) return;
      if (score < (this.#card.place?.score ?? 0)) void this.#askWhetherCorrected();
      else this.#showPlace({ score, rank: rank ?? undefined });
    });
    this.#board.addEventListener('scoreboard:board', ({ detail }) => {
      const own = detail.entries.find((entry) => entry.userId === this.#userId);
      if (own === undefined) return;
      this.#card.show(own);
      this.#card.showNeighbours(detail.entries);
    });
  }

  /** A new token of the same player only goes to the socket; for another player everything starts anew. */
  #playerChanged(player: Player | undefined): void {
    void this.#board.renewToken();
    if (player?.userId === this.#userId) return;
    const previous = this.#userId;
    this.#userId = undefined;
    this.#queue.clear();
    if (previous !== undefined) forgetPending(previous);
    this.#userId = player?.userId;
    this.#card.clear();
    this.#game.reset();
    this.#tellProblem('');
    elementById('sign-in', HTMLElement).hidden = player !== undefined;
    elementById('game', HTMLElement).hidden = player === undefined;
    elementById('player-name', HTMLElement).textContent = player?.username ?? '';
    if (player === undefined) {
      this.#board.removeAttribute('highlight');
      return;
    }
    this.#board.setAttribute('own-name', player.username);
    this.#board.setAttribute('highlight', player.userId);
    this.#queue.add(...pendingOf(player.userId));
  }

  /** A new rank outside the top ten has other neighbours. */
  #showPlace(place: Place): void {
    const before = this.#card.place?.rank;
    this.#card.show(place);
    if (this.#card.place?.rank === before || this.#ownPlaceTimer !== undefined) return;
    void this.#askOwnPlace();
    this.#ownPlaceTimer = setTimeout(() => {
      this.#ownPlaceTimer = undefined;
      void this.#askOwnPlace();
    }, OWN_PLACE_PAUSE_MS);
  }

  /** Asks nothing for a player who has no place yet: the socket tells of the first one. */
  async #askOwnPlace(): Promise<void> {
    const userId = this.#userId;
    if (userId === undefined || this.#card.place?.rank === undefined) return;
    if (document.visibilityState !== 'visible' || this.#isOnLiveBoard(userId)) return;
    try {
      const token = await this.#session.token();
      const place = token === undefined ? undefined : await fetchOwnPlace(token);
      if (place === undefined || userId !== this.#userId) return;
      this.#card.show(place);
      this.#card.showNeighbours(place.neighbours);
    } catch {
      // The card keeps what it shows; the next poll tries again.
    }
  }

  /** A lower score is from before the newest answer, or an operator has corrected it: only the edge can tell. */
  async #askWhetherCorrected(): Promise<void> {
    const [userId, before] = [this.#userId, this.#card.place];
    try {
      const token = await this.#session.token();
      const place = token === undefined ? undefined : await fetchOwnPlace(token);
      if (place !== undefined && userId === this.#userId && before === this.#card.place)
        this.#card.correct(place);
    } catch {
      // The card keeps what it shows; the next change of the score asks again.
    }
  }

  #isLive(): boolean {
    return this.#connection.dataset.status === 'live';
  }

  #isOnLiveBoard(userId: string): boolean {
    const entries = this.#board.board?.entries ?? [];
    return this.#isLive() && entries.some((entry) => entry.userId === userId);
  }

  #showPending(actions: readonly SignedAction[]): void {
    if (this.#userId !== undefined) keepPending(this.#userId, actions);
    this.#card.showPending(actions.reduce((sum, action) => sum + action.points, 0));
  }

  #tellNotAllowed(): void {
    const notice = elementById('notice', HTMLElement);
    notice.textContent = `The live board and the game refuse calls from pages at ${location.origin}. Open this page by the IP address of its machine, or add ${location.origin} to the setting ALLOWED_ORIGINS.`;
    notice.hidden = false;
  }

  #tellProblem(sentence: string): void {
    this.#problem.textContent = sentence;
    this.#problem.hidden = sentence === '';
  }
}

new Page(await fetchConfig());
