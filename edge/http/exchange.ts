/**
 * One HTTP request and its answer. Copies what is needed while uWebSockets.js still lets us, never touches the response
 * after the client has gone, and writes each answer in one piece.
 */
import { AppError } from '../../services/shared/app-error.ts';
import type { HttpRequest, HttpResponse } from '../../services/shared/uws.ts';
import { describeError } from './error-response.ts';

export type HeaderList = ReadonlyArray<readonly [string, string]>;

/** What all exchanges of one server share. */
export interface ExchangeContext {
  /** True while answers end their connections: the server drains, or has too many. */
  readonly endsConnections: boolean;
  /** Access-Control headers for a page of this origin. */
  corsHeaders(origin: string): HeaderList;
  /** The client's address, in one spelling. */
  clientAddress(response: HttpResponse, request: HttpRequest): string;
  nextRequestId(): string;
  /** Called once, when the answer is written or the client has gone. */
  onEnd(): void;
}

/** Reason phrases of the statuses that we send. */
const STATUS_LINES: Readonly<Record<number, string>> = {
  200: '200 OK',
  204: '204 No Content',
  304: '304 Not Modified',
  400: '400 Bad Request',
  401: '401 Unauthorized',
  403: '403 Forbidden',
  404: '404 Not Found',
  405: '405 Method Not Allowed',
  409: '409 Conflict',
  413: '413 Content Too Large',
  415: '415 Unsupported Media Type',
  429: '429 Too Many Requests',
  500: '500 Internal Server Error',
  501: '501 Not Implemented',
  503: '503 Service Unavailable',
  504: '504 Gateway Timeout',
};

const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** A client that sends more than this beyond the limit is cut off rather than heard to the end. */
const DISCARD_LIMIT_BYTES = 16 * 1024 * 1024;

const NONE: HeaderList = [];
const NO_STORE: HeaderList = [['Cache-Control', 'no-store']];
export const ANY_ORIGIN: HeaderList = [['Access-Control-Allow-Origin', '*']];

export class Exchange {
  readonly method: string;
  /** As sent, without the query. */
  readonly path: string;
  /** Without the question mark; empty when there is none. */
  readonly query: string;
  readonly requestId: string;
  readonly address: string;
  readonly authorization: string;
  readonly contentType: string;
  readonly origin: string;
  /** Who may read the answer in a browser. */
  corsHeaders: HeaderList;
  #response: HttpResponse;
  #request: HttpRequest | undefined;
  #context: ExchangeContext;
  #abort: AbortController | undefined;
  #gone = false;
  #answered = false;
  #cutOff = false;

  constructor(response: HttpResponse, request: HttpRequest, context: ExchangeContext) {
    this.#response = response;
    this.#request = request;
    this.#context = context;
    this.method = request.getCaseSensitiveMethod();
    this.path = request.getUrl();
    this.query = request.getQuery();
    this.authorization = request.getHeader('authorization');
    this.contentType = request.getHeader('content-type');
    this.origin = request.getHeader('origin');
    this.corsHeaders = this.origin === '' ? NONE : context.corsHeaders(this.origin);
    const givenId = request.getHeader('x-request-id');
    this.requestId = givenId !== '' && REQUEST_ID.test(givenId) ? givenId : context.nextRequestId();
    this.address = context.clientAddress(response, request);
    response.onAborted(() => {
      this.#gone = true;
      this.#abort?.abort();
      if (!this.#answered) context.onEnd();
    });
  }

  /** A request header, empty when absent; only until the handler first waits. */
  header(lowerCaseName: string): string {
    if (this.#request === undefined) throw new Error('the request was read after its handler had waited');
    return this.#request.getHeader(lowerCaseName);
  }

  /** The memory behind the request is about to be used again. */
  release(): void {
    this.#request = undefined;
  }

  /** Aborts when the client goes away. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#gone) this.#abort.abort();
    return this.#abort.signal;
  }

  /**
   * The whole body; must be called before the handler first waits. Refuses with BODY_TOO_LARGE, but only once the client
   * has finished: one that is still sending often misses an early answer.
   */
  readBody(limitBytes: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const parts: Buffer[] = [];
      let size = 0;
      this.#response.onData((chunk, isLast) => {
        size += chunk.byteLength;
        this.#cutOff = size > limitBytes + DISCARD_LIMIT_BYTES;
        if (size > limitBytes) {
          if (isLast || this.#cutOff) reject(new AppError('BODY_TOO_LARGE'));
          return;
        }
        // The chunk's memory is taken back when this returns.
        const part = Buffer.from(new Uint8Array(chunk));
        if (!isLast) parts.push(part);
        else resolve(parts.length === 0 ? part : Buffer.concat([...parts, part]));
      });
    });
  }

  /** Writes the whole answer; does nothing when the client has gone. */
  send(status: number, body: string | Uint8Array, contentType: string, headers: HeaderList = NONE): void {
    if (this.#gone || this.#answered) return;
    this.#answered = true;
    const close = this.#cutOff || this.#context.endsConnections;
    this.#response.cork(() => {
      const response = this.#response.writeStatus(STATUS_LINES[status] ?? String(status));
      response.writeHeader('X-Request-Id', this.requestId);
      if (contentType !== '') {
        response.writeHeader('Content-Type', contentType);
        response.writeHeader('X-Content-Type-Options', 'nosniff');
      }
      for (const [name, value] of headers) response.writeHeader(name, value);
      for (const [name, value] of this.corsHeaders) response.writeHeader(name, value);
      const isEmpty = status === 204 || status === 304;
      if (!isEmpty && this.method !== 'HEAD') {
        response.end(body, close);
        return;
      }
      // Told a length itself, endWithoutBody waits for that many bytes and ends the connection at the next request.
      if (!isEmpty) response.writeHeader('Content-Length', String(Buffer.byteLength(body)));
      // Nor can it end the connection in that form, so the client is asked to.
      if (close) response.writeHeader('Connection', 'close');
      response.endWithoutBody();
    });
    this.#context.onEnd();
  }

  /** A JSON answer that is true only now. */
  json(status: number, body: string | Uint8Array, headers: HeaderList = NONE): void {
    this.send(status, body, 'application/json', headers === NONE ? NO_STORE : [...headers, ...NO_STORE]);
  }

  /** Answers with a refusal in the one error shape. */
  refuse(error: AppError, headers: HeaderList = NONE): void {
    const described = describeError(error);
    this.json(described.status, described.body, [...described.headers, ...headers]);
  }
}
