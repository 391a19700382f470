/** The one stream: its limits, and the deployment that it belongs to, which its description names. */
import { type DeploymentId, ForeignServerError } from '../deployment.ts';
import type { NatsNames } from '../names.ts';
import {
  DiscardPolicy,
  ErrorCode,
  type JetStreamManager,
  NatsError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from './nats.ts';

/** Events carry state, so a reader never needs old ones. An hour is kept for diagnosis. */
const STREAM_MAX_AGE_NS = 60 * 60 * 1_000_000_000;
const STREAM_MAX_BYTES = 256 * 1024 * 1024;
/** The server drops repeats of a batch id within this window. Later repeats are harmless. */
const DUPLICATE_WINDOW_NS = 2 * 60 * 1_000_000_000;

/** The required configuration of the stream. An operator may set larger limits. */
const STREAM = {
  // Every fan-out node reads every event, and a full stream must keep the newest.
  retention: RetentionPolicy.Limits,
  discard: DiscardPolicy.Old,
  storage: StorageType.File,
  max_age: STREAM_MAX_AGE_NS,
  max_bytes: STREAM_MAX_BYTES,
  duplicate_window: DUPLICATE_WINDOW_NS,
};
/** The stream does not exist. */
export const STREAM_NOT_FOUND = 10_059;

/** The stream exists with a configuration that does not suffice and that we can't change: only an operator can. */
export class StreamUnfitError extends Error {
  override readonly name = 'StreamUnfitError';
}

/** The stream of a deployment, and where it is. */
export interface ScoreStream {
  readonly names: NatsNames;
  readonly deployment: DeploymentId;
  /** The addresses of NATS for messages, without passwords. */
  readonly at: string;
}

/**
 * Creates the stream if it is missing, so that a server without data recovers by itself, and changes a configuration that does not
 * suffice. Rejects with ForeignServerError if the stream belongs to another deployment or product, and with StreamUnfitError if
 * the server refuses a change.
 */
export async function ensureScoreStream(manager: JetStreamManager, stream: ScoreStream): Promise<void> {
  const { names, deployment } = stream;
  const config = await readStream(manager, names);
  if (config === undefined) {
    const description = describeOwner(deployment);
    await manager.streams.add({ name: names.stream, subjects: [names.subject('*')], description, ...STREAM });
    return;
  }
  refuseForeign(config, stream);
  const changes = { ...changesNeeded(config, names), ...adopted(config, deployment) };
  if (Object.keys(changes).length === 0) return;
  try {
    await manager.streams.update(names.stream, { ...config, ...changes });
  } catch (cause) {
    // A server that does not answer has not refused.
    if (!(cause instanceof NatsError) || cause.api_error === undefined) throw cause;
    throw new StreamUnfitError(
      `run "nats stream rm ${names.stream}" (it is created again, and nothing is lost): the stream's ${Object.keys(changes).join(', ')} can not be changed as required: ${cause.message}`,
      { cause },
    );
  }
}

/**
 * Rejects with ForeignServerError if the stream belongs to another deployment. For users of NATS who only publish or read: a
 * missing stream is created by score, and a user who may not look at it is told nothing.
 */
export async function checkScoreStream(manager: JetStreamManager, stream: ScoreStream): Promise<void> {
  const config = await readStream(manager, stream.names).catch((error: unknown) => {
    if (error instanceof NatsError && error.code === ErrorCode.PermissionsViolation) return undefined;
    throw error;
  });
  if (config !== undefined) refuseForeign(config, stream);
}

/** Removes a stream that belongs to another deployment. For a NATS that is ours alone. Resolves with whether there was one. */
export async function removeForeignStream(manager: JetStreamManager, stream: ScoreStream): Promise<boolean> {
  const config = await readStream(manager, stream.names);
  const owner = config && ownerOf(config);
  if (owner === undefined || owner === stream.deployment) return false;
  return manager.streams.delete(stream.names.stream);
}

async function readStream(manager: JetStreamManager, names: NatsNames): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(names.stream)).config;
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.err_code === STREAM_NOT_FOUND) return undefined;
    throw error;
  }
}

const OWNER = /scoreboard deployment ([0-9a-f-]{36})/;
const describeOwner = (deployment: DeploymentId) => `scoreboard deployment ${deployment}`;

/** The deployment that the stream belongs to; undefined for one that was created before deployments had an identity. */
export function ownerOf({ description }: Pick<StreamConfig, 'description'>): string | undefined {
  return OWNER.exec(description ?? '')?.[1];
}

/** Exported for readers of the stream, who have its configuration anyway. */
export function refuseForeign(config: StreamConfig, { names, deployment, at }: ScoreStream): void {
  const owner = ownerOf(config);
  const isOurs = owner === undefined ? config.subjects?.includes(names.subject('*')) : owner === deployment;
  if (isOurs === true) return;
  const who = owner === undefined ? 'another product' : `deployment ${owner}`;
  throw new ForeignServerError(
    `the stream ${names.stream} in NATS at ${at} belongs to ${who}, and this is deployment ${deployment}: set NAMESPACE to another name, or, if the other one is gone, run "nats stream rm ${names.stream}"`,
  );
}

/** The description of a stream without an owner, with us as its owner. */
function adopted(config: StreamConfig, deployment: DeploymentId): Partial<StreamConfig> {
  if (ownerOf(config) !== undefined) return {};
  const words = [config.description, describeOwner(deployment)];
  return { description: words.filter((text) => text !== undefined && text !== '').join('; ') };
}

/** The changes that a stream needs to take, keep and deliver every event. Exported for its tests. */
export function changesNeeded(config: StreamConfig, names: NatsNames): Partial<StreamConfig> {
  const changes: Partial<StreamConfig> = {};
  const isAtLeast = (value: number, needed: number) => value <= 0 || value >= needed;
  const subject = names.subject('*');
  if (!config.subjects?.includes(subject)) changes.subjects = [subject];
  if (config.retention !== STREAM.retention) changes.retention = STREAM.retention;
  if (config.discard !== STREAM.discard) changes.discard = STREAM.discard;
  if (config.storage !== STREAM.storage) changes.storage = STREAM.storage;
  if (!isAtLeast(config.max_age, STREAM.max_age)) changes.max_age = STREAM.max_age;
  if (!isAtLeast(config.max_bytes, STREAM.max_bytes)) changes.max_bytes = STREAM.max_bytes;
  if (config.duplicate_window < STREAM.duplicate_window) changes.duplicate_window = STREAM.duplicate_window;
  // Other kinds of limits would drop events, or refuse large ones.
  if (config.max_msgs > 0) changes.max_msgs = -1;
  if (config.max_msgs_per_subject > 0) changes.max_msgs_per_subject = -1;
  if (config.max_msg_size > 0) changes.max_msg_size = -1;
  // Without acknowledgements no delivery could be settled.
  if (config.no_ack) changes.no_ack = false;
  return changes;
}
