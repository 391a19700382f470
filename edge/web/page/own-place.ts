/** The page's calls to the edge: reads the player's place and submits actions. */
import { type BoardEntry, parseEntries } from '../client/frames.js';
import { ApiError, callJson, unreadableAnswer } from './api.js';
import { type Place, rankFromJson } from './place.js';
import type { SignedAction } from './score-queue.js';

export interface OwnPlace extends Place {
  readonly neighbours: readonly BoardEntry[];
}

/** Returns undefined if the player has no score on the board yet. */
export async function fetchOwnPlace(token: string): Promise<OwnPlace | undefined> {
  try {
    const { score, rank, neighbours } = await callJson('api/v1/scoreboard/me', { token });
    if (typeof score !== 'number' || typeof rank !== 'number') return undefined;
    return { score, rank: rankFromJson(rank), neighbours: parseEntries(neighbours) ?? [] };
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'PLAYER_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Returns the player's place after the action. */
export async function submitAction(token: string | undefined, action: SignedAction): Promise<Place> {
  const { actionId, points, signature } = action;
  const { newScore, rank } = await callJson('api/v1/score/update', {
    token,
    body: { actionId, points, signature },
  });
  if (typeof newScore !== 'number' || typeof rank !== 'number') throw unreadableAnswer('The scoreboard');
  return { score: newScore, rank: rankFromJson(rank) };
}
