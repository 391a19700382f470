/** A small run in which everything is right, made anew for each test, which then breaks one thing. */
import { createHash, createHmac } from 'node:crypto';
import type {
  ActionRow,
  AuditDump,
  BoardRow,
  BoardRule,
  Conduct,
  CorrectionRow,
  FlagRow,
  FrameEntry,
  HistoryEvent,
  ScoreRow,
  SocketEvent,
} from '../../fault/record/record.ts';
import { BOARD, board, opened, projected, ranked, refused, sampled, submitted } from './record-events.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer Item)[] ? Mutable<Item>[] : T[K] };

/** A new action every 100 ms, each answered 20 ms and shown 50 ms later. */
const STEP_MS = 100;
const ACTIONS: readonly [userId: string, points: number][] = [
  ['ada', 5],
  ['bob', 7],
  ['ada', 4],
  ['cy', 9],
  ['bob', 0],
];

/** What the rate limit lets through at once. */
export const BURST = 5;

export interface Fixture {
  history: HistoryEvent[];
  frames: SocketEvent[];
  actions: Mutable<ActionRow>[];
  corrections: Mutable<CorrectionRow>[];
  scores: Mutable<ScoreRow>[];
  boards: Mutable<BoardRow>[];
  outbox: { state: 'pending' | 'dead'; ageMs: number }[];
  tops: { leaderboard: string; userIds: string[] }[];
  members: Mutable<Omit<ScoreRow, 'leaderboard'>>[];
  wireTop: { userId: string; score: number }[];
  rules: BoardRule[];
  conducts: Mutable<Conduct>[];
  flags: Mutable<FlagRow>[];
  /** What is done to the audit chain once it seals the actions. */
  afterSealing: ((audit: Mutable<AuditDump>) => void)[];
}

export function correctRun(): Fixture {
  const history: HistoryEvent[] = [];
  const frames: SocketEvent[] = [opened('viewer', 0), board('viewer', 1, 1, [], { isSnapshot: true, ms: 1 })];
  const actions: ActionRow[] = [];
  const scores = new Map<string, ScoreRow>();
  for (const [index, [userId, points]] of ACTIONS.entries()) {
    const [ms, op, actionId, position] = [
      10 + index * STEP_MS,
      index + 1,
      `a${index + 1}`,
      (index + 1) * 1000 + 1,
    ];
    const before = scores.get(userId) ?? {
      leaderboard: BOARD,
      userId,
      points: 0,
      version: 0,
      reached: position,
    };
    const reached = points > 0 ? position : before.reached;
    const after = { ...before, points: before.points + points, version: before.version + 1, reached };
    scores.set(userId, after);
    history.push(
      ...submitted({ op, userId, actionId, points, ms, newScore: after.points, version: after.version }),
    );
    actions.push({
      ...{ position, leaderboard: BOARD, userId, actionId, points, keyId: 'k1', caller: 'edge' },
      ...{ scoreAfter: after.points, version: after.version },
    });
    if (points > 0) frames.push(board('viewer', 1, index + 2, entriesOf(scores), { ms: ms + 50 }));
  }
  history.push(
    ...submitted({
      op: 20,
      userId: 'ada',
      actionId: 'a1',
      points: 5,
      ms: 600,
      newScore: 5,
      version: 1,
      replayed: true,
    }),
  );
  history.push(...ranked({ op: 30, userId: 'ada', minVersion: 2, ms: 650, version: 2, score: 9 }));
  history.push(projected(700, 'r1', 'ada', 2));
  history.push(sampled(710, 50_000_000));
  for (let op = 40; op < 43; op += 1) {
    const cheat = { op, userId: 'mal', actionId: 'm1', points: 11, ms: 720 + op };
    history.push(...refused(cheat, 'POINTS_OVER_CAP'));
  }
  const standings = [...scores.values()].sort((a, b) => b.points - a.points || a.reached - b.reached);
  return {
    history,
    frames,
    actions,
    corrections: [],
    scores: [...scores.values()],
    boards: [],
    outbox: [],
    tops: [{ leaderboard: BOARD, userIds: standings.map(({ userId }) => userId) }],
    members: standings.map(({ leaderboard: _, ...member }) => ({ ...member })),
    wireTop: standings.map(({ userId, points }) => ({ userId, score: points })),
    rules: [{ leaderboard: BOARD, kind: '', maxPoints: 10 }],
    conducts: [
      ...['ada', 'bob', 'cy'].map((userId) => ({ userId, conduct: 'honest' as const })),
      { userId: 'mal', conduct: 'over-cap' },
    ],
    flags: [{ leaderboard: BOARD, userId: 'mal', reason: 'POINTS_OVER_CAP' }],
    afterSealing: [],
  };
}

const AUDIT_KEY = Buffer.alloc(32, 7);
const ACTIONS_PER_LINK = 2;

/** The chain that a correct system has over these actions. */
export function sealed(actions: readonly ActionRow[]): Mutable<AuditDump> {
  const sha256 = (...parts: (string | Buffer)[]) =>
    createHash('sha256')
      .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
      .digest('hex');
  const field = (value: string | number) => `${String(value).length}:${value}`;
  const dump: Mutable<AuditDump> = { keyHex: AUDIT_KEY.toString('hex'), links: [], sealed: [] };
  for (let at = 0; at < actions.length; at += ACTIONS_PER_LINK) {
    const seq = dump.links.length + 1;
    const its = actions.slice(at, at + ACTIONS_PER_LINK).map((action) => {
      const salt = Buffer.from(`salt of ${action.userId}`);
      const commitment = sha256(salt, action.userId);
      return { ...action, seq, salt: salt.toString('hex'), commitment, acceptedAtUnixUs: 1_000 + at };
    });
    const text = its.map((a) =>
      [
        ...[a.position, a.leaderboard, a.commitment, a.actionId, a.points, a.scoreAfter, a.version],
        ...[a.keyId, a.caller, a.acceptedAtUnixUs],
      ]
        .map(field)
        .join(''),
    );
    const link = { seq, actions: its.length, digest: sha256(text.join('')), erased: '' };
    const before = dump.links.at(-1)?.head ?? '';
    const covered = ['scoreboard-audit-v1', before, seq, link.actions, link.digest, link.erased];
    const head = createHmac('sha256', AUDIT_KEY).update(covered.map(field).join('')).digest('hex');
    dump.links.push({ ...link, head });
    dump.sealed.push(...its);
  }
  return dump;
}

export function toRecord(run: Fixture) {
  const { history, frames, actions, corrections, scores, boards, outbox, tops, members } = run;
  const { wireTop, rules, conducts, flags } = run;
  const audit = sealed(actions);
  for (const change of run.afterSealing) change(audit);
  return {
    history,
    frames,
    rules,
    conducts,
    dumps: {
      postgres: { actions, corrections, scores, boards, outbox, deadRowsTold: 0, tops, audit, flags },
      redis: { epoch: 1, boards: [{ leaderboard: BOARD, members }] },
      wireTops: [{ leaderboard: BOARD, entries: wireTop }],
    },
    limits: {
      answerSlackMs: 200,
      freshMs: 1_000,
      freshAfterHealMs: 5_000,
      outboxAgeMs: 60_000,
      maxRssBytes: 500_000_000,
      maxDescriptors: 1_000,
      playerRate: { perSecond: 10, burst: BURST },
      falseFlagShare: 0.01,
    },
  };
}

function entriesOf(scores: ReadonlyMap<string, ScoreRow>): FrameEntry[] {
  return [...scores.values()]
    .sort((a, b) => b.points - a.points || a.reached - b.reached)
    .map(({ userId, points }) => ({ userId, score: points }));
}
