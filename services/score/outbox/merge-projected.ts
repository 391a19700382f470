/** Merges the events of several commits into few: the newest top of each board, and the newest state of each player. */
import type { Board, Projected } from '../../shared/values/board.ts';
import { isAfter, latest } from '../../shared/values/position.ts';

/** Most players of one event: about 40 KiB. Also the most that one commit changes. */
export const PLAYERS_PER_EVENT = 500;

/** Takes the parts in the order of their commits. Parts without ranks are merged apart from those with ranks. */
export function mergeProjected(parts: readonly Projected[]): Projected[] {
  if (parts.length === 1) return [...parts];
  const groups = Map.groupBy(parts, ({ leaderboard, ranks }) => `${leaderboard} ${ranks === undefined}`);
  return [...groups.values()].flatMap((group) => chunk(group).map(mergeBoard));
}

/** Splits the parts into runs whose players fit into one event. */
function chunk(parts: readonly Projected[]): Projected[][] {
  const chunks: Projected[][] = [];
  let room = 0;
  for (const part of parts) {
    room -= part.players.length;
    const last = chunks.at(-1);
    if (last !== undefined && room >= 0) last.push(part);
    else {
      chunks.push([part]);
      room = PLAYERS_PER_EVENT - part.players.length;
    }
  }
  return chunks;
}

/** Merges parts of one board that all have ranks, or all have none. */
function mergeBoard(parts: readonly Projected[]): Projected {
  const [first] = parts;
  if (first === undefined) throw new Error('there is nothing to merge');
  if (parts.length === 1) return first;
  const newest = new Map<string, { player: Projected['players'][number]; rank: number | undefined }>();
  for (const { players, ranks } of parts) {
    for (const [index, player] of players.entries()) {
      const known = newest.get(player.userId);
      if (known !== undefined && known.player.version > player.version) continue;
      newest.set(player.userId, { player, rank: ranks?.[index] });
    }
  }
  const states = [...newest.values()];
  return {
    leaderboard: first.leaderboard,
    players: states.map(({ player }) => player),
    ranks: first.ranks === undefined ? undefined : states.map(({ rank = 0 }) => rank),
    board: parts.map(({ board }) => board).reduce(newer),
    position: parts.map(({ position }) => position).reduce(latest<bigint>),
    complete: parts.every(({ complete }) => complete),
  };
}

function newer(a: Board | undefined, b: Board | undefined): Board | undefined {
  return isAfter(a?.position, b?.position) ? a : b;
}
