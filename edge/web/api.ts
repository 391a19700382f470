/** Calls to the edge and to the game server. A refusal is an ApiError with the server's stable reason; silence is one too. */

/** Longest wait for an answer: the edge gives up after 1.5 s itself. */
const CALL_LIMIT_MS = 4_000;

/** No answer, at a limit, away, or too late; 502 is how a proxy says "away". A bug (500) is not cured by more of the same. */
const RETRYABLE: ReadonlySet<number> = new Set([0, 429, 502, 503, 504]);

export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** The HTTP status; 0 when there was no answer at all. */
  readonly status: number;
  /** Stable UPPER_SNAKE word; NETWORK when there was no answer. */
  readonly reason: string;
  /** The server's wish, from Retry-After; 0 when it has none. */
  readonly retryAfterMs: number;

  constructor(status: number, reason: string, message: string, retryAfterMs = 0) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }

  /** The same call, unchanged, can still succeed: the documented rule, and nothing beyond it. */
  get retryable(): boolean {
    return RETRYABLE.has(this.status);
  }
}

export type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
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

/** One JSON call. A body makes it a POST, unless said otherwise. */
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
    throw new ApiError(0, 'NETWORK', 'There was no answer. Check the connection and try again.');
  }
}
