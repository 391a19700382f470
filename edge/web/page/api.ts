/** JSON calls to the edge and the game server. A refusal, or no answer, becomes an ApiError with a stable reason. */

/** Longest wait for an answer. The edge gives up after 1.5 s. */
const CALL_LIMIT_MS = 4_000;

/** No answer, over a limit, unavailable or too late; a proxy says 502 for unavailable. A retry does not cure a bug (500). */
const RETRYABLE: ReadonlySet<number> = new Set([0, 429, 502, 503, 504]);

export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** Stable word in UPPER_SNAKE; NETWORK if there was no answer. */
  readonly reason: string;
  /** From Retry-After; 0 if there is none. */
  readonly retryAfterMs: number;

  constructor(status: number, reason: string, message: string, retryAfterMs = 0) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same call, unchanged, can still succeed: the documented retry rule. */
  get retryable(): boolean {
    return RETRYABLE.has(this.status);
  }
}

export type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** A server of ours, or a proxy before it, answered in a form that this page does not know. */
export function unreadableAnswer(server: string): ApiError {
  return new ApiError(
    502,
    'UNKNOWN',
    `${server} sent an answer that this page does not understand. Reload the page.`,
  );
}

function refusal(response: Response, body: Fields): ApiError {
  const seconds = Number(response.headers.get('retry-after') ?? 0);
  return new ApiError(
    response.status,
    typeof body.reason === 'string' ? body.reason : 'UNKNOWN',
    typeof body.message === 'string' ? body.message : `The server answered ${response.status}.`,
    Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0,
  );
}

/** Makes one JSON call: POST if it has a body, GET otherwise, unless `method` says which. */
export async function callJson(
  url: string,
  { method, token, body }: { method?: 'GET' | 'POST'; token?: string | undefined; body?: object } = {},
): Promise<Fields> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  try {
    const response = await fetch(url, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(CALL_LIMIT_MS),
      credentials: 'omit',
    });
    const answer = fieldsOf(await response.json().catch(() => undefined));
    if (!response.ok) throw refusal(response, answer);
    return answer;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(0, 'NETWORK', 'The server did not answer. Check your connection and try again.');
  }
}
