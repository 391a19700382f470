/**
 * The ordering token of a board. The epoch identifies an incarnation of the rank index and is never used again; `seq` counts the
 * changes of the board's top within it. Boards may arrive in any order, repeated, or lost and sent again. The board with the
 * later position is the newer one.
 *
 * Inside a process a board without a place in this order has the position `undefined`. On the wire that is epoch 0, which no
 * index has. Read a message with `positionFromWire`, write one with `positionToWire`, and compare only with `isAfter` and
 * `isSame`. The numbers are bigint; where a position is part of a JSON frame (fan-out), it is a `Position<number>`.
 */
export interface Position<Count extends bigint | number = bigint> {
  readonly epoch: Count;
  readonly seq: Count;
}

/** Whether `a` is later than `b`: by epoch first, then by seq. Every position is later than none. */
export function isAfter<Count extends bigint | number>(
  a: Position<Count> | undefined,
  b: Position<Count> | undefined,
): boolean {
  if (a === undefined || b === undefined) return a !== undefined;
  return a.epoch === b.epoch ? a.seq > b.seq : a.epoch > b.epoch;
}

export function isSame<Count extends bigint | number>(
  a: Position<Count> | undefined,
  b: Position<Count> | undefined,
): boolean {
  return a?.epoch === b?.epoch && a?.seq === b?.seq;
}

/** The later of two. */
export function latest<Count extends bigint | number>(
  a: Position<Count> | undefined,
  b: Position<Count> | undefined,
): Position<Count> | undefined {
  return isAfter(a, b) ? a : b;
}

const NONE: Position = { epoch: 0n, seq: 0n };

/** The position in a message; undefined when the message has none, or epoch 0. */
export function positionFromWire(message: Position | undefined): Position | undefined {
  if (message === undefined || message.epoch === NONE.epoch) return undefined;
  return { epoch: message.epoch, seq: message.seq };
}

export function positionToWire(position: Position | undefined): Position {
  return position ?? NONE;
}
