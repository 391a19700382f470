/** Reads the events of the score and rank services. What is on the bus is parsed like what comes from outside: exactly, or not at all. */
import { fromBinary } from '@bufbuild/protobuf';
import {
  type Board as BoardMessage,
  type PlayerState as PlayerMessage,
  ScoreBatchSchema,
} from '../../../gen/scoreboard/event/v1/event_pb.ts';
import { MAX_SCORE, parseLeaderboard, parseUserId } from '../../../services/shared/values/identifiers.ts';
import type { Board, Entry } from '../hub/board-state.ts';
import type { PlayerState } from '../hub/frames.ts';

export interface ScoreEvent {
  readonly leaderboard: string;
  /** The newest board, when the batch changed it. */
  readonly board: Board | undefined;
  readonly players: readonly PlayerState[];
  /** Unix milliseconds; for measuring only. */
  readonly committedAtMs: number;
  /** The board does not include these players' states yet. */
  readonly boardBehind: boolean;
}

/** A number that JSON can carry; scores, versions, epochs and sequence numbers all stay below 2^53. */
export function exactNumber(value: bigint): number {
  if (value > MAX_SCORE) throw new Error('a number in an event is beyond 2^53-1');
  return Number(value);
}

/** Entries in board order, which is what ranks are. */
export function rankEntries(
  entries: readonly { userId: string; username: string; score: bigint }[],
): Entry[] {
  return entries.map(({ userId, username, score }, index) => ({
    userId,
    username,
    score: exactNumber(score),
    rank: index + 1,
  }));
}

function toBoard(leaderboard: string, { epoch, seq, entries, causeUserId, causeScore }: BoardMessage): Board {
  return {
    leaderboard,
    epoch: exactNumber(epoch),
    seq: exactNumber(seq),
    entries: rankEntries(entries),
    cause: causeUserId === '' ? undefined : { userId: causeUserId, newScore: exactNumber(causeScore) },
  };
}

function toPlayer({ userId, score, rank, version }: PlayerMessage): PlayerState {
  return {
    userId: parseUserId(userId),
    score: exactNumber(score),
    rank: rank === 0n ? null : exactNumber(rank),
    version: exactNumber(version),
  };
}

/** Throws on anything that is not a well-formed event. */
export function parseScoreEvent(payload: Uint8Array): ScoreEvent {
  const batch = fromBinary(ScoreBatchSchema, payload);
  const leaderboard = parseLeaderboard(batch.leaderboard);
  return {
    leaderboard,
    board: batch.board && toBoard(leaderboard, batch.board),
    players: batch.players.map(toPlayer),
    committedAtMs: exactNumber(batch.committedAtUnixMs),
    boardBehind: batch.boardBehind,
  };
}
