/**
 * Submits one action by the documented retry rule: it repeats the request unchanged while the answer permits a retry, until
 * the action is accepted, refused for good, or given up. Connections are kept alive and limited in number.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deadline } from '../../shared/flow/deadline.ts';
import type { EarnedAction } from './crowd.ts';

export type Sent =
  | { readonly accepted: true /** Of the last try. */; readonly latencyMs: number }
  | { readonly accepted: false; readonly reason: string };

export type ScorePoster = ReturnType<typeof createScorePoster>;

export interface ScorePosterOptions {
  readonly edgeUrl: URL;
  readonly leaderboard: string;
  /** From 0 to below 1. */
  readonly random: () => number;
}

interface Answer {
  readonly status: number;
  readonly retryAfterS: number;
  readonly text: string;
}

/** The edge answers or gives up within 1.5 s. */
const ANSWER_LIMIT_MS = 3_000;
/** With the waits below about ten seconds: longer than any process needs to restart. */
const MAX_TRIES = 8;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 3_000;
/** One connection per concurrent action, so that no action waits for one. */
const MAX_CONNECTIONS = 256;
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** An answer has some 100 bytes. */
const MAX_ANSWER_LENGTH = 16 * 1024;

export function createScorePoster({ edgeUrl, leaderboard, random }: ScorePosterOptions) {
  const url = new URL('/api/v1/score/update', edgeUrl);
  const settings = { keepAlive: true, maxSockets: MAX_CONNECTIONS };
  const isSecure = url.protocol === 'https:';
  const agent = isSecure ? new HttpsAgent(settings) : new HttpAgent(settings);
  const open = isSecure ? httpsRequest : httpRequest;

  function sendOnce({ token, actionId, points, signature }: EarnedAction): Promise<Answer> {
    const body = JSON.stringify({ leaderboard, actionId, points, signature });
    return exchange(
      open(url, {
        method: 'POST',
        agent,
        signal: Deadline.after(ANSWER_LIMIT_MS).signal(),
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      }),
      body,
    );
  }

  function waitMs(tries: number, retryAfterS: number): number {
    const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries);
    return Math.max(retryAfterS * 1000, ceiling * (0.5 + random() / 2));
  }

  return {
    /** Never rejects. Stops retrying when the signal aborts. */
    async post(action: EarnedAction, signal: AbortSignal): Promise<Sent> {
      for (let tries = 1; ; tries += 1) {
        const startedMs = performance.now();
        const answer = await sendOnce(action).catch(() => undefined);
        if (answer?.status === 200) return { accepted: true, latencyMs: performance.now() - startedMs };
        const isWorthRetrying = answer === undefined || RETRYABLE.has(answer.status);
        if (!isWorthRetrying || tries === MAX_TRIES || signal.aborted) {
          return { accepted: false, reason: reasonOf(answer) };
        }
        await sleep(waitMs(tries, answer?.retryAfterS ?? 0), undefined, { signal }).catch(() => undefined);
      }
    },
    close: (): void => agent.destroy(),
  };
}

function exchange(request: ClientRequest, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        if (text.length < MAX_ANSWER_LENGTH) text += part;
      });
      response.on('error', reject);
      response.on('end', () => {
        // HTTP also allows a date here, but the edge sends seconds.
        const retryAfterS = Number(response.headers['retry-after'] ?? 0) || 0;
        resolve({ status: response.statusCode ?? 0, retryAfterS, text });
      });
    });
    request.end(body);
  });
}

/** The stable reason of a refusal. */
function reasonOf(answer: Answer | undefined): string {
  if (answer === undefined) return 'NETWORK';
  try {
    const { reason } = JSON.parse(answer.text) as { reason?: unknown };
    if (typeof reason === 'string') return reason;
  } catch {
    // Not an answer of ours, but of a proxy: the status is all there is.
  }
  return `HTTP_${answer.status}`;
}
