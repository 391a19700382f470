/**
 * Tap the light: one of nine cells lights up, and the player has to hit it quickly. Playable by touch, mouse, number keys
 * and screen reader. The page decides nothing that counts: it shows what the game server says and hands on the signed
 * actions.
 */
import { numberFormat } from '../element/board-row.js';
import { createElement } from '../element/elements.js';
import { type HitAnswer, hitCell, type Round, startRound, type Target } from './game-round.js';
import type { SignedAction } from './score-queue.js';

const CELLS = 9;
/** Added to the light's time, so that an unhit light has expired at the server too. */
const EXPIRY_MARGIN_MS = 150;
const FLASH_MS = 280;

export interface GameOptions {
  readonly gameUrl: string;
  readonly token: () => Promise<string | undefined>;
  readonly onAction: (action: SignedAction) => void;
}

export interface GameElements {
  readonly pad: HTMLElement;
  readonly progress: HTMLElement;
  readonly start: HTMLButtonElement;
  readonly message: HTMLElement;
  /** An assertive live region that reads out each new light at once. */
  readonly spoken: HTMLElement;
}

interface Tally {
  hits: number;
  points: number;
  reactionMs: number;
  results: boolean[];
}

export class Game {
  readonly #options: GameOptions;
  readonly #elements: GameElements;
  readonly #cells: HTMLButtonElement[] = [];
  #round: Round | undefined;
  #target: Target | undefined;
  #tally: Tally = { hits: 0, points: 0, reactionMs: 0, results: [] };
  #expiry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: GameOptions, elements: GameElements) {
    this.#options = options;
    this.#elements = elements;
    for (let cell = 0; cell < CELLS; cell += 1) {
      const button = createElement('button', { type: 'button', class: 'cell' }, String(cell + 1));
      button.addEventListener('pointerdown', (event) => {
        if (event.button === 0) this.#tap(cell);
      });
      // A click without a pointer: Enter, Space or a screen reader.
      button.addEventListener('click', (event) => {
        if (event.detail === 0) this.#tap(cell);
      });
      this.#cells.push(button);
    }
    elements.pad.append(...this.#cells);
    elements.start.addEventListener('click', () => void this.#start());
    document.addEventListener('keydown', (event) => this.#key(event));
    this.#light(undefined);
  }

  /** Ends the round, for example when the player leaves. */
  reset(message = ''): void {
    this.#round = undefined;
    this.#light(undefined);
    this.#elements.start.hidden = false;
    this.#elements.start.textContent = 'Start';
    this.#elements.message.textContent = message;
    this.#elements.progress.replaceChildren();
  }

  async #start(): Promise<void> {
    const { start, message } = this.#elements;
    start.hidden = true;
    message.textContent = 'Get ready…';
    this.#tally = { hits: 0, points: 0, reactionMs: 0, results: [] };
    try {
      const round = await startRound(this.#options.gameUrl, await this.#options.token());
      this.#round = round;
      message.textContent = '';
      this.#showProgress();
      this.#light(round.first);
    } catch (error) {
      this.#interrupt(error);
    }
  }

  #key(event: KeyboardEvent): void {
    if (this.#target === undefined || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLInputElement || !/^[1-9]$/.test(event.key)) return;
    event.preventDefault();
    this.#tap(Number(event.key) - 1);
  }

  #tap(cell: number): void {
    const target = this.#target;
    if (target === undefined) return;
    this.#flash(cell, cell === target.cell ? 'hit' : 'miss');
    void this.#answer(target, cell);
  }

  async #answer({ target }: Target, cell: number): Promise<void> {
    const round = this.#round;
    if (round === undefined) return;
    this.#light(undefined);
    try {
      const token = await this.#options.token();
      const answer = await hitCell(this.#options.gameUrl, token, round.roundId, { target, cell });
      if (this.#round === round) this.#count(answer);
    } catch (error) {
      if (this.#round === round) this.#interrupt(error);
    }
  }

  #count(answer: HitAnswer): void {
    this.#tally.results.push(answer.hit);
    if (answer.hit) {
      this.#tally.hits += 1;
      this.#tally.reactionMs += answer.reactionMs;
      this.#tally.points += answer.action?.points ?? 0;
    }
    const { message } = this.#elements;
    const points = answer.action?.points ?? 0;
    message.textContent = answer.hit
      ? `+${numberFormat.format(points)} · ${Math.round(answer.reactionMs)} ms`
      : 'Missed';
    if (answer.action !== undefined) this.#options.onAction(answer.action);
    this.#showProgress();
    if (answer.next === undefined) this.#finish();
    else this.#light(answer.next);
  }

  #finish(): void {
    const { hits, points, reactionMs, results } = this.#tally;
    this.#round = undefined;
    this.#light(undefined);
    const { start, message } = this.#elements;
    const pace = hits === 0 ? '' : `, ${Math.round(reactionMs / hits)} ms on average`;
    message.textContent = `${hits} of ${results.length} hit for ${numberFormat.format(points)} points${pace}.`;
    start.hidden = false;
    start.textContent = 'Play again';
    start.focus();
  }

  #interrupt(error: unknown): void {
    const reason = error instanceof Error ? error.message : 'Start a new one.';
    this.reset(`The round was interrupted. ${reason}`);
  }

  /** Lights a cell, or none. When the light expires unhit, the page answers with a wrong cell to get the next light. */
  #light(target: Target | undefined): void {
    clearTimeout(this.#expiry);
    this.#target = target;
    this.#cells.forEach((button, cell) => {
      const lit = cell === target?.cell;
      button.classList.toggle('lit', lit);
      button.setAttribute('aria-label', lit ? `${cell + 1}, lit` : String(cell + 1));
      button.setAttribute('aria-disabled', String(target === undefined));
    });
    this.#elements.spoken.textContent = target === undefined ? '' : String(target.cell + 1);
    if (target === undefined) return;
    this.#expiry = setTimeout(() => {
      this.#flash(target.cell, 'miss');
      void this.#answer(target, (target.cell + 1) % CELLS);
    }, target.expiresInMs + EXPIRY_MARGIN_MS);
  }

  #flash(cell: number, kind: 'hit' | 'miss'): void {
    const button = this.#cells[cell];
    button?.classList.add(kind);
    setTimeout(() => button?.classList.remove(kind), FLASH_MS);
  }

  #showProgress(): void {
    const { results } = this.#tally;
    const total = this.#round?.remaining ?? results.length;
    const dots: HTMLElement[] = [];
    for (let index = 0; index < total; index += 1) {
      const result = results[index];
      const kind = result === undefined ? 'open' : result ? 'hit' : 'miss';
      dots.push(createElement('span', { class: `dot ${kind}` }));
    }
    this.#elements.progress.replaceChildren(...dots);
    this.#elements.progress.setAttribute('aria-label', `${results.length} of ${total} lights played`);
  }
}
