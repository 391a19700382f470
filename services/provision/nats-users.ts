/**
 * Who may do what on the bus: nats-server's list of users. Score publishes events and keeps the stream; rank publishes events and
 * nothing else; a fan-out node
 * reads it through consumers that it makes, and can neither publish an event nor touch the stream. Answers come to an
 * inbox of one's own, where nobody else listens.
 */
import { ALL_SCORE_SUBJECTS, inboxOf, SCORE_STREAM } from '../shared/stores/nats.ts';
import { STORE_USERS, type StorePasswords, type StoreUser } from './store-passwords.ts';

interface Rights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const STREAM_API = '$JS.API.STREAM';
const CONSUMER_API = '$JS.API.CONSUMER';

/** Undefined may do everything. */
const RIGHTS: Readonly<Record<StoreUser<'nats'>, Rights | undefined>> = {
  score: {
    publish: [
      ALL_SCORE_SUBJECTS,
      '$JS.API.INFO',
      ...['INFO', 'CREATE', 'UPDATE'].map((act) => `${STREAM_API}.${act}.${SCORE_STREAM}`),
    ],
    subscribe: [`${inboxOf('score')}.>`],
  },
  rank: {
    publish: [ALL_SCORE_SUBJECTS],
    subscribe: [`${inboxOf('rank')}.>`],
  },
  fanout: {
    publish: [
      `${STREAM_API}.INFO.${SCORE_STREAM}`,
      ...['CREATE', 'INFO', 'DELETE', 'MSG.NEXT'].map((act) => `${CONSUMER_API}.${act}.${SCORE_STREAM}.*`),
    ],
    subscribe: [`${inboxOf('fanout')}.>`],
  },
  // The operator.
  admin: undefined,
};

/** The text of nats-server's configuration file, with more settings. Whoever is nobody of these is turned away. */
export function natsConfiguration(passwords: StorePasswords<'nats'>, settings: object = {}): string {
  const users = STORE_USERS.nats.map((user) => ({
    user,
    password: passwords[user],
    ...(RIGHTS[user] && { permissions: RIGHTS[user] }),
  }));
  return `${JSON.stringify({ authorization: { users }, ...settings }, null, 2)}\n`;
}
