/** A record put in order for the invariants: calls with their outcomes, rows by their keys, sockets by connection, faults as spans. */
import type { BoardKind } from '../../../../services/shared/values/board.ts';
import type {
  ActionRow,
  BoardFrame,
  CorrectAnswer,
  CorrectCall,
  CorrectionRow,
  HistoryEvent,
  RankAnswer,
  RankCall,
  RunRecord,
  SocketEvent,
  SubmitAnswer,
  SubmitCall,
} from '../../record/record.ts';

export interface Call<Question, Answer> {
  readonly op: number;
  readonly call: Question;
  /** `open`: no outcome was ever recorded. */
  outcome: 'ok' | 'fail' | 'info' | 'open';
  answer: Answer | undefined;
  reason: string;
  readonly invokedNs: number;
  completedNs: number;
}

export type Submit = Call<SubmitCall, SubmitAnswer>;
export type RankRead = Call<RankCall, RankAnswer>;
export type Correct = Call<CorrectCall, CorrectAnswer>;

export interface Span {
  readonly component: string;
  readonly kind: string;
  readonly fromNs: number;
  readonly toNs: number;
}

export interface Evidence {
  readonly record: RunRecord;
  readonly submits: readonly Submit[];
  readonly ranks: readonly RankRead[];
  readonly corrects: readonly Correct[];
  /** By player and action id. */
  readonly submitsOf: ReadonlyMap<string, readonly Submit[]>;
  readonly rowsOf: ReadonlyMap<string, readonly ActionRow[]>;
  /** Entries of the ledger by board and player, in the order of versions. */
  readonly actionsOf: ReadonlyMap<string, readonly ActionRow[]>;
  /** Entries that are corrections, by position. */
  readonly correctionAt: ReadonlyMap<number, CorrectionRow>;
  /** Whether an operator corrected this player on this board: what totals only grow by is not true then. */
  readonly isCorrected: (player: { leaderboard: string; userId: string }) => boolean;
  /** One list a connection, in order of time. */
  readonly connections: readonly (readonly SocketEvent[])[];
  readonly boards: readonly BoardFrame[];
  /** How scores count on a board. */
  readonly kindOf: (leaderboard: string) => BoardKind;
  readonly faults: readonly Span[];
}

/** A player on a board. Ids hold no space. */
export const playerKey = ({ leaderboard, userId }: { leaderboard: string; userId: string }): string =>
  `${leaderboard} ${userId}`;
/** An action counts once for ever, whatever the board. */
export const actionKey = ({ userId, actionId }: { userId: string; actionId: string }): string =>
  `${userId} ${actionId}`;

export function groupBy<Fact>(facts: Iterable<Fact>, keyOf: (fact: Fact) => string): Map<string, Fact[]> {
  const groups = new Map<string, Fact[]>();
  for (const fact of facts) {
    const key = keyOf(fact);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [fact]);
    else group.push(fact);
  }
  return groups;
}

const DEFAULT_KIND: BoardKind = { operator: 'sum', order: 'descending' };

export function gatherEvidence(record: RunRecord): Evidence {
  const { submits, ranks, corrects } = pairCalls(record.history);
  const { actions, boards, corrections } = record.dumps.postgres;
  const corrected = new Set(corrections.map(playerKey));
  const kinds = new Map(boards.map(({ name, operator, order }) => [name, { operator, order }]));
  const connections = groupBy(record.frames, ({ socket, connection }) => `${socket} ${connection}`);
  return {
    record,
    submits,
    ranks,
    corrects,
    correctionAt: new Map(corrections.map((row) => [row.position, row])),
    isCorrected: (player) => corrected.has(playerKey(player)),
    submitsOf: groupBy(submits, ({ call }) => actionKey(call)),
    rowsOf: groupBy(actions, actionKey),
    actionsOf: groupBy(
      [...actions].sort((a, b) => a.version - b.version),
      playerKey,
    ),
    connections: [...connections.values()],
    boards: record.frames.filter((event) => event.kind === 'board'),
    kindOf: (leaderboard) => kinds.get(leaderboard) ?? DEFAULT_KIND,
    faults: faultSpans(record.history),
  };
}

function pairCalls(history: readonly HistoryEvent[]) {
  const [submits, ranks, corrects] = [
    new Map<number, Submit>(),
    new Map<number, RankRead>(),
    new Map<number, Correct>(),
  ];
  for (const event of history) {
    if (event.f === 'submit') pair(submits, event);
    else if (event.f === 'rank') pair(ranks, event);
    else if (event.f === 'correct') pair(corrects, event);
  }
  return {
    submits: [...submits.values()],
    ranks: [...ranks.values()],
    corrects: [...corrects.values()],
  };
}

type CallEvent<Question, Answer> = { readonly op: number; readonly monoNs: number } & (
  | { readonly type: 'invoke'; readonly value: Question }
  | { readonly type: 'ok'; readonly value: Answer }
  | { readonly type: 'fail' | 'info'; readonly value: { readonly reason: string } }
);

function pair<Question, Answer>(
  calls: Map<number, Call<Question, Answer>>,
  event: CallEvent<Question, Answer>,
): void {
  const { op, monoNs } = event;
  if (event.type === 'invoke') {
    const opened = {
      outcome: 'open',
      answer: undefined,
      reason: '',
      completedNs: Number.POSITIVE_INFINITY,
    } as const;
    calls.set(op, { op, call: event.value, invokedNs: monoNs, ...opened });
    return;
  }
  const call = calls.get(op);
  if (call === undefined) throw new Error(`call ${op} ended without having begun`);
  call.outcome = event.type;
  call.completedNs = monoNs;
  if (event.type === 'ok') call.answer = event.value;
  else call.reason = event.value.reason;
}

/** A fault that was never said to end lasts to the end of the record. */
function faultSpans(history: readonly HistoryEvent[]): Span[] {
  const spans: Span[] = [];
  const begun = new Map<string, number>();
  for (const event of history) {
    if (event.f !== 'fault') continue;
    const { component, kind, phase } = event.value;
    const key = `${component} ${kind}`;
    const fromNs = begun.get(key);
    if (phase === 'begin') begun.set(key, event.monoNs);
    else if (fromNs !== undefined) {
      begun.delete(key);
      spans.push({ component, kind, fromNs, toNs: event.monoNs });
    }
  }
  for (const [key, fromNs] of begun) {
    const [component = '', kind = ''] = key.split(' ');
    spans.push({ component, kind, fromNs, toNs: Number.POSITIVE_INFINITY });
  }
  return spans;
}
