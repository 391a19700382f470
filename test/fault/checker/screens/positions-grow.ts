/**
 * I11: on each connection (epoch, seq) strictly grows from board to board, a new epoch begins with a snapshot, and a
 * player's own update repeats the board that the connection has.
 */

import type { SocketEvent } from '../../record/record.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { judge, type Verdict, type Violate } from '../evidence/verdict.ts';

interface Position {
  readonly epoch: number;
  readonly seq: number;
}

export function judgePositionsGrow({ connections }: Evidence): Verdict {
  return judge(connections, inspectConnection);
}

function inspectConnection(events: readonly SocketEvent[], violate: Violate): void {
  const known = new Map<string, Position>();
  for (const event of events) {
    if (event.kind !== 'board' && event.kind !== 'current') continue;
    const before = known.get(event.leaderboard);
    if (event.kind === 'board') inspectBoard(event, before, violate);
    known.set(event.leaderboard, event);
  }
}

function inspectBoard(
  frame: Extract<SocketEvent, { kind: 'board' }>,
  before: Position | undefined,
  violate: Violate,
): void {
  const isSame = before?.epoch === frame.epoch && before.seq === frame.seq;
  if (frame.personal !== null) {
    if (!isSame) violate('a personal frame carries a board that the socket does not have', before, frame);
  } else if (before === undefined || frame.epoch > before.epoch) {
    if (!frame.isSnapshot) violate('an epoch began without a snapshot', before, frame);
  } else if (frame.epoch < before.epoch || frame.seq <= before.seq) {
    violate('a position did not grow', before, frame);
  }
}
