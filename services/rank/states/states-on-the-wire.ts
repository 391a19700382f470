/** States and their projection in messages between score and rank: parallel lists on the wire, one object per player inside. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ProjectedBoardSchema,
  ProjectStatesRequest,
  BoardStates as WireStates,
} from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import { type IndexState, type PlayerState, type Projected, toValue } from '../../shared/values/board.ts';
import { parseLeaderboard, parsePoints, parseUserId } from '../../shared/values/identifiers.ts';
import { positionToWire } from '../../shared/values/position.ts';
import type { BoardStates } from './project-states.ts';

/** The largest batch that score commits. */
const MAX_PLAYERS = 500;

export function parseStates({ boards }: Pick<ProjectStatesRequest, 'boards'>): BoardStates[] {
  const players = boards.reduce((sum, board) => sum + board.userIds.length, 0);
  if (players > MAX_PLAYERS || boards.some(({ userIds }) => userIds.length === 0)) {
    throw new AppError('BATCH_SIZE_INVALID');
  }
  return boards.map(parseBoard);
}

function parseBoard({
  leaderboard: name,
  userIds,
  usernames,
  points,
  versions,
  reached,
  ascending,
}: WireStates): BoardStates {
  const leaderboard = parseLeaderboard(name);
  if ([usernames, points, versions, reached].some(({ length }) => length !== userIds.length)) {
    throw new AppError('BATCH_SIZE_INVALID', { message: 'The lists of a board differ in length.' });
  }
  const players = userIds.map(
    (userId, at): PlayerState => ({
      leaderboard,
      userId: parseUserId(userId),
      username: usernames[at] ?? '',
      points: toValue(parsePoints(points[at] ?? 0n), ascending ? 'ascending' : 'descending'),
      version: parsePoints(versions[at] ?? 0n),
      reached: parsePoints(reached[at] ?? 0n),
    }),
  );
  return { leaderboard, players };
}

export function parseIndex(index: ProjectStatesRequest['index']): IndexState | undefined {
  if (index === undefined) return undefined;
  const { epoch, inRedis, building } = index;
  return { epoch, source: inRedis ? 'redis' : 'postgres', building: building === 0n ? undefined : building };
}

export function toProjectedBoard(projected: Projected): MessageInitShape<typeof ProjectedBoardSchema> {
  const { ranks = [], board, position, complete } = projected;
  return {
    ranks: [...ranks],
    ...positionToWire(position),
    top: board?.entries.map((entry) => ({ ...entry, rank: BigInt(entry.rank) })) ?? [],
    complete,
    emptied: board?.entries.length === 0,
  };
}
