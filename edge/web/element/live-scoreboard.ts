/**
 * `<live-scoreboard src="wss://…/live" leaderboard="global" heading="Top 10" own-row>` shows the best players live, on any page,
 * with one script tag. It dispatches `scoreboard:board`, `scoreboard:player`, `scoreboard:own`, `scoreboard:state` and
 * `scoreboard:error` events. With its `token` property it also receives the player's own place.
 */

import {
  type Board,
  type BoardEntry,
  type ConnectionState,
  connectScoreboard,
  type ScoreboardLink,
  type TokenSource,
} from '../client/scoreboard-client.js';
import { Announcer } from './announcements.js';
import { BoardRows } from './board-rows.js';
import { describeConnection } from './connection-words.js';
import { DrawPace } from './draw-pace.js';
import { createElement } from './elements.js';
import type { LiveScoreboardEvents } from './events.js';
import { liveScoreboardSheet } from './live-scoreboard-style.js';
import { scoreFormat } from './score-format.js';
import { type Own, rowsFrom, sizeFor } from './shown-entries.js';
import { type Words, wordsFrom, wordsFromJson } from './words.js';

export type { LiveScoreboardEvents, OwnRow } from './events.js';
export type { Words } from './words.js';

export class LiveScoreboard extends HTMLElement {
  static readonly observedAttributes = [
    ...['src', 'leaderboard'],
    ...['highlight', 'heading', 'rows', 'hide-empty', 'own-row', 'own-name', 'words', 'decimals', 'unit'],
  ];

  readonly #root = createElement('section', { class: 'board', part: 'board', 'aria-labelledby': 'title' });
  readonly #title = createElement('h2', { class: 'title', part: 'title', id: 'title' });
  readonly #status = createElement('span', { class: 'status', part: 'status' });
  readonly #empty = createElement('p', { class: 'empty', part: 'empty' });
  readonly #spoken = createElement('p', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
  readonly #reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');
  readonly #rows = new BoardRows((entry, shown) => this.#tellOwn(entry, shown));
  readonly #announcer = new Announcer(
    (sentence) => {
      this.#spoken.textContent = sentence;
    },
    () => ({ words: this.words, format: this.#format }),
  );
  #words: Words | undefined;
  #format = this.#readFormat();
  #state: ConnectionState = { status: 'connecting', reason: '' };
  #link: ScoreboardLink | undefined;
  #token: TokenSource | string | undefined;
  #board: Board | undefined;
  #lastLiveMs: number | undefined;
  readonly #pace = new DrawPace(() => this.#draw());

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
  }

  set token(source: TokenSource | string | undefined) {
    this.#token = source;
    void this.#link?.renewToken();
  }

  get token(): TokenSource | string | undefined {
    return this.#token;
  }

  /** The words that the element shows: those of the `words` attribute, or the ones set here, and English for the rest. */
  get words(): Words {
    this.#words ??= wordsFromJson(this.getAttribute('words'));
    return this.#words;
  }

  set words(words: Partial<Words>) {
    this.#words = wordsFrom(words);
    this.#showWords();
  }

  /** The newest board; undefined before the first. */
  get board(): Board | undefined {
    return this.#board;
  }

  /** Call after the player signed in or out, or got a new token. */
  async renewToken(): Promise<void> {
    await this.#link?.renewToken();
  }

  connectedCallback(): void {
    this.#adoptEarly('token');
    this.#adoptEarly('words');
    this.#restart();
  }

  disconnectedCallback(): void {
    this.#link?.close();
    this.#link = undefined;
    this.#announcer.restart();
    this.#rows.dispose();
    this.#pace.stop();
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after) return;
    if (name === 'words') this.#words = undefined;
    if (name === 'decimals' || name === 'unit') this.#format = this.#readFormat();
    if (!this.isConnected) return;
    const isOther = name === 'rows' && sizeFor(before) !== sizeFor(after);
    if (name === 'src' || name === 'leaderboard' || isOther) this.#restart();
    else this.#showWords();
  }

  #readFormat() {
    const locale = document.documentElement.lang || undefined;
    return scoreFormat(locale, this.getAttribute('decimals'), this.getAttribute('unit'));
  }

  /** If the page set a property before this module was loaded, a plain property hides the accessor: replaces it. */
  #adoptEarly(name: 'token' | 'words'): void {
    const early = Object.getOwnPropertyDescriptor(this, name);
    if (early === undefined) return;
    Reflect.deleteProperty(this, name);
    this[name] = early.value;
  }

  #restart(): void {
    this.#link?.close();
    this.#link = undefined;
    this.#lastLiveMs = undefined;
    this.#board = undefined;
    this.#announcer.restart();
    this.#showState({ status: 'connecting', reason: '' });
    this.#showWords();
    const src = this.getAttribute('src');
    if (src === null || src === '') return;
    this.#link = connectScoreboard({
      url: src,
      leaderboard: this.getAttribute('leaderboard') ?? undefined,
      size: sizeFor(this.getAttribute('rows')),
      token: (context) => (typeof this.#token === 'function' ? this.#token(context) : this.#token),
      onBoard: (board) => this.#takeBoard(board),
      onPlayer: (standing) => {
        this.#tell('scoreboard:player', standing);
        this.#pace.soon();
      },
      onError: (error) => this.#tell('scoreboard:error', error),
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
    this.#pace.soon();
  }

  /** The player of the `highlight` attribute, else the signed-in one. */
  #own(): Own | undefined {
    const standing = this.#link?.standing;
    const userId = this.getAttribute('highlight') ?? standing?.userId;
    return userId === undefined
      ? undefined
      : { userId, username: this.getAttribute('own-name') ?? '', standing };
  }

  #tellOwn({ userId }: BoardEntry, score: number): void {
    if (userId === this.#own()?.userId) this.#tell('scoreboard:own', { userId, score });
  }

  /** Draws the newest board now, and again after a pause if a newer one arrived meanwhile. */
  #draw(): void {
    const board = this.#board;
    if (board === undefined) return;
    const own = this.#own();
    this.#rows.render(board, {
      own,
      rows: rowsFrom(this.getAttribute('rows')),
      showsFree: !this.hasAttribute('hide-empty'),
      showsOwn: this.hasAttribute('own-row'),
      animated: !this.#reducedMotion.matches && document.visibilityState === 'visible',
      ...{ words: this.words, format: this.#format },
    });
    this.#empty.hidden = board.entries.length > 0;
    this.#announcer.follow(board, own?.userId);
    this.#pace.drawn();
  }

  #showWords(): void {
    this.#title.textContent = this.getAttribute('heading') ?? this.words.heading;
    this.#empty.textContent = this.words.empty;
    this.#status.textContent = describeConnection(this.#state, this.#lastLiveMs, this.words);
    if (this.#board === undefined) this.#showFree();
    else this.#draw();
  }

  /** The free places before the first board arrives. */
  #showFree(): void {
    this.#rows.render(
      { entries: [] },
      {
        ...{ own: undefined, rows: rowsFrom(this.getAttribute('rows')), showsOwn: false, animated: false },
        ...{ showsFree: !this.hasAttribute('hide-empty'), words: this.words, format: this.#format },
      },
    );
  }

  #showState(state: ConnectionState): void {
    if (this.#state.status === 'live') this.#lastLiveMs = this.#link?.lastHeardMs;
    this.#state = state;
    this.#root.dataset.status = state.status;
    this.#status.setAttribute('part', `status ${state.status}`);
    this.#status.textContent = describeConnection(state, this.#lastLiveMs, this.words);
  }
}

customElements.define('live-scoreboard', LiveScoreboard);
