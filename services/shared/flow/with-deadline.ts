import { AppError } from '../errors/app-error.ts';

/**
 * Settles with the answer, or refuses when the limit passes first, with DEADLINE_EXCEEDED unless told otherwise. What is under
 * way goes on: giving up is all that its asker does.
 */
export async function withDeadline<Value>(
  answering: Value | PromiseLike<Value>,
  limitMs: number,
  onTimeout: () => AppError = () => new AppError('DEADLINE_EXCEEDED'),
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(onTimeout()), Math.max(0, limitMs));
  });
  try {
    return await Promise.race([answering, limit]);
  } finally {
    clearTimeout(timer);
  }
}
