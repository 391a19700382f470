/**
 * One request to the deployment by the retry rule of clients: an answer that permits a retry, and no answer, are followed by the same
 * request until the deadline passes. Rejects with a sentence that names the request and what came instead.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deadline } from '../../shared/flow/deadline.ts';

export interface Question {
  readonly path: string;
  readonly token?: string;
  /** Makes it a POST. */
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined if the answer is no JSON. */
  readonly body: unknown;
}

/** The edge answers or gives up within 1.5 s; a proxy and a distant network need some more. */
const ANSWER_LIMIT_MS = 5_000;
const WAIT_MS = 250;
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** `base` ends with a slash. `statuses` are those that are right. */
export async function ask(
  base: URL,
  question: Question,
  statuses: readonly number[],
  deadline: Deadline,
): Promise<Answer> {
  for (;;) {
    const answer = await askOnce(base, question, deadline).catch((error: unknown) => error as Error);
    if (!(answer instanceof Error) && statuses.includes(answer.status)) return answer;
    const isFinal = !(answer instanceof Error) && !RETRYABLE.has(answer.status);
    const waitMs = answer instanceof Error ? WAIT_MS : waitOf(answer);
    if (isFinal || deadline.remainingMs() <= waitMs) throw new Error(describe(question, statuses, answer));
    await sleep(waitMs);
  }
}

async function askOnce(base: URL, { path, token, body }: Question, deadline: Deadline): Promise<Answer> {
  const response = await fetch(new URL(path, base), {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body }),
    redirect: 'error',
    signal: deadline.within(ANSWER_LIMIT_MS).signal(),
  });
  return { status: response.status, headers: response.headers, body: parsed(await response.text()) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** HTTP also allows a date here, but the edge sends seconds. */
function waitOf({ headers }: Answer): number {
  const seconds = Number(headers.get('retry-after') ?? 0);
  return Math.max(WAIT_MS, seconds > 0 ? seconds * 1_000 : 0);
}

function describe({ path, body }: Question, statuses: readonly number[], answer: Answer | Error): string {
  const asked = `${body === undefined ? 'GET' : 'POST'} ${path}`;
  if (answer instanceof Error) return `${asked}: no answer (${causeOf(answer)})`;
  const reason = (answer.body as { reason?: unknown } | undefined)?.reason;
  const came = typeof reason === 'string' ? `${answer.status} ${reason}` : String(answer.status);
  return `${asked}: answered ${came} instead of ${statuses.join(' or ')}`;
}

/** fetch hides the reason behind "fetch failed". */
function causeOf({ message, cause }: Error): string {
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}
