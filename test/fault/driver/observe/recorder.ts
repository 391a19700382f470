/** Writes a run down as it happens: in memory for the checker, and as JSON lines for who wants to look at a failure. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { HistoryEvent, SocketEvent } from '../../record/record.ts';

export interface Recorder {
  readonly history: HistoryEvent[];
  readonly frames: SocketEvent[];
  nowNs(): number;
  nextOp(): number;
  /** The common fields of what the driver itself writes down now. */
  note(): { proc: 'driver'; op: 0; type: 'info'; monoNs: number };
  write(event: HistoryEvent): void;
  frame(event: SocketEvent): void;
  close(): Promise<void>;
}

const NS_PER_MS = 1_000_000;

export function createRecorder(folder: string): Recorder {
  const history: HistoryEvent[] = [];
  const frames: SocketEvent[] = [];
  const files = [join(folder, 'history.jsonl'), join(folder, 'frames.jsonl')].map((path) =>
    createWriteStream(path),
  );
  const [historyFile, framesFile] = files;
  const nowNs = () => performance.now() * NS_PER_MS;
  let ops = 0;
  return {
    history,
    frames,
    nowNs,
    nextOp: () => ++ops,
    note: () => ({ proc: 'driver', op: 0, type: 'info', monoNs: nowNs() }),
    write(event) {
      history.push(event);
      historyFile?.write(`${JSON.stringify(event)}\n`);
    },
    frame(event) {
      frames.push(event);
      framesFile?.write(`${JSON.stringify(event)}\n`);
    },
    async close() {
      await Promise.all(files.map((file) => new Promise((resolve) => file.end(resolve))));
    },
  };
}
