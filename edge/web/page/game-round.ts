/** Calls to the game server, which lights the cells, measures the time and signs the points. */
import { callJson, type Fields, unreadableAnswer } from './api.js';
import type { SignedAction } from './score-queue.js';

export interface Target {
  /** Number of the light within its round, from 0. */
  readonly target: number;
  /** 0 to 8, in reading order. */
  readonly cell: number;
  readonly expiresInMs: number;
}

export interface Round {
  readonly roundId: string;
  readonly first: Target;
  readonly remaining: number;
}

export interface HitAnswer {
  readonly hit: boolean;
  readonly reactionMs: number;
  readonly action: SignedAction | undefined;
  /** Undefined after the last light. */
  readonly next: Target | undefined;
  readonly remaining: number;
}

const unreadable = () => unreadableAnswer('The game server');

function parseTarget(value: unknown): Target | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { target, cell, expiresInMs } = value as Fields;
  if (typeof target !== 'number' || typeof cell !== 'number' || typeof expiresInMs !== 'number')
    return undefined;
  return { target, cell, expiresInMs };
}

function parseAction(value: unknown): SignedAction | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { actionId, points, signature } = value as Fields;
  if (typeof actionId !== 'string' || typeof points !== 'number' || typeof signature !== 'string')
    throw unreadable();
  return { actionId, points, signature };
}

export async function startRound(gameUrl: string, token: string | undefined): Promise<Round> {
  const answer = await callJson(`${gameUrl}/v1/rounds`, { method: 'POST', token });
  const first = parseTarget(answer);
  if (typeof answer.roundId !== 'string' || first === undefined || typeof answer.remaining !== 'number') {
    throw unreadable();
  }
  return { roundId: answer.roundId, first, remaining: answer.remaining };
}

export async function hitCell(
  gameUrl: string,
  token: string | undefined,
  roundId: string,
  hit: { readonly target: number; readonly cell: number },
): Promise<HitAnswer> {
  const url = `${gameUrl}/v1/rounds/${encodeURIComponent(roundId)}/hits`;
  const answer = await callJson(url, { token, body: hit });
  if (typeof answer.hit !== 'boolean' || typeof answer.remaining !== 'number') throw unreadable();
  return {
    hit: answer.hit,
    reactionMs: typeof answer.reactionMs === 'number' ? answer.reactionMs : 0,
    action: parseAction(answer.action),
    next: parseTarget(answer.next),
    remaining: answer.remaining,
  };
}
