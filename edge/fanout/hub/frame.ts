/**
 * One frame for clients, described once and encoded when somebody needs it: as JSON text for most, as a protobuf message for
 * those who asked for that. Each encoding is made at most once, for everybody who gets the frame.
 */
import { encodeServerFrame } from './binary-frame.ts';
import type { Entry } from './board-state.ts';

/** What every frame with a board has; `leaderboard` is the list of places, as clients know it. */
export interface BoardFields {
  readonly leaderboard: readonly Entry[];
  readonly epoch: number;
  readonly seq: number;
  readonly leaderboardId: string;
  readonly stale: boolean;
}

export interface UpdateFields extends BoardFields {
  readonly userId: string;
  readonly newScore: number;
  /** In the player's own update alone, as is `version`. */
  readonly rank?: number | null;
  readonly version?: number;
}

/** The JSON object that is sent, field by field in this order. */
export type FrameFields =
  | ({ readonly event: 'score:snapshot' } & BoardFields)
  | ({ readonly event: 'score:update' } & UpdateFields)
  | { readonly event: 'score:stale'; readonly leaderboardId: string; readonly stale: boolean }
  | ({ readonly event: 'score:current' } & Omit<BoardFields, 'leaderboard'>)
  | { readonly event: 'pong'; readonly userId: string | null }
  | { readonly event: 'authenticated'; readonly userId: string; readonly expiresAt: number }
  | {
      readonly event: 'error';
      readonly code: string;
      readonly reason: string;
      readonly message: string;
      readonly leaderboardId: string | undefined;
    };

export class Frame {
  private readonly fields: FrameFields;
  private madeText: string | undefined = undefined;
  private madeBytes: Uint8Array | undefined = undefined;

  constructor(fields: FrameFields) {
    this.fields = fields;
  }

  /** The JSON object. */
  get text(): string {
    this.madeText ??= JSON.stringify(this.fields);
    return this.madeText;
  }

  /** The `scoreboard.live.v1.ServerFrame`. */
  get bytes(): Uint8Array {
    this.madeBytes ??= encodeServerFrame(this.fields);
    return this.madeBytes;
  }
}
