/** A WebSocket client that keeps every frame it got, so that tests can wait for a state and judge the whole history. */
import WebSocket, { type ClientOptions } from 'ws';
import { waitFor } from '../wait-for.ts';
import { decodeServerFrame } from './binary-frame.ts';

export interface Frame {
  event: string;
  leaderboard?: { userId: string; username: string; score: number; rank: number }[];
  leaderboardId?: string;
  epoch?: number;
  seq?: number;
  stale?: boolean;
  userId?: string | null;
  newScore?: number;
  rank?: number | null;
  version?: number;
  code?: string;
  reason?: string;
}

export interface LiveClient {
  readonly socket: WebSocket;
  readonly frames: Frame[];
  /** The encodings that frames came in. */
  readonly encodings: ReadonlySet<'text' | 'binary'>;
  readonly protocol: string;
  send(message: unknown): void;
  /** Resolves with the first frame, past or future, that fits. */
  frame(fits: (frame: Frame) => boolean): Promise<Frame>;
  /** Resolves when the socket is closed. */
  closed: Promise<{ code: number; reason: string }>;
  close(): void;
}

export async function openLive(
  url: string,
  { protocols = [], ...options }: ClientOptions & { protocols?: string[] } = {},
): Promise<LiveClient> {
  const socket = new WebSocket(url, protocols, options);
  const frames: Frame[] = [];
  const encodings = new Set<'text' | 'binary'>();
  socket.on('message', (data, isBinary) => {
    encodings.add(isBinary ? 'binary' : 'text');
    frames.push((isBinary ? decodeServerFrame(data as Buffer) : JSON.parse(String(data))) as Frame);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  return {
    socket,
    frames,
    encodings,
    protocol: socket.protocol,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    frame: (fits) => waitFor(() => frames.find(fits)),
    close: () => socket.terminate(),
  };
}

/** What a refused upgrade was answered. */
export function refusal(
  url: string,
  { protocols = [], ...options }: ClientOptions & { protocols?: string[] } = {},
): Promise<{ status: number; body: { code: string; reason: string; message: string } }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols, options);
    socket.once('open', () => {
      socket.terminate();
      reject(new Error('the upgrade was accepted'));
    });
    socket.on('error', () => {});
    socket.once('unexpected-response', (_, response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(body) }));
    });
  });
}

/** The positions of all board frames that are not personal, which must grow strictly on each board. */
export function positions(frames: readonly Frame[], leaderboard = 'global'): number[][] {
  return frames
    .filter(({ leaderboardId, event, version }) => {
      const isBoard = event === 'score:snapshot' || event === 'score:update';
      return isBoard && leaderboardId === leaderboard && version === undefined;
    })
    .map(({ epoch = -1, seq = -1 }) => [epoch, seq]);
}

export function growsStrictly(list: readonly number[][]): boolean {
  return list.every(([epoch = 0, seq = 0], index) => {
    const [earlierEpoch = -1, earlierSeq = -1] = list[index - 1] ?? [];
    return index === 0 || epoch > earlierEpoch || (epoch === earlierEpoch && seq > earlierSeq);
  });
}
