/** The product page: puts the live board, the player, the game and the way of a score together. */
import { ApiError, callJson } from './api.js';
import { STATUS_WORDS } from './connection-words.js';
import { elementById } from './elements.js';
import { Game } from './game.js';
import { LiveScoreboard } from './live-scoreboard.js';
import { fetchOwnPlace, submitAction } from './own-place.js';
import { forgetPending, keepPending, pendingOf } from './pending-store.js';
import { type Player, PlayerSession } from './player-session.js';
import { RankCard } from './rank-card.js';
import { ScoreQueue, type SignedAction } from './score-queue.js';
import { wireSignIn } from './sign-in.js';

/** Outside the top ten nobody tells the player that others went past, so the page asks now and then. */
const OWN_PLACE_EVERY_MS = 10_000;
const CONFIG_RETRY_MS = 2_000;

interface PageConfig {
  readonly fanoutUrl: string;
  readonly gameUrl: string;
  /** Whether the other nodes take calls from a page that was opened at this address. */
  readonly allowed: boolean;
}

async function fetchConfig(): Promise<PageConfig> {
  for (;;) {
    const config = await callJson(`/config.json?origin=${encodeURIComponent(location.origin)}`).catch(
      () => ({}) as Record<string, unknown>,
    );
    const { fanoutUrl, gameUrl, allowed } = config;
    if (typeof fanoutUrl === 'string' && typeof gameUrl === 'string') {
      return { fanoutUrl, gameUrl, allowed: allowed !== false };
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
  #refused: string | undefined;

  constructor(config: PageConfig) {
    this.#session = new PlayerSession({
      gameUrl: config.gameUrl,
      store: sessionStorage,
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
      onAccepted: ({ newScore, rank }) => this.#card.show({ score: newScore, rank }),
      onDropped: (action, error) =>
        this.#tellProblem(`${action.points} points did not count. ${error.message}`),
      onPending: (actions) => this.#showPending(actions),
      random: Math.random,
    });
  }

  #followBoard(): void {
    this.#board.addEventListener('scoreboard:state', ({ detail }) => {
      this.#connection.dataset.status = detail.status;
      this.#connection.textContent = STATUS_WORDS[detail.status];
    });
    this.#board.addEventListener('scoreboard:player', ({ detail }) => {
      const { userId, score, rank } = detail;
      if (userId === this.#userId && rank !== null) this.#card.show({ score, rank });
    });
    this.#board.addEventListener('scoreboard:board', ({ detail }) => {
      const own = detail.entries.find((entry) => entry.userId === this.#userId);
      if (own === undefined) return;
      this.#card.show(own);
      this.#card.showNeighbours(detail.entries);
    });
  }

  /** A new token of the same player only has to reach the socket; another player starts afresh. */
  #playerChanged(player: Player | undefined): void {
    void this.#board.renewToken();
    if (player?.userId === this.#userId) return;
    const left = this.#userId;
    this.#userId = undefined;
    this.#queue.clear();
    if (left !== undefined) forgetPending(left);
    this.#userId = player?.userId;
    this.#card.clear();
    this.#game.reset();
    this.#tellProblem('');
    elementById('sign-in', HTMLElement).hidden = player !== undefined;
    elementById('game', HTMLElement).hidden = player === undefined;
    elementById('player', HTMLElement).hidden = player === undefined;
    elementById('player-name', HTMLElement).textContent = player?.username ?? '';
    if (player === undefined) {
      this.#board.removeAttribute('highlight');
      return;
    }
    this.#board.setAttribute('highlight', player.userId);
    this.#queue.add(...pendingOf(player.userId));
    void this.#askOwnPlace();
  }

  async #askOwnPlace(): Promise<void> {
    const userId = this.#userId;
    if (userId === undefined || document.visibilityState !== 'visible' || this.#isOnLiveBoard(userId)) return;
    try {
      const token = await this.#session.token();
      const place = token === undefined ? undefined : await fetchOwnPlace(token);
      if (place === undefined || userId !== this.#userId) return;
      this.#card.show(place);
      this.#card.showNeighbours(place.neighbours);
    } catch {
      // Not asked for by the player: the card keeps what it knows, and the next round asks again.
    }
  }

  #isOnLiveBoard(userId: string): boolean {
    const entries = this.#board.board?.entries ?? [];
    return this.#connection.dataset.status === 'live' && entries.some((entry) => entry.userId === userId);
  }

  #showPending(actions: readonly SignedAction[]): void {
    if (this.#userId !== undefined) keepPending(this.#userId, actions);
    this.#card.showPending(actions.reduce((sum, action) => sum + action.points, 0));
  }

  #tellNotAllowed(): void {
    const notice = elementById('notice', HTMLElement);
    notice.textContent = `The live board and the game do not take calls from ${location.origin}. Open this page by the IP address of its machine, or add ${location.origin} to ALLOWED_ORIGINS.`;
    notice.hidden = false;
  }

  #tellProblem(sentence: string): void {
    this.#problem.textContent = sentence;
    this.#problem.hidden = sentence === '';
  }
}

new Page(await fetchConfig());
