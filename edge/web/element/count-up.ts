/** A number that counts up to its new value, so that the eye sees that it changed and by how much. */

const COUNT_MS = 600;

function easeOut(progress: number): number {
  return 1 - (1 - progress) ** 3;
}

export class CountUp {
  readonly #show: (value: number) => void;
  #shown = 0;
  #from = 0;
  #target = 0;
  #startedMs = 0;
  #frame = 0;

  constructor(show: (value: number) => void) {
    this.#show = show;
  }

  /** Sets the value at once. */
  set(value: number): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#target = value;
    this.#shown = value;
    this.#show(value);
  }

  /** Counts from the shown value to this one. */
  runTo(value: number): void {
    if (value === this.#target) return;
    this.#from = this.#shown;
    this.#target = value;
    this.#startedMs = performance.now();
    if (this.#frame === 0) this.#frame = requestAnimationFrame((nowMs) => this.#step(nowMs));
  }

  #step(nowMs: number): void {
    const progress = Math.min(1, Math.max(0, nowMs - this.#startedMs) / COUNT_MS);
    this.#shown = Math.round(this.#from + (this.#target - this.#from) * easeOut(progress));
    this.#show(this.#shown);
    this.#frame = progress < 1 ? requestAnimationFrame((nextMs) => this.#step(nextMs)) : 0;
  }
}
