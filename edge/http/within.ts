import { AppError } from '../../services/shared/app-error.ts';

/**
 * The answer, or DEADLINE_EXCEEDED when a client's patience ends first. What has been sent goes on: giving up is all that the
 * client asked for.
 */
export function within<Answer>(patienceMs: number, answering: Answer | Promise<Answer>): Promise<Answer> {
  if (!(answering instanceof Promise)) return Promise.resolve(answering);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new AppError('DEADLINE_EXCEEDED')), Math.max(0, patienceMs));
    answering.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
