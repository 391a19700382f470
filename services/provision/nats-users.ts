/**
 * The users of NATS with their rights. Score publishes events and keeps the stream. Rank publishes events and looks at the stream. A
 * fan-out node reads the stream through consumers that it creates, and can neither publish an event nor change the stream. Each
 * user gets answers in an inbox of its own, which no other user can read.
 */
import { DEFAULT_NAMESPACE, natsNames } from '../shared/stores/names.ts';
import { inboxOf } from '../shared/stores/nats/nats.ts';
import { STORE_USERS, type StorePasswords, type StoreUser } from './store-passwords.ts';

interface Rights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const STREAM_API = '$JS.API.STREAM';
const CONSUMER_API = '$JS.API.CONSUMER';

/** `undefined` is the right to everything. */
function rightsIn(namespace: string): Readonly<Record<StoreUser<'nats'>, Rights | undefined>> {
  const { stream, subject } = natsNames(namespace);
  return {
    score: {
      publish: [
        subject('*'),
        '$JS.API.INFO',
        ...['INFO', 'CREATE', 'UPDATE'].map((act) => `${STREAM_API}.${act}.${stream}`),
      ],
      subscribe: [`${inboxOf('score')}.>`],
    },
    rank: {
      publish: [subject('*'), `${STREAM_API}.INFO.${stream}`],
      subscribe: [`${inboxOf('rank')}.>`],
    },
    fanout: {
      publish: [
        `${STREAM_API}.INFO.${stream}`,
        ...['CREATE', 'INFO', 'DELETE', 'MSG.NEXT'].map((act) => `${CONSUMER_API}.${act}.${stream}.*`),
      ],
      subscribe: [`${inboxOf('fanout')}.>`],
    },
    // The operator.
    admin: undefined,
  };
}

interface NatsConfiguration {
  readonly namespace?: string;
  /** Additional settings of the server. */
  readonly settings?: object;
}

/** The text of nats-server's configuration file. Other users are refused. */
export function natsConfiguration(
  passwords: StorePasswords<'nats'>,
  { namespace = DEFAULT_NAMESPACE, settings = {} }: NatsConfiguration = {},
): string {
  const rights = rightsIn(namespace);
  const users = STORE_USERS.nats.map((user) => ({
    user,
    password: passwords[user],
    ...(rights[user] && { permissions: rights[user] }),
  }));
  return `${JSON.stringify({ authorization: { users }, ...settings }, null, 2)}\n`;
}
