/** What a client may say. A message either has exactly a documented form or is refused: nothing is guessed. */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { parseLeaderboard } from '../../../services/shared/values/identifiers.ts';
import type { Position } from '../hub/board-state.ts';

export type ClientMessage =
  | { readonly type: 'subscribe'; readonly leaderboard: string; readonly resume: Position | undefined }
  | { readonly type: 'unsubscribe'; readonly leaderboard: string }
  | { readonly type: 'authenticate'; readonly token: string }
  | { readonly type: 'ping' };

/** The fields that each type may have besides `type`. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  subscribe: ['leaderboard', 'epoch', 'seq'],
  unsubscribe: ['leaderboard'],
  authenticate: ['token'],
  ping: [],
};

const invalid = (message?: string) =>
  new AppError('MESSAGE_INVALID', message === undefined ? {} : { message });

export type MessageFields = Readonly<Record<string, unknown>>;

/** The JSON object of a message; `text` is undefined for a binary one. */
export function readMessage(text: string | undefined): MessageFields {
  if (text === undefined) throw invalid('Messages are JSON text.');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AppError('MESSAGE_INVALID', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid();
  return value as MessageFields;
}

/** The leaderboard that a message names, well-formed or not, so that a refusal can say which one it was about. */
export function boardNamedIn({ leaderboard }: MessageFields): string | undefined {
  return typeof leaderboard === 'string' ? leaderboard.toWellFormed() : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The position a client has, or undefined when it has none. Half a position is refused. */
export function parsePosition(epoch: unknown, seq: unknown): Position | undefined {
  if (epoch === undefined && seq === undefined) return undefined;
  if (!isCount(epoch) || !isCount(seq)) throw invalid('epoch and seq are whole numbers and come together.');
  return { epoch, seq };
}

export function parseClientMessage(fields: MessageFields): ClientMessage {
  const { type, leaderboard, epoch, seq, token } = fields;
  const allowed = typeof type === 'string' && Object.hasOwn(FIELDS, type) ? FIELDS[type] : undefined;
  if (allowed === undefined) throw invalid('The type is not one of the documented ones.');
  for (const name of Object.keys(fields)) {
    if (name !== 'type' && !allowed.includes(name))
      throw invalid('The message has a field that its type does not.');
  }
  switch (type) {
    case 'subscribe':
      return { type, leaderboard: parseLeaderboard(leaderboard), resume: parsePosition(epoch, seq) };
    case 'unsubscribe':
      return { type, leaderboard: parseLeaderboard(leaderboard) };
    case 'authenticate':
      if (typeof token !== 'string' || token === '') throw invalid('The token is missing.');
      return { type, token };
    default:
      return { type: 'ping' };
  }
}
