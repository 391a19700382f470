/** The REST routes of the contract. Each handler reads: who, what, do, answer. */

import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { HeaderList } from '../../../services/shared/http/error-answer.ts';
import { answerReadiness, HEALTHY } from '../../../services/shared/http/health-answer.ts';
import type { OwnedTokenVerifier } from '../../../services/shared/tokens/token-verifier.ts';
import { DEFAULT_LEADERBOARD, parseLeaderboard } from '../../../services/shared/values/identifiers.ts';
import type { BoardList } from '../boards/board-list.ts';
import type { CachedTop } from '../read/cached-board.ts';
import type { Read } from '../read/read.ts';
import type { TopCache } from '../read/top-cache.ts';
import { ANY_ORIGIN, type Exchange } from '../server/exchange.ts';
import { type Route, route } from '../server/http-server.ts';
import type { Submit } from '../submit/submit.ts';
import { parseSubmitBody, SUBMIT_BODY_LIMIT_BYTES } from '../submit/submit-body.ts';
import { type BoardRoutesOptions, createBoardRoutes } from './board-routes.ts';
import { OF_CALLER, STALE } from './headers.ts';
import { readJson } from './read-json.ts';

export interface RestRoutesOptions extends BoardRoutesOptions {
  submit: Pick<Submit, 'checkQueue' | 'submit'>;
  read: Pick<Read, 'place' | 'placeJson'>;
  topCache: Pick<TopCache, 'get'>;
  boardList: Pick<BoardList, 'get'>;
  verifier: Pick<OwnedTokenVerifier, 'jwksJson'>;
  /** What this process needs to serve, by name. */
  readiness: () => Record<string, boolean>;
}

const REPLAYED: HeaderList = [['Idempotent-Replayed', 'true']];
/** How long other verifiers may cache the key set. */
const JWKS_CACHE: HeaderList = [['Cache-Control', 'public, max-age=60']];

export function createRestRoutes(options: RestRoutesOptions): Route[] {
  const { admission, submit, read, topCache, boardList, verifier, readiness } = options;

  /** Checks the queue first: if it is full, verifying the token and reading the body would be wasted. */
  function update(exchange: Exchange): Promise<void> {
    return submit.checkQueue() ?? submitBody(exchange);
  }

  async function submitBody(exchange: Exchange): Promise<void> {
    const body = await exchange.readBody(SUBMIT_BODY_LIMIT_BYTES);
    const admitted = admission.scorer(exchange);
    const player = admitted instanceof Promise ? await admitted : admitted;
    const json = readJson(exchange, body, SUBMIT_BODY_LIMIT_BYTES);
    const action = parseSubmitBody(json instanceof Promise ? await json : json);
    const {
      newScore,
      rank = 0,
      replayed,
    } = await submit.submit(player, action, { holders: admission.holders(exchange) });
    exchange.json(200, `{"newScore":${newScore},"rank":${rank}}`, replayed ? REPLAYED : undefined);
  }

  /** Answers without a promise while the cached board is fresh. */
  function top(exchange: Exchange): void | Promise<void> {
    const answer = ({ bytes, stale }: CachedTop) => exchange.json(200, bytes, stale ? STALE : undefined);
    const find = () => topCache.get(leaderboardOf(exchange), admission.holders(exchange));
    const admitted = admission.anonymous(exchange);
    const found = admitted === undefined ? find() : admitted.then(find);
    return found instanceof Promise ? found.then(answer) : answer(found);
  }

  async function leaderboards(exchange: Exchange): Promise<void> {
    await admission.anonymous(exchange);
    exchange.json(200, (await boardList.get()).json);
  }

  async function me(exchange: Exchange): Promise<void> {
    const { userId } = await admission.reader(exchange);
    const caller = { holders: admission.holders(exchange) };
    const { json, stale } = await read.placeJson(leaderboardOf(exchange), userId, caller);
    exchange.json(200, json, stale ? [...OF_CALLER, ...STALE] : OF_CALLER);
  }

  function jwks(exchange: Exchange): void {
    const json = verifier.jwksJson();
    if (json === undefined) throw new AppError('AUTH_UNAVAILABLE');
    exchange.corsHeaders = ANY_ORIGIN;
    exchange.send(200, json, 'application/json', JWKS_CACHE);
  }

  function readyz(exchange: Exchange): void {
    const { status, body } = answerReadiness(readiness());
    exchange.json(status, body);
  }

  return [
    route('POST', '/api/v1/score/update', update),
    route('GET', '/api/v1/scoreboard/top', top),
    route('GET', '/api/v1/scoreboard/me', me),
    route('GET', '/api/v1/leaderboards', leaderboards),
    ...createBoardRoutes(options),
    route('GET', '/.well-known/jwks.json', jwks),
    route('GET', '/healthz', (exchange) => exchange.json(200, HEALTHY)),
    route('GET', '/readyz', readyz),
  ];
}

function leaderboardOf({ query }: Exchange): string {
  if (query === '') return DEFAULT_LEADERBOARD;
  return parseLeaderboard(new URLSearchParams(query).get('leaderboard') ?? undefined);
}
