/** A signed-in socket on the live board that keeps the standings of its own player. */
import type { Deadline } from '../../shared/flow/deadline.ts';

/** A `score:update` of the socket's own player; only those have a rank. */
export interface OwnUpdate {
  readonly leaderboardId: string;
  readonly userId: string;
  readonly newScore: number;
}

export interface Live {
  /** Resolves with the first standing for which `accepts` is true, of those that came and those that will. */
  update(accepts: (update: OwnUpdate) => boolean, deadline: Deadline): Promise<OwnUpdate>;
  close(): void;
}

interface Frame extends Partial<OwnUpdate> {
  readonly event?: string;
  readonly reason?: string;
  readonly rank?: number | null;
}

/** The most standings kept: the player scores once, so more can only come from scores of others as the same player. */
const MAX_KEPT = 1_000;

/** Resolves when the board's snapshot is there. */
export async function openLive(
  url: URL,
  { token, board }: { token: string; board: string },
  deadline: Deadline,
): Promise<Live> {
  const updates: OwnUpdate[] = [];
  const frames = new EventTarget();
  let failure: Error | undefined;
  let hasBoard = false;
  const socket = new WebSocket(url, ['scoreboard.v1', `bearer.${token}`]);
  const fail = (message: string) => {
    failure ??= new Error(`${url.href}: ${message}`);
    frames.dispatchEvent(new Event('change'));
  };
  socket.onopen = () => socket.send(JSON.stringify({ type: 'subscribe', leaderboard: board }));
  socket.onerror = () => fail('no socket could be opened, or it was lost');
  socket.onclose = ({ code, reason }) => fail(`the socket was closed with ${code} ${reason}`.trimEnd());
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(String(data)) as Frame;
    if (frame.event === 'error') fail(`the socket was refused: ${frame.reason}`);
    hasBoard ||= frame.event === 'score:snapshot' && frame.leaderboardId === board;
    if (frame.event === 'score:update' && frame.rank !== undefined && updates.length < MAX_KEPT)
      updates.push(frame as OwnUpdate);
    frames.dispatchEvent(new Event('change'));
  };

  /** Looks again after each frame. */
  async function find<Found>(look: () => Found | undefined, what: string, limit: Deadline): Promise<Found> {
    const signal = limit.signal();
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (failure !== undefined) throw failure;
      if (signal.aborted) throw new Error(`${url.href}: ${what} did not come`);
      await new Promise<void>((resolve) => {
        const end = () => {
          frames.removeEventListener('change', end);
          signal.removeEventListener('abort', end);
          resolve();
        };
        frames.addEventListener('change', end);
        signal.addEventListener('abort', end);
      });
    }
  }

  const live: Live = {
    update: (accepts, limit) => find(() => updates.find(accepts), 'the update with the score', limit),
    close: () => socket.close(),
  };
  try {
    await find(() => hasBoard || undefined, 'the board', deadline);
    return live;
  } catch (error) {
    live.close();
    throw error;
  }
}
