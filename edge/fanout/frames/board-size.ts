/**
 * How much of a board a socket watches: its first 3, 10, 50 or 100 entries. All sockets with one size share its frames. Ten is the
 * size of the boards in events; three are the first of those; more are read from the rank service.
 */
export type BoardSize = 3 | 10 | 50 | 100;

export const DEFAULT_SIZE: BoardSize = 10;
export const SIZES: readonly BoardSize[] = [3, DEFAULT_SIZE, 50, 100];

/** Whether events bring whole boards of this size. */
export const isInEvents = (size: BoardSize): boolean => size <= DEFAULT_SIZE;
