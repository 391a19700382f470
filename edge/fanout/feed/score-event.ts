/** Parses the events of the score and rank services as strictly as input from outside: exactly, or not at all. */
import { fromBinary } from '@bufbuild/protobuf';
import {
  type Board as BoardMessage,
  type PlayerState as PlayerMessage,
  ScoreBatchSchema,
} from '../../../gen/scoreboard/event/v1/event_pb.ts';
import { MAX_SCORE, parseLeaderboard, parseUserId } from '../../../services/shared/values/identifiers.ts';
import type { Board, Entry, PlayerState } from '../frames/board-state.ts';

export interface ScoreEvent {
  readonly leaderboard: string;
  /** The newest board, if the batch changed it. */
  readonly board: Board | undefined;
  readonly players: readonly PlayerState[];
  /** Unix milliseconds, for metrics only. */
  readonly committedAtMs: number | undefined;
  /** The board does not include the states of these players yet. */
  readonly boardBehind: boolean;
}

/** A number that JSON can represent. Scores, versions, epochs and sequence numbers all stay below 2^53. */
export function exactNumber(value: bigint): number {
  if (value > MAX_SCORE) throw new Error('a number in an event is greater than 2^53-1');
  return Number(value);
}

/** Entries come in board order, which gives their ranks. */
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
    rank: rank === 0n ? undefined : exactNumber(rank),
    version: exactNumber(version),
  };
}

/** Throws on anything that is not a well-formed event. */
export function parseScoreEvent(payload: Uint8Array): ScoreEvent {
  const batch = fromBinary(ScoreBatchSchema, payload);
  const leaderboard = parseLeaderboard(batch.leaderboard);
  const { committedAtUnixMs, boardBehind } = batch;
  return {
    leaderboard,
    board: batch.board && toBoard(leaderboard, batch.board),
    players: batch.players.map(toPlayer),
    committedAtMs: committedAtUnixMs === 0n ? undefined : exactNumber(committedAtUnixMs),
    boardBehind,
  };
}
