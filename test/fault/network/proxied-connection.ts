/** One connection through a proxy: the client's socket, the server's, and the bytes between them. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CurrentMode, Direction } from './proxy-mode.ts';

export class ProxiedConnection {
  readonly client: Socket;
  readonly server: Socket;
  /** Whether bytes were dropped, so that the connection has to end. */
  isLossy = false;
  private readonly mode: CurrentMode;
  private readonly onEnd: () => void;
  private repliedBytes = 0;
  private hasEnded = false;
  /** Settles when everything that was delayed so far has been sent. */
  private readonly delayed: Record<Direction, Promise<void>> = {
    request: Promise.resolve(),
    reply: Promise.resolve(),
  };

  constructor(client: Socket, server: Socket, mode: CurrentMode, onEnd: () => void) {
    this.client = client;
    this.server = server;
    this.mode = mode;
    this.onEnd = onEnd;
    for (const socket of [client, server]) socket.on('error', () => this.reset());
    client.on('close', () => {
      if (!this.hasEnded) server.destroy();
      this.end();
    });
    void this.pump('request');
    void this.pump('reply');
  }

  reset(): void {
    if (this.hasEnded) return;
    this.end();
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }

  /** Closes the server's end. The client's stays open, and the caller takes it over. */
  leaveClient(): Socket {
    this.end();
    this.server.destroy();
    return this.client;
  }

  private end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.onEnd();
  }

  private async pump(direction: Direction): Promise<void> {
    const [source, destination] =
      direction === 'request' ? [this.client, this.server] : [this.server, this.client];
    try {
      // A client that is left open must not be destroyed when this loop is left.
      for await (const chunk of source.iterator({ destroyOnReturn: false })) {
        if (this.hasEnded) return;
        await this.pass(destination, chunk, direction);
      }
      await this.mode.untilOpen(direction);
      await this.delayed[direction];
      if (!this.hasEnded) destination.end();
    } catch {
      // One side was reset: so is the other, unless the client was left open.
      this.reset();
    }
  }

  private async pass(destination: Socket, chunk: Buffer, direction: Direction): Promise<void> {
    await this.mode.untilOpen(direction);
    const mode = this.mode.value;
    if (mode.kind === 'drop-replies' && direction === 'reply') {
      this.isLossy = true;
      return;
    }
    if (mode.kind === 'slow') await sleep((chunk.length / mode.bytesPerSecond) * 1000);
    if (mode.kind === 'cut-after' && direction === 'reply') {
      const room = Math.max(0, mode.bytes - this.repliedBytes);
      if (chunk.length > room) {
        destination.write(chunk.subarray(0, room), () => this.reset());
        return;
      }
    }
    if (direction === 'reply') this.repliedBytes += chunk.length;
    if (mode.kind === 'delay') {
      this.delayed[direction] = Promise.all([this.delayed[direction], sleep(mode.ms)]).then(() => {
        if (destination.writable) destination.write(chunk);
      });
      return;
    }
    // Bytes that are still delayed go first.
    await this.delayed[direction];
    if (!destination.write(chunk)) await once(destination, 'drain');
  }
}
