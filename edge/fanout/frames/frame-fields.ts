/** The fields of each frame, as clients read them. On the wire `null` stands for what is undefined inside. */
import type { Entry } from './board-state.ts';

/** The fields of every frame with a board. */
export interface BoardFields {
  /** Clients know the list of entries by this name. */
  readonly leaderboard: readonly Entry[];
  readonly epoch: number;
  readonly seq: number;
  readonly leaderboardId: string;
  readonly stale: boolean;
  /** Only in frames of a size that is not the default one. */
  readonly size?: number | undefined;
}

export interface UpdateFields extends BoardFields {
  readonly userId: string;
  readonly newScore: number;
  /** `rank` and `version` are only in a player's own update. */
  readonly rank?: number | null;
  readonly version?: number;
}

/** The JSON object of a frame, with its fields in this order. */
export type FrameFields =
  | ({ readonly event: 'score:snapshot' } & BoardFields)
  | ({ readonly event: 'score:update' } & UpdateFields)
  | ({ readonly event: 'score:stale' } & Pick<BoardFields, 'leaderboardId' | 'stale' | 'size'>)
  | ({ readonly event: 'score:current' } & Omit<BoardFields, 'leaderboard'>)
  | ({ readonly event: 'score:players'; readonly players: readonly Entry[] } & Pick<
      BoardFields,
      'leaderboardId' | 'stale'
    >)
  | {
      readonly event: 'score:overtaken';
      readonly leaderboardId: string;
      readonly userId: string;
      readonly rank: number;
      readonly by: readonly Entry[];
    }
  | { readonly event: 'pong'; readonly userId: string | null }
  | { readonly event: 'authenticated'; readonly userId: string; readonly expiresAt: number }
  | {
      readonly event: 'error';
      readonly code: string;
      readonly reason: string;
      readonly message: string;
      readonly leaderboardId: string | undefined;
    };
