/** Settings of Postgres, Redis and NATS. */
import { INTERNAL, type Setting } from './setting.ts';

export const STORE_SETTINGS = {
  NAMESPACE: {
    of: ['npm start', 'score', 'rank', 'edge', 'fanout'],
    default: 'scoreboard',
    meaning:
      'the name of the deployment, which the names of its stream, subjects and keys begin with unless it is the default; deployments that share NATS or Redis need different ones',
  },
  DATABASE_URL: {
    of: ['npm start', 'migrate', ...INTERNAL],
    secret: true,
    otherwise: 'a private server',
    meaning: 'the address of Postgres',
  },
  DATABASE_DIRECT_URL: {
    of: ['npm start', 'migrate'],
    secret: true,
    otherwise: '`DATABASE_URL`',
    meaning: 'the address of Postgres itself for migrations, if `DATABASE_URL` leads to a pooler',
  },
  REDIS_URL: {
    of: ['npm start', 'rank', 'edge', 'redis-scripts'],
    secret: true,
    otherwise: 'a private server',
    meaning: 'the address of Redis; `rediss://` for TLS',
  },
  NATS_URL: {
    of: ['npm start', 'score', 'rank', 'fanout'],
    secret: true,
    otherwise: 'a private server',
    meaning:
      'the addresses of NATS, separated by commas, each with or without a user and a password of its own; `tls://` for TLS',
  },
  DATABASE_SCHEMA: {
    of: ['npm start', 'migrate', ...INTERNAL],
    default: 'public',
    meaning: 'the schema of the tables in the database; migrate creates it if it is missing',
  },
  DATABASE_PASSWORD: {
    of: ['migrate', ...INTERNAL],
    secret: true,
    otherwise: 'in the address',
    meaning: 'the password of the user in `DATABASE_URL`, if it is kept apart from the address',
  },
  REDIS_PASSWORD: {
    of: ['rank', 'edge', 'redis-scripts'],
    secret: true,
    otherwise: 'in the address',
    meaning: 'the password of the user in `REDIS_URL`, if it is kept apart from the address',
  },
  NATS_PASSWORD: {
    of: ['score', 'rank', 'fanout'],
    secret: true,
    otherwise: 'in the address',
    meaning: 'the password of the user in `NATS_URL`, if it is kept apart from the address',
  },
  REDIS_CA_FILE: {
    of: ['rank', 'edge', 'redis-scripts'],
    otherwise: 'those that Node trusts',
    meaning: 'the certificate authorities of Redis, PEM',
  },
  REDIS_CERT_FILE: {
    of: ['rank', 'edge', 'redis-scripts'],
    otherwise: 'none',
    meaning: 'our certificate for a Redis that asks for one, PEM',
  },
  REDIS_KEY_FILE: {
    of: ['rank', 'edge', 'redis-scripts'],
    otherwise: 'none',
    meaning: 'the key of that certificate, PEM',
  },
  NATS_CA_FILE: {
    of: ['score', 'rank', 'fanout'],
    otherwise: 'those that Node trusts',
    meaning: 'the certificate authorities of NATS, PEM',
  },
  NATS_CERT_FILE: {
    of: ['score', 'rank', 'fanout'],
    otherwise: 'none',
    meaning: 'our certificate for a NATS that asks for one, PEM',
  },
  NATS_KEY_FILE: {
    of: ['score', 'rank', 'fanout'],
    otherwise: 'none',
    meaning: 'the key of that certificate, PEM',
  },
  NATS_CREDENTIALS: {
    of: ['score', 'rank', 'fanout'],
    secret: true,
    otherwise: 'none',
    meaning: 'a JWT and its key, as in a credentials file of NATS',
  },
  SCORE_DATABASE_PASSWORD: {
    of: ['migrate'],
    secret: true,
    otherwise: 'made by `npm start`',
    meaning: 'the password for the database role of score; without the three passwords no roles are created',
  },
  RANK_DATABASE_PASSWORD: {
    of: ['migrate'],
    secret: true,
    otherwise: 'made by `npm start`',
    meaning: 'the password for the database role of rank',
  },
  AUTH_DATABASE_PASSWORD: {
    of: ['migrate'],
    secret: true,
    otherwise: 'made by `npm start`',
    meaning: 'the password for the database role of auth',
  },
  BOARDS_FILE: {
    of: ['npm start', 'migrate'],
    otherwise: 'none',
    meaning:
      'a JSON file of boards that the migration creates, or brings to the settings in the file; see [boards](operations.md#boards)',
  },
  DATABASE_OWN_SERVER: {
    of: ['migrate'],
    default: 'true',
    meaning:
      "set to false for a database you manage: existing roles keep their passwords, and if roles can't be created the services use `DATABASE_URL`",
  },
} as const satisfies Readonly<Record<string, Setting>>;
