/**
 * What a run leaves behind, as plain JSON: the history of every call and fault, the frames of every socket, and dumps of
 * Postgres and Redis at the end. The driver of real processes and the simulation write the same form, so
 * that one checker judges both. Numbers are within 2^53-1; times are monotonic nanoseconds of one clock.
 */
import type { BoardKind } from '../../../services/shared/values/board.ts';

export interface SubmitCall {
  readonly leaderboard: string;
  readonly userId: string;
  readonly actionId: string;
  readonly points: number;
  /** Within which an answer is due. */
  readonly limitMs: number;
  /** Whether the token and the signature are good; a forged call must never count. */
  readonly credential: 'valid' | 'forged';
}

export interface SubmitAnswer {
  readonly newScore: number;
  /** Null when the road that was taken does not tell it. */
  readonly version: number | null;
  readonly replayed: boolean;
}

export interface RankCall {
  readonly leaderboard: string;
  readonly userId: string;
  readonly minVersion: number;
  readonly limitMs: number;
}

export interface RankAnswer {
  readonly version: number;
  readonly score: number;
}

/** What an operator asks for. A repeat has the same operation id. */
export interface CorrectCall {
  readonly operationId: string;
  readonly userId: string;
  /** Empty for "void". */
  readonly leaderboard: string;
  readonly kind: 'adjust' | 'set' | 'void' | 'remove' | 'restore';
  /** What "adjust" adds, or the score that "set" sets; 0 for the others. */
  readonly amount: number;
  /** What "void" takes back; empty for the others. */
  readonly actionId: string;
}

export interface CorrectAnswer {
  /** Null for no score. */
  readonly before: number | null;
  readonly after: number | null;
  readonly version: number;
}

export interface Refusal {
  readonly reason: string;
}

/** What was done to a part of the system, from `begin` until its `end`. */
export interface FaultNote {
  readonly component: string;
  readonly kind: string;
  readonly phase: 'begin' | 'end';
}

/** The rank index as one reading of Redis found it. */
export interface ProjectionSample {
  readonly epoch: number;
  /** Which life of Redis. */
  readonly runId: string;
  readonly versions: readonly { leaderboard: string; userId: string; version: number }[];
}

export interface ExitNote {
  readonly component: string;
  readonly how: string;
  /** We ended it ourselves. */
  readonly expected: boolean;
}

export interface ResourceSample {
  readonly component: string;
  readonly rssBytes: number;
  readonly descriptors: number;
}

interface Stamp {
  /** Who called, or took the note. */
  readonly proc: string;
  /** Names the call; its invoke and its outcome share it. */
  readonly op: number;
  readonly monoNs: number;
}

/** `ok`: counted. `fail`: certainly not counted. `info`: unknown, or a note that is no call. */
export type HistoryEvent =
  | (Stamp & { f: 'submit'; type: 'invoke'; value: SubmitCall })
  | (Stamp & { f: 'submit'; type: 'ok'; value: SubmitAnswer })
  | (Stamp & { f: 'submit'; type: 'fail' | 'info'; value: Refusal })
  | (Stamp & { f: 'rank'; type: 'invoke'; value: RankCall })
  | (Stamp & { f: 'rank'; type: 'ok'; value: RankAnswer })
  | (Stamp & { f: 'rank'; type: 'fail' | 'info'; value: Refusal })
  | (Stamp & { f: 'correct'; type: 'invoke'; value: CorrectCall })
  | (Stamp & { f: 'correct'; type: 'ok'; value: CorrectAnswer })
  | (Stamp & { f: 'correct'; type: 'fail' | 'info'; value: Refusal })
  | (Stamp & { f: 'fault'; type: 'info'; value: FaultNote })
  | (Stamp & { f: 'projection'; type: 'info'; value: ProjectionSample })
  | (Stamp & { f: 'exit'; type: 'info'; value: ExitNote })
  | (Stamp & { f: 'sample'; type: 'info'; value: ResourceSample });

export interface FrameEntry {
  readonly userId: string;
  readonly score: number;
}

interface SocketStamp {
  readonly socket: string;
  /** Counts the socket's connections from 1. */
  readonly connection: number;
  readonly monoNs: number;
}

export interface BoardFrame extends SocketStamp {
  readonly kind: 'board';
  readonly leaderboard: string;
  readonly isSnapshot: boolean;
  readonly epoch: number;
  readonly seq: number;
  readonly stale: boolean;
  readonly entries: readonly FrameEntry[];
  /** A player's own update repeats the board that the socket has. */
  readonly personal: { readonly userId: string; readonly score: number; readonly version: number } | null;
}

export type SocketEvent =
  | BoardFrame
  | (SocketStamp & { kind: 'opened' })
  | (SocketStamp & { kind: 'closed' })
  /** "You have the newest", with its position. */
  | (SocketStamp & { kind: 'current'; leaderboard: string; epoch: number; seq: number; stale: boolean })
  | (SocketStamp & { kind: 'stale'; leaderboard: string; stale: boolean });

export interface ActionRow {
  readonly position: number;
  readonly leaderboard: string;
  readonly userId: string;
  readonly actionId: string;
  readonly points: number;
  readonly scoreAfter: number;
  readonly version: number;
  readonly keyId: string;
  readonly caller: string;
}

/** How scores count on a board that is not the default: adding up, more is better. */
export interface BoardRow extends BoardKind {
  readonly name: string;
}

export interface ScoreRow {
  readonly leaderboard: string;
  readonly userId: string;
  /** As players see them: not negated where less is better. */
  readonly points: number;
  readonly version: number;
  /** A mark instead of a position for a player who is not on the board. */
  readonly reached: number;
}

/** An action as its link sealed it. Bytes are in hexadecimal. */
export interface SealedAction extends ActionRow {
  /** The link. */
  readonly seq: number;
  readonly salt: string;
  readonly commitment: string;
  readonly acceptedAtUnixUs: number;
}

export interface AuditDump {
  readonly keyHex: string;
  readonly links: readonly {
    seq: number;
    actions: number;
    digest: string;
    erased: string;
    head: string;
  }[];
  readonly sealed: readonly SealedAction[];
}

export interface FlagRow {
  readonly leaderboard: string;
  readonly userId: string;
  readonly reason: string;
}

/** What an entry of the ledger at this position did that is no action. */
export interface CorrectionRow extends Omit<CorrectCall, 'kind'> {
  readonly position: number;
  readonly kind: CorrectCall['kind'] | 'hide' | 'show';
}

export interface PostgresDump {
  /** The ledger: actions, and corrections by the same positions. */
  readonly actions: readonly ActionRow[];
  readonly corrections: readonly CorrectionRow[];
  readonly scores: readonly ScoreRow[];
  /** Boards that are not of the default kind; others may be in it too. */
  readonly boards: readonly BoardRow[];
  readonly outbox: readonly { state: 'pending' | 'dead'; ageMs: number }[];
  /** How many dead rows the metric tells; null when it was not read. */
  readonly deadRowsTold: number | null;
  /** The top 10 of each board as SQL orders it. */
  readonly tops: readonly { leaderboard: string; userIds: readonly string[] }[];
  /** The chain over the actions; null where there is none. */
  readonly audit: AuditDump | null;
  /** Players who are flagged and whom no operator has cleared. */
  readonly flags: readonly FlagRow[];
}

export interface RedisDump {
  /** The epoch that counts; null when boards are read from Postgres. */
  readonly epoch: number | null;
  /** Every member in the order of the index. */
  readonly boards: readonly { leaderboard: string; members: readonly Omit<ScoreRow, 'leaderboard'>[] }[];
}

export interface Dumps {
  readonly postgres: PostgresDump;
  readonly redis: RedisDump;
  /** What readers were answered in the end, best first. */
  readonly wireTops: readonly { leaderboard: string; entries: readonly FrameEntry[] }[];
}

/** The promises in numbers. */
export interface Limits {
  /** An answer may come this much after its deadline. */
  readonly answerSlackMs: number;
  /** An accepted change is on every screen: this soon for 99 of 100 while nothing is wrong. */
  readonly freshMs: number;
  /** And this soon always, counted from the end of the last fault; until then the screen says `stale` as soon. */
  readonly freshAfterHealMs: number;
  readonly outboxAgeMs: number;
  /** No component is ever larger; undefined judges nothing. */
  readonly maxRssBytes: number | undefined;
  readonly maxDescriptors: number | undefined;
  /** What the edge lets one player do, over all of its processes; undefined judges nothing. */
  readonly playerRate: { readonly perSecond: number; readonly burst: number } | undefined;
  /** Of the players who do not cheat, at most this share is flagged. */
  readonly falseFlagShare: number;
}

/** What the operator lets a player do on a board. */
export interface BoardRule {
  readonly leaderboard: string;
  /** What stands before the first "_" of an action id; empty is for all actions of the board. */
  readonly kind: string;
  /** Of one action. */
  readonly maxPoints?: number;
  readonly minIntervalMs?: number;
  readonly window?: { readonly ms: number; readonly maxActions: number };
}

export type Cheat = 'over-cap' | 'too-fast' | 'over-window' | 'quarantined' | 'far-ahead';

/** The label of a player of the workload. A cheat does what it does again and again, until well after everything has healed. */
export interface Conduct {
  readonly userId: string;
  readonly conduct: Cheat | 'honest';
}

export interface RunRecord {
  readonly history: readonly HistoryEvent[];
  readonly frames: readonly SocketEvent[];
  readonly dumps: Dumps;
  readonly limits: Limits;
  readonly rules: readonly BoardRule[];
  readonly conducts: readonly Conduct[];
}
