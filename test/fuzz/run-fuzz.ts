/**
 * Sends made-up inputs to every public entry of a running stack and says what came of them. Promises the same inputs for
 * the same seed and corpus. A failure is an answer of the 500s, no answer at all, a process that died, or one that grew.
 */
import { readFileSync } from 'node:fs';
import { openRaw } from '../support/clients/raw-socket.ts';
import type { StackProcesses } from '../support/processes/stack-processes.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Corpus } from './http-inputs.ts';
import { createHttpLanes } from './http-inputs.ts';
import { bytesOf, HANG_LIMIT_MS, type HttpInput, openHttpLine } from './http-line.ts';
import { type LaneInput, madeFor, madeForSockets, seedsOf } from './round.ts';
import { type SocketInput, socketInputs } from './socket-inputs.ts';
import { createTally, type Tally } from './tally.ts';

export interface FuzzOptions {
  stack: StackProcesses;
  corpus: Corpus;
  /** At least; messages and handshakes each count as one. */
  inputs: number;
  seed: number;
  /** Ends early, with what was done by then. */
  limitMs: number;
  say: (line: string) => void;
}

export interface FuzzReport {
  readonly tally: Tally;
  readonly seconds: number;
  /** Resident memory of each process in MiB: when it had warmed up, and at the end. */
  readonly memory: Readonly<Record<string, readonly [warmMib: number, endMib: number]>>;
  /** Processes that are not the ones that were there at the start. */
  readonly restarted: readonly string[];
}

/** Connections to each server: enough to keep two cores busy, too few to be shed. */
const LINES = 32;
const SOCKETS = 16;
/** Caches have filled by then. */
const WARM_SHARE = 0.3;
const UNITS = ['auth', 'score', 'rank', 'edge', 'fanout', 'game'];

const memoryMib = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

export async function runFuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { stack, corpus, inputs, limitMs, say } = options;
  const tally = createTally();
  const pids = pidsOf(stack);
  const memory = () => Object.fromEntries([...pidsOf(stack)].map(([name, pid]) => [name, memoryMib(pid)]));
  const lanes = createHttpLanes(corpus);
  const sockets = socketInputs(corpus);
  const startedAt = performance.now();
  const elapsedMs = () => performance.now() - startedAt;
  let warm: Record<string, number> | undefined;
  let { seed } = options;
  for (let round = 1; tally.inputs < inputs && elapsedMs() < limitMs; round += 1) {
    await Promise.all([
      runHttp(portOf(stack.edgeUrl), madeFor('edge', lanes, seed), tally),
      runHttp(portOf(stack.gameUrl), madeFor('game', lanes, seed), tally),
      runSockets(portOf(stack.fanoutUrl), madeForSockets(sockets, lanes, seed), tally),
    ]);
    seed += seedsOf(lanes);
    const share = Math.max(tally.inputs / inputs, elapsedMs() / limitMs);
    if (share >= WARM_SHARE) warm ??= memory();
    if (round % 5 === 0)
      say(`${tally.inputs} inputs, ${tally.failureCount} failures, ${Math.round(elapsedMs() / 1000)} s`);
  }
  const end = memory();
  const after = pidsOf(stack);
  return {
    tally,
    seconds: elapsedMs() / 1000,
    memory: Object.fromEntries(UNITS.map((name) => [name, [(warm ?? end)[name] ?? 0, end[name] ?? 0]])),
    restarted: [...pids].filter(([name, pid]) => after.get(name) !== pid).map(([name]) => name),
  };
}

function pidsOf(stack: StackProcesses): Map<string, number> {
  const { processes } = stack.stack();
  return new Map(UNITS.map((name) => [name, processes[name]?.pid ?? 0]));
}

const portOf = (url: string) => Number(new URL(url).port);

/** Several workers take from one list until it is empty. */
async function share<Item>(
  items: Generator<Item, undefined>,
  workers: number,
  work: (take: () => Item | undefined) => Promise<void>,
) {
  const take = () => items.next().value;
  await Promise.all(Array.from({ length: workers }, () => work(take)));
}

async function runHttp(port: number, inputs: Generator<LaneInput, undefined>, tally: Tally): Promise<void> {
  await share(inputs, LINES, async (take) => {
    const line = openHttpLine(port);
    for (let next = take(); next !== undefined; next = take()) {
      const { lane, input } = next;
      const shown = () => bytesOf(input).toString('latin1');
      try {
        const { status, text } = await line.ask(input);
        const fault = faultOf(status, text);
        if (fault === undefined || isAskedFor(text, input)) tally.answered(lane.name, String(status));
        else tally.failed(lane.name, fault, shown());
      } catch (error) {
        tally.failed(lane.name, error instanceof Error ? error.message : String(error), shown());
        line.close();
      }
    }
    line.close();
  });
}

/** gRPC-web says in the body what others say in the status: unknown, internal, data loss. */
const GRPC_FAULT = /grpc-status: ?(?:2|13|15)\r\n/;
/** Connect's answer to an encoding that it doesn't know: the client's mistake all the same. */
const NOT_IMPLEMENTED = 501;

/** A 503 or 504 that the client itself asked for: a version that is not there, or less patience than anything takes. */
function isAskedFor(text: string, { headers }: HttpInput): boolean {
  if (text.includes('"VERSION_NOT_REACHED"')) return true;
  return text.includes('"DEADLINE_EXCEEDED"') && headers.some(([name]) => /timeout/i.test(name));
}

function faultOf(status: number, text: string): string | undefined {
  if (status === 0) return 'no answer';
  if (status >= 500 && status !== NOT_IMPLEMENTED)
    return `status ${status} ${text.slice(text.indexOf('\r\n\r\n') + 4)}`;
  return GRPC_FAULT.test(text) ? `gRPC-web ${text.slice(text.indexOf('\r\n\r\n') + 4)}` : undefined;
}

async function runSockets(
  port: number,
  inputs: Generator<SocketInput, undefined>,
  tally: Tally,
): Promise<void> {
  await share(inputs, SOCKETS, async (take) => {
    for (let input = take(); input !== undefined; input = take()) {
      try {
        await runSocket(port, input, tally);
      } catch (error) {
        tally.failed('socket', error instanceof Error ? error.message : String(error), input.opening);
      }
    }
  });
}

const CLOSE = 8;
/** Asks the node to close, so that everything before has been heard when it does. */
const GOODBYE = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);

async function runSocket(port: number, { opening, frames }: SocketInput, tally: Tally): Promise<void> {
  const socket = await openRaw(port, Buffer.from(opening, 'latin1'));
  const status = Number(socket.head.split(' ')[1] ?? 0);
  const fault = faultOf(status, socket.head);
  if (fault === undefined) tally.answered('handshake', String(status));
  else tally.failed('handshake', fault, opening);
  if (status === 101) {
    socket.write(...frames, GOODBYE);
    // A frame that claims to be longer than it is swallows the goodbye.
    socket.tcp.end();
    const ended = () => socket.ended || socket.frames.some(({ opcode }) => opcode === CLOSE);
    await waitFor(() => ended() || undefined, {
      limitMs: HANG_LIMIT_MS,
      describe: 'the end of a socket',
    });
    const code = String(await socket.closed());
    for (const each of frames) tally.answered('message', each.length > 0 ? code : 'empty');
  }
  socket.destroy();
}
