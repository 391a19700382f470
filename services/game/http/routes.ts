/** The routes of players' clients. Each handler reads: who, what, do, answer. */
import { AppError } from '../../shared/errors/app-error.ts';
import { holdersOf, type NetworkList, subscriberOf } from '../../shared/net/networks.ts';
import type { RateLimit } from '../../shared/rate/rate-limit.ts';
import { authenticate } from '../../shared/tokens/authenticate.ts';
import type { Identity, TokenVerifier } from '../../shared/tokens/token-verifier.ts';
import type { SignIn } from '../players/sign-in.ts';
import type { Play } from '../rounds/play.ts';
import { json } from './answer.ts';
import { parseHitBody, parsePlayerBody } from './bodies.ts';
import type { Call, Route } from './dispatch.ts';

export interface RoutesOptions {
  readonly verifier: TokenVerifier;
  /** The issuer of our own tokens, the only ones that are renewed here. */
  readonly ownIssuer: string;
  readonly signIn: SignIn;
  readonly play: Play;
  /** Requests per address. */
  readonly addressLimit: RateLimit;
  /** New players per address. */
  readonly signInLimit: RateLimit;
  /** Addresses without these two limits. */
  readonly exempt: NetworkList;
  /** New rounds and new tokens per player. */
  readonly playerLimit: RateLimit;
}

export function createRoutes(options: RoutesOptions): Route[] {
  const { verifier, ownIssuer, signIn, play, addressLimit, signInLimit, exempt, playerLimit } = options;

  /** What the address limits count; undefined for an exempt address. */
  const subscriber = ({ address }: Call) => (exempt.has(address) ? undefined : subscriberOf(address));

  /** Applies the address limit first, because verifying a token costs more. */
  async function authenticated(call: Call): Promise<Identity> {
    const counted = subscriber(call);
    if (counted !== undefined) addressLimit.spend(counted);
    return authenticate(verifier, call.authorization);
  }

  return [
    {
      path: /^\/v1\/players$/,
      hasBody: true,
      async handle(call) {
        const { username } = parsePlayerBody(call.body);
        const counted = subscriber(call);
        if (counted !== undefined) signInLimit.spend(counted);
        return json(201, await signIn.create(username, call.requestId));
      },
    },
    {
      path: /^\/v1\/players\/refresh$/,
      hasBody: false,
      async handle(call) {
        const { userId, issuer } = await authenticated(call);
        // Otherwise a player whose account ended at the provider could renew for ever.
        if (issuer !== ownIssuer) {
          throw new AppError('TOKEN_INVALID', { message: 'Renew this token where it was issued.' });
        }
        playerLimit.spend(userId);
        return json(200, await signIn.renew(userId, call.requestId));
      },
    },
    {
      path: /^\/v1\/rounds$/,
      hasBody: false,
      async handle(call) {
        const { userId } = await authenticated(call);
        playerLimit.spend(userId);
        const counted = subscriber(call);
        return json(201, play.start(userId, counted === undefined ? [] : holdersOf(counted)));
      },
    },
    {
      path: /^\/v1\/rounds\/([A-Za-z0-9_-]{1,64})\/hits$/,
      hasBody: true,
      async handle(call) {
        const { userId } = await authenticated(call);
        const input = parseHitBody(call.body);
        return json(200, await play.hit(userId, call.captured, input, call.requestId));
      },
    },
  ];
}
