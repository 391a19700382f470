/** The conventional stack as a process. */
import type { JSONWebKeySet } from 'jose';
import { answerCalls } from '../processes/calls.ts';
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
    const tokenKeys = (await (await fetch(jwksUrl)).json()) as JSONWebKeySet;
    return startConventional({
      ...{ databaseUrl, redisUrl, tokenKeys, actionSecret },
      issuer: 'scoreboard',
      audience: 'scoreboard',
      connections: CONNECTIONS,
    });
  },
});
