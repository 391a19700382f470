/** The simulated bus itself: one stream that keeps messages in order and drops repeats of an id, and that may be wiped. */
import type { Server } from '../environment/network.ts';

interface Stream {
  readonly created: string;
  readonly messages: Uint8Array[];
  readonly ids: Set<string>;
}

export class BusState {
  readonly server: Server = { state: 'up', life: 1 };
  readonly onStored = new Set<() => void>();
  readonly onState = new Set<(up: boolean) => void>();
  stream: Stream | undefined;
  private streams = 0;

  /** Makes the stream unless there is one. */
  addStream(): Stream {
    this.streams += 1;
    this.stream ??= { created: `s${this.streams}`, messages: [], ids: new Set() };
    return this.stream;
  }

  /** False when there is no stream. */
  store(payload: Uint8Array, id: string): boolean {
    if (this.stream === undefined) return false;
    if (this.stream.ids.has(id)) return true;
    this.stream.ids.add(id);
    this.stream.messages.push(payload);
    for (const tell of this.onStored) tell();
    return true;
  }

  setState(state: Server['state']): void {
    this.server.state = state;
    for (const tell of this.onState) tell(state === 'up');
  }

  wipe(): void {
    this.stream = undefined;
    this.server.life += 1;
  }
}
