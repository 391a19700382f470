/**
 * Viewers on real sockets who keep every frame. Like the page they notice a silent peer, come back with chance, and
 * present the position they hold.
 */
import WebSocket from 'ws';
import type { Random } from '../../../support/random.ts';
import type { BoardFrame } from '../../record/record.ts';
import { toSocketEvent } from '../../record/socket-events.ts';
import type { Recorder } from './recorder.ts';

export interface Watchers {
  /** Whether every viewer is connected and shows at least this score for the player, and not as stale. */
  allShow(userId: string, score: number): boolean;
  stop(): void;
}

export interface WatchersOptions {
  url: string;
  /** One viewer each; undefined watches as a stranger. */
  tokens: readonly (string | undefined)[];
  random: Random;
  recorder: Recorder;
}

const BOARD = 'global';
const PING_EVERY_MS = 1_000;
const SILENCE_LIMIT_MS = 3_500;
const [BACK_AFTER_MS, BACK_WITHIN_MS] = [100, 600];

interface Shown {
  board: Pick<BoardFrame, 'epoch' | 'seq' | 'entries'> | undefined;
  stale: boolean;
}

export function openWatchers({ url, tokens, random, recorder }: WatchersOptions): Watchers {
  let stopped = false;
  const watchers = tokens.map((token, at) => openWatcher(`viewer-${at}`, token));

  function openWatcher(socketName: string, token: string | undefined) {
    const shown: Shown = { board: undefined, stale: true };
    let connection = 0;
    let socket: WebSocket | undefined;
    let heardAtMs = 0;

    function connect(): void {
      if (stopped) return;
      connection += 1;
      const where = { socket: socketName, connection };
      const stamp = () => ({ ...where, monoNs: recorder.nowNs() });
      const address = new URL(url);
      if (shown.board !== undefined) {
        address.searchParams.set('epoch', String(shown.board.epoch));
        address.searchParams.set('seq', String(shown.board.seq));
      }
      const mine = new WebSocket(address, [
        'scoreboard.v1',
        ...(token === undefined ? [] : [`bearer.${token}`]),
      ]);
      socket = mine;
      heardAtMs = performance.now();
      shown.stale = true;
      mine.on('open', () => recorder.frame({ ...stamp(), kind: 'opened' }));
      mine.on('message', (data) => {
        heardAtMs = performance.now();
        const event = toSocketEvent(String(data), stamp());
        if (event === undefined) return;
        recorder.frame(event);
        if (event.kind === 'board' && event.leaderboard === BOARD) shown.board = event;
        if ('stale' in event && event.leaderboard === BOARD) shown.stale = event.stale;
      });
      // What went wrong is told by the close that follows.
      mine.on('error', () => {});
      mine.on('close', () => {
        recorder.frame({ ...stamp(), kind: 'closed' });
        shown.stale = true;
        if (!stopped) setTimeout(connect, BACK_AFTER_MS + random.next() * BACK_WITHIN_MS);
      });
    }

    const pinging = setInterval(() => {
      if (performance.now() - heardAtMs > SILENCE_LIMIT_MS) socket?.terminate();
      else if (socket?.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
    }, PING_EVERY_MS);
    connect();
    return {
      shown,
      stop() {
        clearInterval(pinging);
        socket?.terminate();
      },
    };
  }

  return {
    allShow: (userId, score) =>
      watchers.every(({ shown: { board, stale } }) => {
        const own = board?.entries.find((entry) => entry.userId === userId);
        return !stale && own !== undefined && own.score >= score;
      }),
    stop() {
      stopped = true;
      for (const watcher of watchers) watcher.stop();
    },
  };
}
