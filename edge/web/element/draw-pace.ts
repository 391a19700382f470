/** Paces drawing: at once after a rest, and then at most once a pause. */

/** A board is drawn at most this often; otherwise rows would change direction in the middle of a movement. */
const DRAW_EVERY_MS = 250;

export class DrawPace {
  readonly #draw: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isDue = false;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  /** Draws now, or at the end of the pause. */
  soon(): void {
    this.#isDue = true;
    if (this.#timer === undefined) this.#draw();
  }

  /** Call when everything is drawn: the pause begins. */
  drawn(): void {
    this.#isDue = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#isDue) this.#draw();
    }, DRAW_EVERY_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
