/**
 * One HTTP request and its answer. It copies the request's head while uWebSockets.js lends it, never touches the response
 * after the client has gone, and writes each answer in one piece.
 */
import { randomInt } from 'node:crypto';
import { type AppError, toAppError } from '../../../services/shared/errors/app-error.ts';
import { type HttpStatus, statusLine } from '../../../services/shared/errors/http-status.ts';
import { answerError, type HeaderList } from '../../../services/shared/http/error-answer.ts';
import { assertFraming, isRequestId, parseHostHeader } from '../../../services/shared/http/request-head.ts';
import {
  type HttpRequest,
  type HttpResponse,
  type RequestHeaders,
  readHeaders,
} from '../../../services/shared/http/uws.ts';
import type { Client, HeaderLookup } from '../../../services/shared/net/client-address.ts';
import type { Hop } from '../../../services/shared/net/forwarded-hops.ts';
import { readWholeBody } from './read-body.ts';
import type { RequestCounts } from './request-counts.ts';

/** Shared by all exchanges of one server. */
export interface ExchangeContext {
  /** Whether answers close their connections: the server drains, or has too many. */
  readonly endsConnections: boolean;
  /** Access-Control headers for a page of this origin. */
  corsHeaders(origin: string): HeaderList;
  client(response: HttpResponse, header: HeaderLookup): Client;
  nextRequestId(): string;
  /** Called once, when the whole answer was written or the client has gone. */
  onEnd(): void;
  readonly counts: RequestCounts;
}

const NONE: HeaderList = [];
/** An answer that does not have it must not be stored. */
export const CACHE_CONTROL = 'Cache-Control';
export const ANY_ORIGIN: HeaderList = [['Access-Control-Allow-Origin', '*']];

/** One in so many answers that need no body, chosen at random, has one or closes its connection. */
const BODY_ONE_IN = 64;

/**
 * Decides whether an answer that needs no body goes without one. uWebSockets.js reports whether the client reads an answer
 * only if it has a body, so that a client that reads nothing can make us buffer at most some dozen heads.
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
  /** The client's address in its canonical form. */
  readonly address: string;
  /** What our proxy reports about the client's request; undefined if no trusted proxy passed it on. */
  readonly hop: Hop | undefined;
  readonly authorization: string;
  readonly contentType: string;
  readonly origin: string;
  /** The host of the request, without its port; set by `checkHead`. */
  host = '';
  /** The path as it is registered; undefined if there is no such route. */
  route: string | undefined;
  /** The part of the path that varies; empty if the route has none. */
  part = '';
  /** Access-Control headers of the answer. */
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
    this.requestId = isRequestId(givenId) ? givenId : context.nextRequestId();
    const { address, hop } = context.client(response, (name) => this.header(name));
    this.address = address;
    this.hop = hop;
    response.onAborted(() => {
      this.#gone = true;
      this.#abort?.abort();
      this.#end();
    });
  }

  /** A request header, with all its lines; empty if absent. */
  header(lowerCaseName: string): string {
    return this.#headers.get(lowerCaseName) ?? '';
  }

  /** Returns REQUEST_INVALID for a bad head. The answer then closes the connection: the next request's start is unknown. */
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

  /** Aborts when the client closes the connection. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#gone) this.#abort.abort();
    return this.#abort.signal;
  }

  /** Reads the whole body, or refuses with BODY_TOO_LARGE. Must be called before the handler's first await. */
  readBody(limitBytes: number): Promise<Buffer> {
    return readWholeBody(this.#response, limitBytes, () => {
      this.#cutOff = true;
    });
  }

  /** Writes the whole answer; does nothing if the client has gone. Without a Cache-Control header it must not be stored. */
  send(status: HttpStatus, body: string | Uint8Array, contentType: string, headers: HeaderList = NONE): void {
    if (this.#gone || this.#answered) return;
    this.#answered = true;
    this.#context.counts.answered(status, this.route);
    this.#response.cork(() => {
      const response = this.#response.writeStatus(statusLine(status));
      response.writeHeader('X-Request-Id', this.requestId);
      if (contentType !== '') {
        response.writeHeader('Content-Type', contentType);
        response.writeHeader('X-Content-Type-Options', 'nosniff');
      }
      let isCacheable = false;
      for (const [name, value] of headers) {
        if (name === CACHE_CONTROL) isCacheable = true;
        response.writeHeader(name, value);
      }
      if (!isCacheable) response.writeHeader(CACHE_CONTROL, 'no-store');
      for (const [name, value] of this.corsHeaders) response.writeHeader(name, value);
      const close = this.#cutOff || this.#context.endsConnections;
      if (status === 304) this.#writeNoBody(undefined, close);
      else if (this.method === 'HEAD') this.#writeNoBody(Buffer.byteLength(body), close || !mayLackBody());
      else if (close) this.#writeLast(body);
      else this.#write(body);
    });
  }

  /**
   * Hands bytes to the kernel only as fast as it takes them, so that a client that does not read can't make us buffer. A
   * further request on the connection before the answer is complete closes it.
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

  /** Closes the connection after the answer, so at most this one is buffered. */
  #writeLast(body: string | Uint8Array): void {
    this.#response.end(body, true);
    this.#end();
  }

  #writeNoBody(length: number | undefined, close: boolean): void {
    if (close) {
      // Only here: given a length, uWebSockets.js waits for that many bytes and closes the connection on the next request.
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

  json(status: HttpStatus, body: string | Uint8Array, headers: HeaderList = NONE): void {
    this.send(status, body, 'application/json', headers);
  }

  /** Answers with a refusal in the one error shape. */
  refuse(error: AppError, headers: HeaderList = NONE): void {
    const answer = answerError(error);
    this.refuseWith(error, answer.body, [...answer.headers, ...headers]);
  }

  /** Answers with a refusal in the shape of a protocol. */
  refuseWith(error: AppError, body: string, headers: HeaderList): void {
    this.countRefusal(error);
    this.json(answerError(error).status, body, headers);
  }

  /** For a refusal inside an answer of another status. */
  countRefusal({ reason }: AppError): void {
    if (!this.#gone && !this.#answered) this.#context.counts.refused(reason);
  }
}
