/** What players' clients may ask. Each handler says who, what, do, answer. */
import { AppError } from '../../shared/errors/app-error.ts';
import { holdersOf, type NetworkList, subscriberOf } from '../../shared/net/networks.ts';
import type { Identity, TokenVerifier } from '../../shared/tokens/token-verifier.ts';
import type { SignIn } from '../players/sign-in.ts';
import type { Play } from '../rounds/play.ts';
import { parseHitBody, parsePlayerBody } from './bodies.ts';
import type { Call, Route } from './http-server.ts';
import type { RateLimit } from './rate-limit.ts';

export interface RoutesOptions {
  readonly verifier: TokenVerifier;
  readonly signIn: SignIn;
  readonly play: Play;
  /** Requests by address. */
  readonly addressLimit: RateLimit;
  /** New players by address. */
  readonly signInLimit: RateLimit;
  /** Addresses without these two limits. */
  readonly exempt: NetworkList;
  /** New rounds and new tokens by player. */
  readonly playerLimit: RateLimit;
}

const BEARER = /^bearer /i;

export function createRoutes(options: RoutesOptions): Route[] {
  const { verifier, signIn, play, addressLimit, signInLimit, exempt, playerLimit } = options;

  /** Undefined for an address without limits. */
  const counted = ({ address }: Call) => (exempt.has(address) ? undefined : subscriberOf(address));

  /** Counted before the costly look at a token. */
  async function player(call: Call): Promise<Identity> {
    const { authorization } = call;
    const subscriber = counted(call);
    if (subscriber !== undefined) addressLimit.spend(subscriber);
    if (!BEARER.test(authorization)) throw new AppError('TOKEN_REQUIRED');
    return verifier.verify(authorization.slice('Bearer '.length));
  }

  return [
    {
      path: /^\/v1\/players$/,
      hasBody: true,
      async handle(call) {
        const { username } = parsePlayerBody(call.body);
        const subscriber = counted(call);
        if (subscriber !== undefined) signInLimit.spend(subscriber);
        return { status: 201, body: await signIn.create(username, call.requestId) };
      },
    },
    {
      path: /^\/v1\/players\/refresh$/,
      hasBody: false,
      async handle(call) {
        const { userId, username } = await player(call);
        playerLimit.spend(userId);
        return { status: 200, body: await signIn.renew({ userId, username }, call.requestId) };
      },
    },
    {
      path: /^\/v1\/rounds$/,
      hasBody: false,
      async handle(call) {
        const { userId } = await player(call);
        playerLimit.spend(userId);
        const subscriber = counted(call);
        return {
          status: 201,
          body: play.start(userId, subscriber === undefined ? [] : holdersOf(subscriber)),
        };
      },
    },
    {
      path: /^\/v1\/rounds\/([A-Za-z0-9_-]{1,64})\/hits$/,
      hasBody: true,
      async handle(call) {
        const { userId } = await player(call);
        const input = parseHitBody(call.body);
        return { status: 200, body: await play.hit(userId, call.captured, input, call.requestId) };
      },
    },
  ];
}
