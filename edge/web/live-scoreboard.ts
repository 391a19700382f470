/**
 * `<live-scoreboard src="wss://…/live" leaderboard="global" highlight="user-id" heading="Top 10">`: the best ten, live,
 * on any page, with one script tag. It tells the page what it hears through `scoreboard:board`, `scoreboard:player` and
 * `scoreboard:state` events; set its `token` property before `src` to hear the player's own place too.
 */
import { Announcer } from './announcements.js';
import { numberFormat } from './board-row.js';
import { BoardRows } from './board-rows.js';
import { describeConnection } from './connection-words.js';
import { createElement } from './elements.js';
import { liveScoreboardSheet } from './live-scoreboard-style.js';
import {
  type Board,
  type ConnectionState,
  connectScoreboard,
  type ScoreboardLink,
  type Standing,
  type TokenSource,
} from './scoreboard-client.js';

/** A board is drawn at most this often: faster, rows would turn around in the middle of a movement. */
const DRAW_EVERY_MS = 250;

export interface LiveScoreboardEvents {
  'scoreboard:board': CustomEvent<Board>;
  'scoreboard:player': CustomEvent<Standing>;
  'scoreboard:state': CustomEvent<ConnectionState>;
}

declare global {
  interface HTMLElementTagNameMap {
    'live-scoreboard': LiveScoreboard;
  }
  interface HTMLElementEventMap extends LiveScoreboardEvents {}
}

export class LiveScoreboard extends HTMLElement {
  static readonly observedAttributes = ['src', 'leaderboard', 'highlight', 'heading'];

  readonly #root = createElement('section', { class: 'board', part: 'board', 'aria-labelledby': 'title' });
  readonly #title = createElement('h2', { class: 'title', part: 'title', id: 'title' });
  readonly #status = createElement('span', { class: 'status', part: 'status' });
  readonly #empty = createElement('p', { class: 'empty' }, 'No scores yet. Be the first.');
  readonly #spoken = createElement('p', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
  readonly #reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');
  readonly #rows = new BoardRows();
  readonly #announcer = new Announcer(
    (sentence) => {
      this.#spoken.textContent = sentence;
    },
    (score) => numberFormat.format(score),
  );
  #link: ScoreboardLink | undefined;
  #token: TokenSource | undefined;
  #board: Board | undefined;
  #lastLiveMs: number | undefined;
  #drawTimer: ReturnType<typeof setTimeout> | undefined;
  #dirty = false;

  constructor() {
    super();
    const head = createElement('header', { class: 'head', part: 'head' });
    head.append(this.#title, this.#status);
    const list = createElement('div', { class: 'list' });
    list.append(this.#empty, this.#rows.element);
    this.#root.append(head, list, this.#spoken);
    const shadow = this.attachShadow({ mode: 'open' });
    shadow.adoptedStyleSheets = [liveScoreboardSheet()];
    shadow.append(this.#root);
    this.#empty.hidden = true;
    this.#showState({ status: 'connecting', reason: '' });
  }

  set token(source: TokenSource | undefined) {
    this.#token = source;
    void this.#link?.renewToken();
  }

  get token(): TokenSource | undefined {
    return this.#token;
  }

  /** The newest board, or undefined before the first. */
  get board(): Board | undefined {
    return this.#board;
  }

  /** Call when the player signed in or out, or got a new token. */
  async renewToken(): Promise<void> {
    await this.#link?.renewToken();
  }

  connectedCallback(): void {
    this.#adoptEarlyToken();
    this.#title.textContent = this.getAttribute('heading') ?? 'Leaderboard';
    this.#restart();
  }

  disconnectedCallback(): void {
    this.#link?.close();
    this.#link = undefined;
    this.#announcer.restart();
    this.#rows.dispose();
    clearTimeout(this.#drawTimer);
    this.#drawTimer = undefined;
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (!this.isConnected || before === after) return;
    if (name === 'heading') this.#title.textContent = after ?? 'Leaderboard';
    else if (name === 'highlight') this.#draw();
    else this.#restart();
  }

  /** A page may set `token` before this module has loaded; that made a plain property which hides the real one. */
  #adoptEarlyToken(): void {
    const early = Object.getOwnPropertyDescriptor(this, 'token');
    if (early === undefined) return;
    Reflect.deleteProperty(this, 'token');
    this.token = early.value;
  }

  #restart(): void {
    this.#link?.close();
    this.#link = undefined;
    this.#lastLiveMs = undefined;
    this.#board = undefined;
    this.#announcer.restart();
    const src = this.getAttribute('src');
    if (src === null || src === '') return;
    this.#link = connectScoreboard({
      url: new URL(src, document.baseURI).href,
      leaderboard: this.getAttribute('leaderboard') ?? undefined,
      token: (context) => this.#token?.(context),
      onBoard: (board) => this.#takeBoard(board),
      onPlayer: (standing) => this.#tell('scoreboard:player', standing),
      onState: (state) => {
        this.#showState(state);
        this.#tell('scoreboard:state', state);
      },
    });
    this.#showState(this.#link.state);
  }

  #tell<Name extends keyof LiveScoreboardEvents>(
    name: Name,
    detail: LiveScoreboardEvents[Name]['detail'],
  ): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  #takeBoard(board: Board): void {
    this.#board = board;
    this.#tell('scoreboard:board', board);
    this.#dirty = true;
    if (this.#drawTimer === undefined) this.#draw();
  }

  /** Draws now, then holds still for a moment and draws the newest board of that moment. */
  #draw(): void {
    const board = this.#board;
    if (board === undefined) return;
    this.#dirty = false;
    const highlight = this.getAttribute('highlight') ?? undefined;
    const animated = !this.#reducedMotion.matches && document.visibilityState === 'visible';
    this.#rows.render(board, { highlight, animated });
    this.#empty.hidden = board.entries.length > 0;
    this.#announcer.follow(board, highlight);
    clearTimeout(this.#drawTimer);
    this.#drawTimer = setTimeout(() => {
      this.#drawTimer = undefined;
      if (this.#dirty) this.#draw();
    }, DRAW_EVERY_MS);
  }

  #showState(state: ConnectionState): void {
    if (this.#root.dataset.status === 'live') this.#lastLiveMs = this.#link?.lastHeardMs;
    this.#root.dataset.status = state.status;
    this.#status.setAttribute('part', `status ${state.status}`);
    this.#status.textContent = describeConnection(state, this.#lastLiveMs);
  }
}

customElements.define('live-scoreboard', LiveScoreboard);
