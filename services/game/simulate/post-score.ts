/**
 * Sends one action to the edge by the documented rule: unchanged, again and again while the answer says that it may still
 * count, until it is accepted, refused for good, or given up. Connections are kept and bounded.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EarnedAction } from './crowd.ts';

export type Sent =
  | { readonly accepted: true /** Of the answer that counted. */; readonly latencyMs: number }
  | { readonly accepted: false; readonly reason: string };

export interface ScorePoster {
  /** Never rejects. Stops retrying when the signal aborts. */
  post(action: EarnedAction, signal: AbortSignal): Promise<Sent>;
  close(): void;
}

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
/** With the waits below some ten seconds: longer than a restart of any one process. */
const MAX_TRIES = 8;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 3_000;
/** Connections, each with one request under way: as many as there are actions at once, so none waits for one. */
const MAX_CONNECTIONS = 256;
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** An answer has some 100 bytes. */
const MAX_ANSWER_LENGTH = 16 * 1024;

export function createScorePoster({ edgeUrl, leaderboard, random }: ScorePosterOptions): ScorePoster {
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
        signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
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
    async post(action, signal) {
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
    close: () => agent.destroy(),
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
        // A date, which HTTP allows as well, is none of ours.
        const retryAfterS = Number(response.headers['retry-after'] ?? 0) || 0;
        resolve({ status: response.statusCode ?? 0, retryAfterS, text });
      });
    });
    request.end(body);
  });
}

/** The stable word of a refusal. */
function reasonOf(answer: Answer | undefined): string {
  if (answer === undefined) return 'NETWORK';
  try {
    const { reason } = JSON.parse(answer.text) as { reason?: unknown };
    if (typeof reason === 'string') return reason;
  } catch {
    // Not one of ours: the status has to do.
  }
  return `HTTP_${answer.status}`;
}
