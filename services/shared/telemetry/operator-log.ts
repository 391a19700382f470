/**
 * Log lines of what operators change: who did it from where, what it was before and is after. The log's budget does not apply to
 * them, since a client of the product cannot cause them.
 */
import type { Log } from './log.ts';

/** The caller of a method, or the owner of a changed file. */
export interface Operator {
  /** The service of the key or certificate, such as "cli", or the user of the system who wrote the file. */
  readonly caller: string;
  /** The address that the call came from. */
  readonly peer?: () => string;
}

export type LogOperatorAction = ReturnType<typeof createOperatorLog>;

/** `action` is a constant; what it concerns is in the fields. */
export function createOperatorLog(log: Log) {
  return ({ caller, peer }: Operator, action: string, fields: object): void =>
    log.info({ operator: caller, ...(peer && { from: peer() }), ...fields }, action);
}
