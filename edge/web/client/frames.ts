/**
 * The frames of the scoreboard socket, parsed into narrow types. An unknown event is a sign of life and a malformed frame
 * is `undefined`, so a newer server can send more without breaking this client.
 */

/** The board that a socket watches by default. */
export const DEFAULT_LEADERBOARD = 'global';

/** How many entries of a board a socket watches. */
export type BoardSize = 3 | 10 | 50 | 100;
export const DEFAULT_SIZE: BoardSize = 10;

export interface BoardEntry {
  readonly userId: string;
  readonly username: string;
  readonly score: number;
  /** 1-based. */
  readonly rank: number;
}

/** A whole board. Frames carry state, never a difference. */
export interface Board {
  readonly leaderboardId: string;
  /** Best first. */
  readonly entries: readonly BoardEntry[];
  /** (epoch, seq) is the only ordering token; time plays no part in it. */
  readonly epoch: number;
  readonly seq: number;
  /** True while the node can't confirm that the board is fresh. */
  readonly stale: boolean;
}

/** The signed-in player's own place, also outside the top ten. */
export interface Standing {
  readonly userId: string;
  readonly score: number;
  /** 1-based; null if the server could not determine it in time. */
  readonly rank: number | null;
  /** Grows with each accepted action of the player; within an epoch, lower is older. */
  readonly version: number;
  /** The epoch of the board in the same frame. */
  readonly epoch: number;
}

/** Friends are above the signed-in player now, and were not before. */
export interface Overtaken {
  readonly userId: string;
  /** The own rank now. */
  readonly rank: number;
  /** Best first. */
  readonly by: readonly BoardEntry[];
}

export type Frame =
  | {
      readonly kind: 'board';
      readonly board: Board;
      readonly standing: Standing | undefined;
      readonly size: number;
    }
  /** The board did not change; `stale` may have. */
  | {
      readonly kind: 'freshness';
      readonly leaderboardId: string;
      readonly stale: boolean;
      readonly size: number;
    }
  | { readonly kind: 'friends'; readonly leaderboardId: string; readonly friends: readonly BoardEntry[] }
  | { readonly kind: 'overtaken'; readonly leaderboardId: string; readonly overtaken: Overtaken }
  | {
      readonly kind: 'error';
      readonly reason: string;
      readonly message: string;
      /** The board that the node does not watch, or no longer watches. */
      readonly leaderboardId: string | undefined;
    }
  /** Any other well-formed frame: it only proves that the connection works. */
  | { readonly kind: 'sign-of-life' };

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function parseEntry(value: unknown): BoardEntry | undefined {
  if (!isFields(value)) return undefined;
  const { userId, username, score, rank } = value;
  if (typeof userId !== 'string' || typeof username !== 'string') return undefined;
  if (!isCount(score) || !isCount(rank)) return undefined;
  return { userId, username, score, rank };
}

/** A list of entries, or undefined if it is anything else. */
export function parseEntries(value: unknown): BoardEntry[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const entries: BoardEntry[] = [];
  for (const item of value) {
    const entry = parseEntry(item);
    if (entry === undefined) return undefined;
    entries.push(entry);
  }
  return entries;
}

function boardIdOf(value: unknown): string {
  return typeof value === 'string' ? value : DEFAULT_LEADERBOARD;
}

function parseBoard(fields: Fields): Board | undefined {
  const { leaderboardId, epoch, seq, stale } = fields;
  const entries = parseEntries(fields.leaderboard);
  if (entries === undefined || !isCount(epoch) || !isCount(seq)) return undefined;
  return {
    leaderboardId: boardIdOf(leaderboardId),
    entries,
    epoch,
    seq,
    stale: stale === true,
  };
}

/** How many entries the board may have. Frames of the default size do not say it. */
function sizeOf({ size }: Fields): number {
  return isCount(size) ? size : DEFAULT_SIZE;
}

/** Only a personal frame has rank and version. `userId` alone names the player of the latest score. */
function parseStanding(fields: Fields): Standing | undefined {
  const { userId, newScore, rank, version, epoch } = fields;
  if (typeof userId !== 'string' || !isCount(newScore) || !isCount(version) || !isCount(epoch))
    return undefined;
  if (rank !== null && !isCount(rank)) return undefined;
  return { userId, score: newScore, rank, version, epoch };
}

function parseOvertaken({ leaderboardId, userId, rank, by }: Fields): Frame | undefined {
  const passers = parseEntries(by);
  if (passers === undefined || typeof userId !== 'string' || !isCount(rank)) return undefined;
  const overtaken = { userId, rank, by: passers };
  return { kind: 'overtaken', leaderboardId: boardIdOf(leaderboardId), overtaken };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Parses the text of one frame. */
export function parseFrame(text: string): Frame | undefined {
  const fields = parseJson(text);
  if (!isFields(fields) || typeof fields.event !== 'string') return undefined;
  switch (fields.event) {
    case 'score:snapshot':
    case 'score:update': {
      const board = parseBoard(fields);
      return board && { kind: 'board', board, standing: parseStanding(fields), size: sizeOf(fields) };
    }
    case 'score:current':
    case 'score:stale':
      return {
        kind: 'freshness',
        leaderboardId: boardIdOf(fields.leaderboardId),
        stale: fields.stale === true,
        size: sizeOf(fields),
      };
    case 'score:players': {
      const friends = parseEntries(fields.players);
      return friends && { kind: 'friends', leaderboardId: boardIdOf(fields.leaderboardId), friends };
    }
    case 'score:overtaken':
      return parseOvertaken(fields);
    case 'error':
      return {
        kind: 'error',
        reason: typeof fields.reason === 'string' ? fields.reason : 'UNKNOWN',
        message: typeof fields.message === 'string' ? fields.message : '',
        leaderboardId: typeof fields.leaderboardId === 'string' ? fields.leaderboardId : undefined,
      };
    default:
      return { kind: 'sign-of-life' };
  }
}
