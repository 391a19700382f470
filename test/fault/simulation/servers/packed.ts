/** The form in which the truth hands players to the index at a rebuild, as `load.lua` documents it. */

import { REACHED_DIGITS, toPlaceScore } from '../../../../services/rank/index/index-scripts.ts';
import type { PlayerState } from '../../../../services/shared/values/board.ts';

interface Packed {
  readonly users: string[];
  readonly scores: string[];
  readonly members: string[];
  readonly values: string[];
}

export function pack(players: readonly PlayerState[]): string {
  const packed: Packed = { users: [], scores: [], members: [], values: [] };
  for (const player of players) {
    const { userId, username, version, reached } = player;
    const digits = reached.toString(16).padStart(REACHED_DIGITS, '0');
    packed.users.push(userId);
    packed.scores.push(toPlaceScore(player));
    packed.members.push(`${digits}${userId}`);
    packed.values.push(`${version}:${digits}:${username}`);
  }
  return JSON.stringify(packed);
}

export function unpack(leaderboard: string, text: string): PlayerState[] {
  const { users, scores, values }: Packed = JSON.parse(text);
  return users.map((userId, at) => {
    const [, version = '', digits = '', username = ''] = /^(\d+):(\w+):(.*)$/su.exec(values[at] ?? '') ?? [];
    return {
      ...{ leaderboard, userId, username },
      ...{ points: -BigInt(scores[at] || '0'), version: BigInt(version), reached: BigInt(`0x${digits}`) },
    };
  });
}
