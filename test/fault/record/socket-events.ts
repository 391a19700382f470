/** A frame as it came over the wire, in the words of a record. */
import type { SocketEvent } from './record.ts';

interface WireFrame {
  readonly event?: string;
  readonly leaderboard?: readonly { userId: string; score: number }[];
  readonly leaderboardId?: string;
  readonly epoch?: number;
  readonly seq?: number;
  readonly stale?: boolean;
  readonly userId?: string;
  readonly newScore?: number;
  readonly version?: number;
}

interface Where {
  readonly socket: string;
  readonly connection: number;
  readonly monoNs: number;
}

/** Undefined for frames that say nothing of a board. */
export function toSocketEvent(text: string, where: Where): SocketEvent | undefined {
  const frame = JSON.parse(text) as WireFrame;
  const { leaderboardId: leaderboard = '', epoch = -1, seq = -1, stale = false } = frame;
  switch (frame.event) {
    case 'score:snapshot':
    case 'score:update': {
      const { userId = '', newScore: score = -1, version } = frame;
      return {
        ...where,
        kind: 'board',
        leaderboard,
        isSnapshot: frame.event === 'score:snapshot',
        epoch,
        seq,
        stale,
        entries: (frame.leaderboard ?? []).map((entry) => ({ userId: entry.userId, score: entry.score })),
        personal: version === undefined ? null : { userId, score, version },
      };
    }
    case 'score:current':
      return { ...where, kind: 'current', leaderboard, epoch, seq, stale };
    case 'score:stale':
      return { ...where, kind: 'stale', leaderboard, stale };
    default:
      return undefined;
  }
}
