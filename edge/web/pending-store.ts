/** Actions without an answer, kept over a reload of the tab: what was earned should not depend on a page's life. */
import type { SignedAction } from './score-queue.js';

function keyFor(userId: string): string {
  return `scoreboard.pending.${userId}`;
}

function isSignedAction(value: unknown): value is SignedAction {
  if (typeof value !== 'object' || value === null) return false;
  const { actionId, points, signature } = value as Record<string, unknown>;
  return typeof actionId === 'string' && typeof points === 'number' && typeof signature === 'string';
}

export function keepPending(userId: string, actions: readonly SignedAction[]): void {
  if (actions.length === 0) forgetPending(userId);
  else sessionStorage.setItem(keyFor(userId), JSON.stringify(actions));
}

export function forgetPending(userId: string): void {
  sessionStorage.removeItem(keyFor(userId));
}

export function pendingOf(userId: string): SignedAction[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(keyFor(userId)) ?? '[]');
    return Array.isArray(stored) ? stored.filter(isSignedAction) : [];
  } catch {
    return [];
  }
}
