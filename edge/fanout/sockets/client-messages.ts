/** Parses the messages of clients. A message has exactly a documented form or is refused; nothing is guessed. */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { isUserId, parseLeaderboard } from '../../../services/shared/values/identifiers.ts';
import type { Position } from '../../../services/shared/values/position.ts';
import { type BoardSize, DEFAULT_SIZE, SIZES } from '../frames/board-size.ts';
import { FOLLOWED_PER_SOCKET } from '../hub/limits.ts';
import { PLAIN_MESSAGE_MAX_LENGTH } from './limits.ts';

export type ClientMessage =
  | {
      readonly type: 'subscribe';
      readonly leaderboard: string;
      readonly resume: Position<number> | undefined;
      readonly size: BoardSize;
      /** Players to follow on the board; undefined leaves them as they are. */
      readonly players: readonly string[] | undefined;
    }
  | { readonly type: 'unsubscribe'; readonly leaderboard: string }
  | { readonly type: 'authenticate'; readonly token: string }
  | { readonly type: 'ping' };

/** The fields that each type may have besides `type`. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  subscribe: ['leaderboard', 'epoch', 'seq', 'size', 'players'],
  unsubscribe: ['leaderboard'],
  authenticate: ['token'],
  ping: [],
};

const invalid = (message?: string) =>
  new AppError('MESSAGE_INVALID', message === undefined ? {} : { message });

export type MessageFields = Readonly<Record<string, unknown>>;

/** The JSON object of a message; `text` is undefined if it is not UTF-8. */
export function readMessage(text: string | undefined): MessageFields {
  if (text === undefined) throw invalid('The message is not JSON text in UTF-8.');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AppError('MESSAGE_INVALID', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid();
  const fields = value as MessageFields;
  const mayBeLong = fields.type === 'authenticate' || fields.players !== undefined;
  if (text.length > PLAIN_MESSAGE_MAX_LENGTH && !mayBeLong) {
    throw invalid('The message is longer than 4 KiB.');
  }
  return fields;
}

/** The leaderboard that a message names, valid or not, so that the error can name it too. */
export function boardNamedIn({ leaderboard }: MessageFields): string | undefined {
  return typeof leaderboard === 'string' ? leaderboard.toWellFormed() : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The position that a client has, or undefined if it has none. Half a position is refused. */
export function parsePosition(epoch: unknown, seq: unknown): Position<number> | undefined {
  if (epoch === undefined && seq === undefined) return undefined;
  if (!isCount(epoch) || !isCount(seq))
    throw invalid('epoch and seq must be whole numbers, and both or neither must be given.');
  return { epoch, seq };
}

function parseSize(value: unknown): BoardSize {
  const size = value === undefined ? DEFAULT_SIZE : SIZES.find((each) => each === value);
  if (size === undefined) throw invalid(`The size is one of ${SIZES.join(', ')}.`);
  return size;
}

/** Each once. */
function parsePlayers(value: unknown): string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length > FOLLOWED_PER_SOCKET || !value.every(isUserId)) {
    throw invalid(`players must be a list of at most ${FOLLOWED_PER_SOCKET} user ids.`);
  }
  return [...new Set(value)];
}

export function parseClientMessage(fields: MessageFields): ClientMessage {
  const { type, leaderboard, epoch, seq, size, players, token } = fields;
  const allowed = typeof type === 'string' && Object.hasOwn(FIELDS, type) ? FIELDS[type] : undefined;
  if (allowed === undefined)
    throw invalid('The type is unknown: use subscribe, unsubscribe, authenticate or ping.');
  for (const name of Object.keys(fields)) {
    if (name !== 'type' && !allowed.includes(name))
      throw invalid('The message has a field that its type does not have.');
  }
  switch (type) {
    case 'subscribe':
      return {
        ...{ type, leaderboard: parseLeaderboard(leaderboard), resume: parsePosition(epoch, seq) },
        ...{ size: parseSize(size), players: parsePlayers(players) },
      };
    case 'unsubscribe':
      return { type, leaderboard: parseLeaderboard(leaderboard) };
    case 'authenticate':
      if (typeof token !== 'string' || token === '') throw invalid('The token is missing or not a string.');
      return { type, token };
    default:
      return { type: 'ping' };
  }
}
