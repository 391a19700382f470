/**
 * NATS for services that publish events. Scores are accepted and boards served without it, so a service starts without it and
 * publishes as soon as JetStream answers. A connection is not enough: JetStream can be disabled, or its stream deleted or changed,
 * while the server answers. So the service that keeps the stream checks it every two seconds and repairs it where it may. Other
 * services learn of a fault from what they publish.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Deadline } from '../flow/deadline.ts';
import type { Clock } from '../settings/clock.ts';
import type { Secret } from '../settings/secret.ts';
import type { DeploymentId } from '../stores/deployment.ts';
import { natsNames } from '../stores/names.ts';
import { connectNats, type NatsConnection } from '../stores/nats/nats.ts';
import { describeNatsAddresses, type NatsAccess } from '../stores/nats/nats-address.ts';
import {
  describeNatsTrouble,
  isLasting,
  JETSTREAM_DISABLED,
  NOT_CONNECTED,
} from '../stores/nats/nats-trouble.ts';
import { checkScoreStream, ensureScoreStream } from '../stores/nats/score-stream.ts';
import type { Log } from '../telemetry/log.ts';
import type { Projected } from '../values/board.ts';
import { createPublisher, type Publisher } from './publisher.ts';

export type Bus = Awaited<ReturnType<typeof openBus>>;

export interface BusOptions {
  natsUrl: Secret;
  natsAccess?: NatsAccess | undefined;
  namespace: string;
  /** A stream of another deployment is not used. */
  deployment: DeploymentId;
  /** Shown in the server's list of connections. */
  name: string;
  /** Creates the stream and keeps it at our limits. False for a user of NATS that may only publish. */
  keepsStream: boolean;
  clock: Clock;
  log: Log;
}

/** A NATS that works answers long before. One that is away must not delay the start. */
const START_PATIENCE_MS = 2_000;
const CONNECT_AGAIN_MS = 500;
/** One small request in two seconds finds a disabled JetStream within four. */
const LOOK_EVERY_MS = 2_000;
/** Until a look succeeds. */
const LOOK_AGAIN_MS = 1_000;
const LOOK_LIMIT_MS = 2_000;
/** A failed publication is repeated by then, if any event waits. An older fault may be over. */
const PUBLISH_TROUBLE_HOLDS_MS = 10_000;
/** A server that hangs drops its connections now and then, for fewer checks than this. That is still the same fault. */
const LOOKS_UNTIL_GONE = 3;

/**
 * Resolves when the stream exists, or without NATS after a moment. Rejects when NATS refuses us, or the stream is unfit or belongs to
 * another deployment.
 */
export async function openBus(options: BusOptions) {
  const { natsUrl, natsAccess, name, keepsStream, clock, log } = options;
  const stream = {
    names: natsNames(options.namespace),
    deployment: options.deployment,
    at: describeNatsAddresses(natsUrl),
  };
  const closing = new AbortController();
  const opened = Promise.withResolvers<void>();
  let connection: NatsConnection | undefined;
  let publisher: Publisher | undefined;
  let isUsable = false;
  let lookTrouble: string | undefined;
  let publishTrouble: { readonly text: string; readonly atMs: number } | undefined;
  const isConnected = () => publisher?.ready() ?? false;
  const ready = () => isUsable && isConnected();

  function onRefused(error: unknown): void {
    isUsable = false;
    lookTrouble = describeNatsTrouble(error, stream.names.stream);
    log.debug({ err: error }, 'NATS can not be used');
  }

  /** Score creates the stream if it is missing: readers wait for it even before the first event. */
  async function look(nats: NatsConnection): Promise<void> {
    try {
      const manager = await nats.jetstreamManager({ timeout: LOOK_LIMIT_MS, checkAPI: false });
      await (keepsStream ? ensureScoreStream : checkScoreStream)(manager, stream);
      isUsable = true;
      lookTrouble = undefined;
      opened.resolve();
    } catch (error) {
      onRefused(error);
      if (isLasting(error)) opened.reject(error);
    }
  }

  /** Ends when the library gives up the connection, as it does when a server refuses us twice. */
  async function keepLooking(nats: NatsConnection): Promise<void> {
    let missed = 0;
    while (!nats.isClosed()) {
      missed = isConnected() ? 0 : missed + 1;
      if (missed === 0) await look(nats);
      if (missed === LOOKS_UNTIL_GONE) lookTrouble = undefined;
      await delay(ready() ? LOOK_EVERY_MS : LOOK_AGAIN_MS, undefined, { ref: false });
    }
  }

  async function connect(): Promise<NatsConnection> {
    const nats = await connectNats({ ...{ url: natsUrl, ...natsAccess, name, log }, signal: closing.signal });
    connection = nats;
    publisher = createPublisher({ nats, stream, clock, keepsStream });
    if (closing.signal.aborted) await nats.close();
    return nats;
  }

  /** Tries for as long as the service runs: a server that refuses our user may have its users corrected later. */
  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await keepLooking(await connect());
      } catch (error) {
        onRefused(error);
        opened.reject(error);
      }
      await delay(CONNECT_AGAIN_MS, undefined, { signal: closing.signal }).catch(ignoreAbort);
    }
  }

  async function close(): Promise<void> {
    closing.abort();
    await connection?.close();
  }

  void run();
  try {
    await Deadline.after(START_PATIENCE_MS).race(opened.promise, () => {});
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ready,
    /** Why events can't be published; undefined while they can. */
    trouble(): string | undefined {
      if (!ready()) return lookTrouble ?? (isConnected() ? JETSTREAM_DISABLED : NOT_CONNECTED);
      const isRecent = publishTrouble && performance.now() - publishTrouble.atMs < PUBLISH_TROUBLE_HOLDS_MS;
      return isRecent ? publishTrouble?.text : undefined;
    },
    async publish(batchId: string, projected: Projected, ageMs = 0): Promise<void> {
      if (publisher === undefined) throw new Error('NATS was never connected');
      try {
        await publisher.publish(batchId, projected, ageMs);
        publishTrouble = undefined;
      } catch (error) {
        publishTrouble = { text: describeNatsTrouble(error, stream.names.stream), atMs: performance.now() };
        throw error;
      }
    },
    /** Closes the connection. A publication under way gets no acknowledgement. */
    close,
  };
}

function ignoreAbort(): void {}
