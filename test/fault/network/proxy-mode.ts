/** How a proxy treats the bytes that pass through it. */

export type ProxyMode =
  | { readonly kind: 'pass' }
  /** The server's bytes never arrive. */
  | { readonly kind: 'drop-replies' }
  /** Nothing arrives, in either direction, until healed. */
  | { readonly kind: 'blackhole' }
  /** The client's bytes do not arrive until healed; the server's do. */
  | { readonly kind: 'one-way' }
  /** Every connection is reset at once, and so is every new one. */
  | { readonly kind: 'reset' }
  /** The server's ends are closed; the clients' stay open and silent, even after the healing. */
  | { readonly kind: 'half-open' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** Each connection is reset after this many bytes from the server. */
  | { readonly kind: 'cut-after'; readonly bytes: number };

export type Direction = 'request' | 'reply';

export const PASS: ProxyMode = { kind: 'pass' };

/** The mode that all connections of a proxy share. */
export class CurrentMode {
  value = PASS;
  private changed = Promise.withResolvers<void>();

  set(mode: ProxyMode): void {
    this.value = mode;
    this.changed.resolve();
    this.changed = Promise.withResolvers();
  }

  /** Waits while the mode holds back bytes of this direction. */
  async untilOpen(direction: Direction): Promise<void> {
    while (this.holds(direction)) await this.changed.promise;
  }

  private holds(direction: Direction): boolean {
    const { kind } = this.value;
    return kind === 'blackhole' || (kind === 'one-way' && direction === 'request');
  }
}
