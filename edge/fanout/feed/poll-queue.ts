/**
 * Sends polls with a limit on those in flight. Boards whose poll is due wait in order of arrival, so each is delayed by at most
 * one poll of every other board.
 */
import type { Channel } from '../hub/channel.ts';
import { POLLS_IN_FLIGHT } from './limits.ts';

export class PollQueue {
  readonly #poll: (channel: Channel) => Promise<void>;
  readonly #waiting = new Set<Channel>();
  readonly #inFlight = new Set<Channel>();

  constructor(poll: (channel: Channel) => Promise<void>) {
    this.#poll = poll;
  }

  isPolling(channel: Channel): boolean {
    return this.#inFlight.has(channel);
  }

  add(channel: Channel): void {
    this.#waiting.add(channel);
  }

  /** Forgets boards that are no longer watched. */
  prune(): void {
    for (const channel of this.#waiting) if (!channel.isOpen) this.#waiting.delete(channel);
  }

  /** Sends waiting polls up to the limit. */
  send(): void {
    for (const channel of this.#waiting) {
      if (this.#inFlight.size >= POLLS_IN_FLIGHT) return;
      this.#waiting.delete(channel);
      if (channel.isOpen) this.sendAtOnce(channel);
    }
  }

  /** Sends one poll whatever the limit. */
  sendAtOnce(channel: Channel): void {
    this.#inFlight.add(channel);
    void this.#poll(channel).finally(() => {
      this.#inFlight.delete(channel);
      this.send();
    });
  }
}
