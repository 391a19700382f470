/** One WebSocket between a node and a client: frames arrive in order, late when the client stalls, none after its end. */
import type { Network } from './network.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Pipe {
  /** False when the pipe has ended. */
  write(frame: string): boolean;
  /** The client has not read for a while. */
  isFull(): boolean;
  end(code: number, reason: string): void;
  /** The client reads nothing for this long. */
  stall(ms: number): void;
  /** From the client. */
  send(text: string): boolean;
  onMessage: (text: string) => void;
  onDrain: () => void;
  /** The node's side has heard of the end. */
  onClosed: () => void;
}

export interface PipeEnd {
  received(text: string): void;
  closed(code: number, reason: string): void;
}

/** Frames that a stalled client's buffers hold before its node sees them fill. */
const BUFFERED_FRAMES = 3;

export function openPipe(time: VirtualTime, network: Network, client: PipeEnd): Pipe {
  let lastArrivalMs = 0;
  let stalledUntilMs = 0;
  let waiting = 0;
  let open = true;
  const arrive = (act: () => void) => {
    lastArrivalMs = Math.max(lastArrivalMs, stalledUntilMs, time.nowMs() + network.delayMs());
    time.at(lastArrivalMs, act);
  };
  const pipe: Pipe = {
    write(frame) {
      if (!open) return false;
      waiting += 1;
      arrive(() => {
        waiting -= 1;
        client.received(frame);
        if (waiting === 0 && open) pipe.onDrain();
      });
      return true;
    },
    isFull: () => time.nowMs() < stalledUntilMs && waiting >= BUFFERED_FRAMES,
    end(code, reason) {
      if (!open) return;
      open = false;
      pipe.onClosed();
      arrive(() => client.closed(code, reason));
    },
    stall(ms) {
      stalledUntilMs = Math.max(stalledUntilMs, time.nowMs() + ms);
    },
    send(text) {
      if (!open) return false;
      time.after(network.delayMs(), () => open && pipe.onMessage(text));
      return true;
    },
    onMessage: () => {},
    onDrain: () => {},
    onClosed: () => {},
  };
  return pipe;
}
