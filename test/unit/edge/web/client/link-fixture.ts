/** A link over a network that the test plays, and what it told. */
import { afterEach, beforeEach, vi } from 'vitest';
import type { Board, Standing } from '../../../../../edge/web/client/frames.ts';
import type { LinkOptions } from '../../../../../edge/web/client/link-options.ts';
import { ScoreboardLink } from '../../../../../edge/web/client/scoreboard-link.ts';
import { boardFrame } from './board-frame.ts';
import { createFakeWorld, type FakeWorld } from './fake-socket.ts';

export let world: FakeWorld;
export let link: ScoreboardLink;
export let boards: Board[];
export let standings: Standing[];
export let states: string[];

/** Gives each test of a file a network of its own. */
export function useLink(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    world = createFakeWorld();
    boards = [];
    standings = [];
    states = [];
  });
  afterEach(() => {
    link.close();
    vi.useRealTimers();
  });
}

export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A link whose first socket is being opened. */
export async function start(options: Partial<LinkOptions> = {}): Promise<void> {
  link = new ScoreboardLink(
    {
      url: 'ws://127.0.0.1:1/live',
      onBoard: (board) => boards.push(board),
      onPlayer: (standing) => standings.push(standing),
      onState: ({ status }) => states.push(status),
      ...options,
    },
    world.ports,
  );
  await pass(0);
}

export function serve(fields: Record<string, unknown> = {}): void {
  const { server } = world.socket();
  server.opened();
  server.received(boardFrame(fields));
}
