/** Asks the edge where the player stands, and passes scores on to it. */
import { ApiError, callJson, type Fields } from './api.js';
import { type BoardEntry, parseEntries } from './frames.js';
import type { Accepted, SignedAction } from './score-queue.js';

export interface OwnPlace {
  readonly score: number;
  readonly rank: number;
  readonly neighbours: readonly BoardEntry[];
}

/** Undefined while the player has no score on the board. */
export async function fetchOwnPlace(token: string): Promise<OwnPlace | undefined> {
  try {
    const { score, rank, neighbours } = await callJson('/api/v1/scoreboard/me', { token });
    if (typeof score !== 'number' || typeof rank !== 'number') return undefined;
    return { score, rank, neighbours: parseEntries(neighbours) ?? [] };
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'PLAYER_NOT_FOUND') return undefined;
    throw error;
  }
}

export async function submitAction(token: string | undefined, action: SignedAction): Promise<Accepted> {
  const { actionId, points, signature } = action;
  const answer: Fields = await callJson('/api/v1/score/update', {
    token,
    body: { actionId, points, signature },
  });
  const { newScore, rank } = answer;
  if (typeof newScore !== 'number' || typeof rank !== 'number') {
    throw new ApiError(502, 'UNKNOWN', 'The edge gave an answer of an unknown form.');
  }
  return { newScore, rank };
}
