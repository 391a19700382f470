/** Inputs for the sockets of a fan-out node: what a handshake may ask for, and what a client may say. */
import fc from 'fast-check';
import { frame, handshake, OPCODE } from '../support/clients/raw-socket.ts';
import type { Corpus } from './http-inputs.ts';
import { anyBytes, damaged, headerValue, oddString, oddValue } from './odd-values.ts';

export interface SocketInput {
  readonly opening: string;
  /** What is said once the socket is open, byte for byte. */
  readonly frames: readonly Buffer[];
}

/** Fewer than the node allows at once, so that all of them are read. */
const MESSAGES_PER_SOCKET = 15;

function handshakes({ tokens }: Corpus): fc.Arbitrary<string> {
  const token = fc.constantFrom(...tokens);
  const protocols = fc.oneof(
    { weight: 3, arbitrary: fc.constant('scoreboard.v1') },
    { weight: 1, arbitrary: fc.constant('scoreboard.v1.proto') },
    { weight: 2, arbitrary: token.map((text) => `scoreboard.v1, bearer.${text}`) },
    { weight: 1, arbitrary: headerValue.map((text) => `scoreboard.v1, bearer.${text}`) },
    { weight: 1, arbitrary: headerValue },
  );
  const position = fc
    .tuple(oddValue, oddValue)
    .map((pair) => pair.map((value) => encodeURIComponent(JSON.stringify(value) ?? '')))
    .map(([epoch = '', seq = '']) => `?epoch=${epoch.slice(0, 500)}&seq=${seq.slice(0, 500)}`);
  const query = fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: position });
  const origin = fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: headerValue },
  );
  return fc.tuple(protocols, query, origin).map(([protocol, text, page]) =>
    handshake(`/live${text}`, {
      'Sec-WebSocket-Protocol': protocol,
      ...(page !== undefined && { Origin: page }),
    }),
  );
}

function messages({ tokens }: Corpus): fc.Arbitrary<Buffer> {
  const type = fc.constantFrom('subscribe', 'unsubscribe', 'authenticate', 'ping');
  const board = fc.constantFrom('global', 'weekly', 'x');
  const token = fc.oneof(fc.constantFrom(...tokens), oddString);
  const value = fc.oneof(oddValue, board, token, fc.nat(), fc.array(oddString, { maxLength: 8 }));
  const fields = fc.dictionary(
    fc.constantFrom('leaderboard', 'epoch', 'seq', 'size', 'players', 'token', 'x', '__proto__'),
    value,
    {
      maxKeys: 3,
    },
  );
  const whole = fc
    .tuple(fc.oneof({ weight: 6, arbitrary: type }, oddValue), fields)
    .map(([kind, more]) => Buffer.from(JSON.stringify({ type: kind, ...more })));
  return fc.oneof({ weight: 6, arbitrary: whole }, { weight: 2, arbitrary: damaged(whole) }, anyBytes);
}

/** Mostly whole text frames, since a wrong one ends the socket. */
function frames(corpus: Corpus): fc.Arbitrary<Buffer> {
  const payload = messages(corpus);
  const text = payload.map((bytes) =>
    frame({ opcode: OPCODE.TEXT, payload: Buffer.from(bytes.toString('utf8')) }),
  );
  const wild = fc
    .record({
      opcode: fc.nat({ max: 15 }),
      fin: fc.boolean(),
      reserved: fc.constantFrom(0, 0, 0, 1, 4),
      masked: fc.boolean(),
      payload,
    })
    .map(frame);
  return fc.oneof(
    { weight: 30, arbitrary: text },
    { weight: 1, arbitrary: wild },
    { weight: 1, arbitrary: damaged(text) },
  );
}

export function socketInputs(corpus: Corpus): fc.Arbitrary<SocketInput> {
  return fc.record({
    opening: handshakes(corpus),
    frames: fc.array(frames(corpus), { minLength: 1, maxLength: MESSAGES_PER_SOCKET }),
  });
}
