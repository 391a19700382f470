/** Takes one request through a protocol handler, and writes its answer. */
import { createContextValues } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { answerError } from '../../../services/shared/http/error-answer.ts';
import type { Exchange } from '../server/exchange.ts';
import { type Call, callKey } from './call.ts';
import { connectErrorBody, refusalOfStatus, toConnectError } from './connect-errors.ts';
import { chunksOf, protocolHeaders, receive, refusing } from './receive-call.ts';
import { isFault, isGrpcWeb, isRefusedByConnect, readWhole, type WholeAnswer } from './whole-answer.ts';

/** An answer may be about its caller, and compressed as the caller accepts it. */
const VARY: [string, string] = ['Vary', 'Authorization, Accept-Encoding'];

export async function serveCall(handler: UniversalHandler, exchange: Exchange): Promise<void> {
  const { method, path, query } = exchange;
  const call: Call = { exchange, entered: false, refusal: undefined };
  const header = protocolHeaders(exchange);
  const received = method === 'POST' ? await receive(call, header) : chunksOf();
  const ask = async (body: AsyncIterable<Uint8Array>) =>
    readWhole(
      await handler({
        httpVersion: '1.1',
        method: method === 'HEAD' ? 'GET' : method,
        // Connect reads path and query only. The client chose the host, so the host must not decide whether this parses.
        url: `http://edge${path}${query === '' ? '' : `?${query}`}`,
        header,
        body,
        signal: exchange.signal,
        contextValues: createContextValues().set(callKey, call),
      }),
    );
  const response = await ask(received);
  if (call.entered || call.refusal !== undefined || !isFault(response)) {
    answer(call, response);
    return;
  }
  // Connect reports an unreadable message as an internal error. The fault is the client's, so it gets BODY_INVALID.
  call.refusal = new AppError('BODY_INVALID');
  answer(call, isGrpcWeb(response) ? await ask(refusing(toConnectError(call.refusal))) : response);
}

function answer({ exchange, entered, refusal }: Call, response: WholeAnswer): void {
  const { status, header, body } = response;
  // Success, or a gRPC-web answer that carries its error inside.
  if (status < 400) {
    if (refusal !== undefined) exchange.countRefusal(refusal);
    else if (!entered && isRefusedByConnect(response)) exchange.countRefusal(new AppError('BODY_INVALID'));
    const headers: [string, string][] = [VARY];
    header?.forEach((value, name) => {
      if (name !== 'content-type' && name !== 'content-length') headers.push([name, value]);
    });
    exchange.send(200, body, header?.get('content-type') ?? '', headers);
    return;
  }
  const error = refusal ?? refusalOfStatus(status);
  if (refusal === undefined && error.kind === 'internal') {
    throw new Error(`Connect answered ${status}: ${body}`);
  }
  refuse(exchange, error);
}

/** Answers with a refusal in Connect's shape. */
export function refuse(exchange: Exchange, error: AppError): void {
  exchange.refuseWith(error, connectErrorBody(error), [...answerError(error).headers, VARY]);
}
