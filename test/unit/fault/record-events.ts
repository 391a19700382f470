/** Events of a record, as a run would have noted them. Times are in milliseconds. */
import type { BoardFrame, FrameEntry, HistoryEvent, SocketEvent } from '../../fault/record/record.ts';

export const NS_PER_MS = 1_000_000;
const at = (ms: number) => ms * NS_PER_MS;
export const BOARD = 'global';

export const opened = (socket: string, ms: number, connection = 1): SocketEvent => ({
  socket,
  connection,
  monoNs: at(ms),
  kind: 'opened',
});

export const board = (
  socket: string,
  epoch: number,
  seq: number,
  entries: FrameEntry[],
  { isSnapshot = false, ms = 0, stale = false }: { isSnapshot?: boolean; ms?: number; stale?: boolean } = {},
): BoardFrame => ({
  ...{ socket, connection: 1, monoNs: at(ms), kind: 'board', leaderboard: BOARD, isSnapshot },
  ...{ epoch, seq, stale, entries, personal: null },
});

export interface Submitted {
  op: number;
  userId: string;
  actionId: string;
  points: number;
  ms: number;
  tookMs?: number;
  newScore: number;
  version: number;
  replayed?: boolean;
  leaderboard?: string;
  credential?: 'valid' | 'forged';
}

export function invoked(call: Omit<Submitted, 'newScore' | 'version' | 'replayed' | 'tookMs'>): HistoryEvent {
  const { op, ms, userId, actionId, points, leaderboard = BOARD, credential = 'valid' } = call;
  const value = { leaderboard, userId, actionId, points, limitMs: 2_000, credential };
  return { proc: userId, op, monoNs: at(ms), f: 'submit', type: 'invoke', value };
}

export function submitted(call: Submitted): HistoryEvent[] {
  const { op, userId, ms, tookMs = 20, newScore, version, replayed = false } = call;
  const value = { newScore, version, replayed };
  return [invoked(call), { proc: userId, op, monoNs: at(ms + tookMs), f: 'submit', type: 'ok', value }];
}

export function refused(call: Omit<Submitted, 'newScore' | 'version'>, reason: string): HistoryEvent[] {
  const { op, userId, ms } = call;
  return [
    invoked(call),
    { proc: userId, op, monoNs: at(ms + 20), f: 'submit', type: 'fail', value: { reason } },
  ];
}

export function ranked(read: {
  op: number;
  userId: string;
  minVersion: number;
  ms: number;
  version: number;
  score: number;
}): HistoryEvent[] {
  const { op, userId, minVersion, ms, version, score } = read;
  const call = { leaderboard: BOARD, userId, minVersion, limitMs: 2_000 };
  return [
    { proc: userId, op, monoNs: at(ms), f: 'rank', type: 'invoke', value: call },
    { proc: userId, op, monoNs: at(ms + 10), f: 'rank', type: 'ok', value: { version, score } },
  ];
}

export const projected = (ms: number, runId: string, userId: string, version: number): HistoryEvent => ({
  ...{ proc: 'observer', op: 0, monoNs: at(ms), f: 'projection', type: 'info' },
  value: { epoch: 1, runId, versions: [{ leaderboard: BOARD, userId, version }] },
});

export const sampled = (ms: number, rssBytes: number): HistoryEvent => ({
  ...{ proc: 'observer', op: 0, monoNs: at(ms), f: 'sample', type: 'info' },
  value: { component: 'score', rssBytes, descriptors: 40 },
});

/** The same action of one player so often at once, each time accepted, long after the player was heard of. */
export const repeated = (times: number): HistoryEvent[] =>
  Array.from({ length: times }, (_, at) =>
    submitted({ op: 100 + at, userId: 'ada', actionId: 'a1', points: 5, ms: 2_000, newScore: 5, version: 1 }),
  ).flat();

export const exited = (component: string, ms: number, expected: boolean): HistoryEvent => ({
  ...{ proc: 'driver', op: 0, monoNs: at(ms), f: 'exit', type: 'info' },
  value: { component, how: 'exit code 1', expected },
});

export const faulted = (component: string, kind: string, fromMs: number, toMs: number): HistoryEvent[] => [
  {
    proc: 'driver',
    op: 0,
    monoNs: at(fromMs),
    f: 'fault',
    type: 'info',
    value: { component, kind, phase: 'begin' },
  },
  {
    proc: 'driver',
    op: 0,
    monoNs: at(toMs),
    f: 'fault',
    type: 'info',
    value: { component, kind, phase: 'end' },
  },
];
