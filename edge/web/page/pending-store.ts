/** Keeps unanswered actions on this device, so that earned points are not lost with the page or the tab. */
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
  else localStorage.setItem(keyFor(userId), JSON.stringify(actions));
}

export function forgetPending(userId: string): void {
  localStorage.removeItem(keyFor(userId));
}

export function pendingOf(userId: string): SignedAction[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(keyFor(userId)) ?? '[]');
    return Array.isArray(stored) ? stored.filter(isSignedAction) : [];
  } catch {
    return [];
  }
}
