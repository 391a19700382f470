/** Frames as protobuf messages, with the fields of the JSON frames. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { ServerFrameSchema } from '../../../gen/scoreboard/live/v1/live_pb.ts';
import type { Entry } from './board-state.ts';
import type { BoardFields, FrameFields } from './frame-fields.ts';

type ServerFrameInit = NonNullable<MessageInitShape<typeof ServerFrameSchema>['frame']>;

/** Encodes a `scoreboard.live.v1.ServerFrame`. */
export function encodeServerFrame(fields: FrameFields): Uint8Array<ArrayBuffer> {
  return toBinary(ServerFrameSchema, create(ServerFrameSchema, { frame: toMessage(fields) }));
}

function toMessage(fields: FrameFields): ServerFrameInit {
  switch (fields.event) {
    case 'score:snapshot':
      return { case: 'snapshot', value: toBoard(fields) };
    case 'score:update': {
      const { userId, newScore, rank, version } = fields;
      const own = { version: toOptional(version), rank: toOptional(rank) };
      return { case: 'update', value: { ...toBoard(fields), userId, newScore: BigInt(newScore), ...own } };
    }
    case 'score:stale':
      return {
        case: 'stale',
        value: { leaderboardId: fields.leaderboardId, stale: fields.stale, size: fields.size ?? 0 },
      };
    case 'score:current':
      return { case: 'current', value: toPosition(fields) };
    case 'score:players': {
      const { leaderboardId, players, stale } = fields;
      return { case: 'players', value: { leaderboardId, players: players.map(toEntry), stale } };
    }
    case 'score:overtaken': {
      const { leaderboardId, userId, rank, by } = fields;
      return { case: 'overtaken', value: { leaderboardId, userId, rank: BigInt(rank), by: by.map(toEntry) } };
    }
    case 'pong':
      return { case: 'pong', value: fields.userId === null ? {} : { userId: fields.userId } };
    case 'authenticated':
      return {
        case: 'authenticated',
        value: { userId: fields.userId, expiresAt: BigInt(fields.expiresAt) },
      };
    case 'error': {
      const { code, reason, message, leaderboardId } = fields;
      return { case: 'error', value: { code, reason, message, leaderboardId } };
    }
  }
}

function toPosition({ leaderboardId, epoch, seq, stale, size = 0 }: Omit<BoardFields, 'leaderboard'>) {
  return { leaderboardId, epoch: BigInt(epoch), seq: BigInt(seq), stale, size };
}

function toBoard(fields: BoardFields) {
  return { leaderboard: fields.leaderboard.map(toEntry), ...toPosition(fields) };
}

function toEntry({ userId, username, score, rank }: Entry) {
  return { userId, username, score: BigInt(score), rank: BigInt(rank) };
}

function toOptional(value: number | null | undefined): bigint | undefined {
  return value === undefined || value === null ? undefined : BigInt(value);
}

/** A ServerFrame has one field, so its first byte is the key of that field: its number and the wire type of a message. */
const firstByteOf = ({ number }: { number: number }) => (number << 3) | 2;
const { snapshot, update, stale } = ServerFrameSchema.field;
const BROADCASTS = new Set([snapshot, update, stale].map(firstByteOf));

/** Whether an encoded frame is a broadcast to the viewers of a board. */
export function isBinaryBroadcast(bytes: Uint8Array): boolean {
  return BROADCASTS.has(bytes[0] ?? 0);
}
