/** Reads a binary frame into the object that the JSON frame of the same event is. */
import { fromBinary } from '@bufbuild/protobuf';
import { type ServerFrame, ServerFrameSchema } from '../../../gen/scoreboard/live/v1/live_pb.ts';

const EVENTS: Readonly<Record<NonNullable<ServerFrame['frame']['case']>, string>> = {
  snapshot: 'score:snapshot',
  update: 'score:update',
  stale: 'score:stale',
  current: 'score:current',
  players: 'score:players',
  overtaken: 'score:overtaken',
  pong: 'pong',
  authenticated: 'authenticated',
  error: 'error',
};

export function decodeServerFrame(bytes: Uint8Array): unknown {
  const { frame } = fromBinary(ServerFrameSchema, bytes);
  if (frame.case === undefined) throw new Error('a binary frame says nothing');
  const fields = { event: EVENTS[frame.case], ...(toPlain(frame.value) as object) };
  // What JSON says with null, protobuf says with nothing.
  if (frame.case === 'update' && frame.value.version !== undefined) return { rank: null, ...fields };
  return frame.case === 'pong' ? { userId: null, ...fields } : fields;
}

/** Without the names of types, and with numbers where protobuf has 64 bits. */
function toPlain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== 'object' || value === null) return value;
  // A size that is not said is the default one.
  const fields = Object.entries(value).filter(
    ([name, field]) => name !== '$typeName' && !(name === 'size' && field === 0),
  );
  return Object.fromEntries(fields.map(([name, field]) => [name, toPlain(field)]));
}
