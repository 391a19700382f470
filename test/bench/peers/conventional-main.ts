/** The conventional stack as a process. */
import { createPublicKey } from 'node:crypto';
import { answerCalls } from '../calls.ts';
import { startConventional } from './conventional.ts';

export type ConventionalCalls = {
  start: (input: {
    databaseUrl: string;
    redisUrl: string;
    /** The key set of the tokens' issuer. */
    jwksUrl: string;
    actionSecret: string;
  }) => { port: number };
};

const CONNECTIONS = 20;

answerCalls<ConventionalCalls>({
  async start({ databaseUrl, redisUrl, jwksUrl, actionSecret }) {
    const { keys } = (await (await fetch(jwksUrl)).json()) as {
      keys: (Record<string, string> & { kid: string })[];
    };
    const tokenKeys = new Map(
      keys.map(({ kid, ...key }) => [kid, createPublicKey({ key: { ...key }, format: 'jwk' })]),
    );
    return startConventional({
      ...{ databaseUrl, redisUrl, tokenKeys, actionSecret },
      issuer: 'scoreboard',
      audience: 'scoreboard',
      connections: CONNECTIONS,
    });
  },
});
