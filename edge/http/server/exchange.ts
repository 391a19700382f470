/**
 * One HTTP request and its answer. Copies what is needed while uWebSockets.js still lets us, never touches the response
 * after the client has gone, and writes each answer in one piece.
 */
import { randomInt } from 'node:crypto';
import { AppError, toAppError } from '../../../services/shared/errors/app-error.ts';
import { type HttpStatus, statusLine } from '../../../services/shared/errors/http-status.ts';
import { assertFraming, parseHostHeader } from '../../../services/shared/http/request-head.ts';
import {
  type HttpRequest,
  type HttpResponse,
  type RequestHeaders,
  readHeaders,
} from '../../../services/shared/http/uws.ts';
import { describeError } from './error-response.ts';

export type HeaderList = ReadonlyArray<readonly [string, string]>;

/** What all exchanges of one server share. */
export interface ExchangeContext {
  /** True while answers end their connections: the server drains, or has too many. */
  readonly endsConnections: boolean;
  /** Access-Control headers for a page of this origin. */
  corsHeaders(origin: string): HeaderList;
  /** The client's address, in one spelling. */
  clientAddress(response: HttpResponse, forwardedFor: () => string): string;
  nextRequestId(): string;
  /** Called once, when the whole answer is written or the client has gone. */
  onEnd(): void;
}

const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** A client that sends more than this beyond the limit is cut off rather than heard to the end. */
const DISCARD_LIMIT_BYTES = 16 * 1024 * 1024;

const NONE: HeaderList = [];
const NO_STORE: HeaderList = [['Cache-Control', 'no-store']];
export const ANY_ORIGIN: HeaderList = [['Access-Control-Allow-Origin', '*']];

/** Of so many answers without a body one, by chance, has one all the same or ends its connection. */
const BODY_ONE_IN = 64;

/**
 * Only of an answer with a body does uWebSockets.js tell whether the client reads it. Asked before each answer that could do
 * without; what a client that reads nothing can heap up is then some dozen heads.
 */
export function mayLackBody(): boolean {
  return randomInt(BODY_ONE_IN) !== 0;
}

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
  /** The host that was asked, without its port; known once the head was checked. */
  host = '';
  /** Who may read the answer in a browser. */
  corsHeaders: HeaderList;
  #response: HttpResponse;
  #headers: RequestHeaders;
  #context: ExchangeContext;
  #abort: AbortController | undefined;
  #gone = false;
  #answered = false;
  #ended = false;
  #cutOff = false;

  constructor(response: HttpResponse, request: HttpRequest, context: ExchangeContext) {
    this.#response = response;
    this.#headers = readHeaders(request);
    this.#context = context;
    this.method = request.getCaseSensitiveMethod();
    this.path = request.getUrl();
    this.query = request.getQuery();
    this.authorization = this.header('authorization');
    this.contentType = this.header('content-type');
    this.origin = this.header('origin');
    this.corsHeaders = this.origin === '' ? NONE : context.corsHeaders(this.origin);
    const givenId = this.header('x-request-id');
    this.requestId = givenId !== '' && REQUEST_ID.test(givenId) ? givenId : context.nextRequestId();
    this.address = context.clientAddress(response, () => this.header('x-forwarded-for'));
    response.onAborted(() => {
      this.#gone = true;
      this.#abort?.abort();
      this.#end();
    });
  }

  /** A request header, all lines of it; empty when absent. */
  header(lowerCaseName: string): string {
    return this.#headers.get(lowerCaseName) ?? '';
  }

  /** REQUEST_INVALID when the head is; the answer then ends the connection, since where its next request begins is unknown. */
  checkHead(): AppError | undefined {
    try {
      assertFraming(this.#headers);
      this.host = parseHostHeader(this.#headers.get('host'));
      return undefined;
    } catch (thrown) {
      this.#cutOff = true;
      return toAppError(thrown);
    }
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
      // One buffer for all pieces: many small ones would take far more room than the limit says.
      let kept: Buffer | undefined;
      let size = 0;
      this.#response.onData((chunk, isLast) => {
        const start = size;
        size += chunk.byteLength;
        this.#cutOff = size > limitBytes + DISCARD_LIMIT_BYTES;
        if (size > limitBytes) {
          if (isLast || this.#cutOff) reject(new AppError('BODY_TOO_LARGE'));
          return;
        }
        // The chunk's memory is taken back when this returns.
        const piece = new Uint8Array(chunk);
        if (isLast && start === 0) {
          resolve(Buffer.from(piece));
          return;
        }
        kept ??= Buffer.allocUnsafe(limitBytes);
        kept.set(piece, start);
        if (isLast) resolve(kept.subarray(0, size));
      });
    });
  }

  /** Writes the whole answer; does nothing when the client has gone. */
  send(status: HttpStatus, body: string | Uint8Array, contentType: string, headers: HeaderList = NONE): void {
    if (this.#gone || this.#answered) return;
    this.#answered = true;
    this.#response.cork(() => {
      const response = this.#response.writeStatus(statusLine(status));
      response.writeHeader('X-Request-Id', this.requestId);
      if (contentType !== '') {
        response.writeHeader('Content-Type', contentType);
        response.writeHeader('X-Content-Type-Options', 'nosniff');
      }
      for (const [name, value] of headers) response.writeHeader(name, value);
      for (const [name, value] of this.corsHeaders) response.writeHeader(name, value);
      const close = this.#cutOff || this.#context.endsConnections;
      if (status === 304) this.#writeNoBody(undefined, close);
      else if (this.method === 'HEAD') this.#writeNoBody(Buffer.byteLength(body), close || !mayLackBody());
      else if (close) this.#writeLast(body);
      else this.#write(body);
    });
  }

  /**
   * Nothing of an answer waits in our memory for a client that does not read: what the kernel does not take now is written when
   * it takes more. A request that comes on this connection before that ends it.
   */
  #write(body: string | Uint8Array): void {
    const [, isWhole] = this.#response.tryEnd(body, Buffer.byteLength(body));
    if (isWhole) {
      this.#end();
      return;
    }
    const bytes = Buffer.from(body);
    this.#response.onWritable((offset) => {
      const [isTaken, isWholeNow] = this.#response.tryEnd(bytes.subarray(offset), bytes.length);
      if (isWholeNow) this.#end();
      return isTaken;
    });
  }

  /** The connection ends with this answer, so at most this one waits. */
  #writeLast(body: string | Uint8Array): void {
    this.#response.end(body, true);
    this.#end();
  }

  #writeNoBody(length: number | undefined, close: boolean): void {
    if (close) {
      // Told a length, uWebSockets.js waits for that many bytes, and ends the connection when a request comes instead.
      this.#response.endWithoutBody(length ?? 0, true);
    } else {
      if (length !== undefined) this.#response.writeHeader('Content-Length', String(length));
      this.#response.endWithoutBody();
    }
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#context.onEnd();
  }

  /** A JSON answer that is true only now. */
  json(status: HttpStatus, body: string | Uint8Array, headers: HeaderList = NONE): void {
    this.send(status, body, 'application/json', headers === NONE ? NO_STORE : [...headers, ...NO_STORE]);
  }

  /** Answers with a refusal in the one error shape. */
  refuse(error: AppError, headers: HeaderList = NONE): void {
    const described = describeError(error);
    this.json(described.status, described.body, [...described.headers, ...headers]);
  }
}
