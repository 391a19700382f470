/** Players that only fill a board: they have scores and names, and no tokens. */
export const FILLER_DIGITS = 8;
export const FILLER_PREFIX = 'filler-';

export function fillerId(index: number): string {
  return FILLER_PREFIX + String(index).padStart(FILLER_DIGITS, '0');
}
