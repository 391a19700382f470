/** The REST routes of the contract. Each handler says who, what, do, answer. */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { OwnedTokenVerifier } from '../../../services/shared/tokens/token-verifier.ts';
import { DEFAULT_LEADERBOARD, parseLeaderboard } from '../../../services/shared/values/identifiers.ts';
import type { Admission } from '../limits/admission.ts';
import type { Read } from '../read/read.ts';
import type { CachedTop, TopCache } from '../read/top-cache.ts';
import { ANY_ORIGIN, type Exchange, type HeaderList } from '../server/exchange.ts';
import { type Route, route } from '../server/http-server.ts';
import type { Submit } from '../submit/submit.ts';
import { parseSubmitBody, SUBMIT_BODY_LIMIT_BYTES } from '../submit/submit-body.ts';

export interface RestRoutesOptions {
  admission: Admission;
  submit: Submit;
  read: Read;
  topCache: Pick<TopCache, 'get'>;
  verifier: Pick<OwnedTokenVerifier, 'jwksJson'>;
  /** What this process can't do without, by name. */
  readiness: () => Record<string, boolean>;
}

const JSON_TYPE = /^application\/json *(?:; *charset="?utf-8"? *)?$/i;
const REPLAYED: HeaderList = [['Idempotent-Replayed', 'true']];
const STALE: HeaderList = [['X-Scoreboard-Stale', 'true']];
/** Verifiers elsewhere may keep the key set this long. */
const JWKS_CACHE: HeaderList = [['Cache-Control', 'public, max-age=60']];

export function createRestRoutes(options: RestRoutesOptions): Route[] {
  const { admission, submit, read, topCache, verifier, readiness } = options;

  /** A full queue is told at the door: who and what it is about would be found out for nothing. */
  function update(exchange: Exchange): Promise<void> {
    return submit.door() ?? submitBody(exchange);
  }

  async function submitBody(exchange: Exchange): Promise<void> {
    const body = await exchange.readBody(SUBMIT_BODY_LIMIT_BYTES);
    const admitted = admission.scorer(exchange);
    const player = admitted instanceof Promise ? await admitted : admitted;
    if (!isJson(exchange.contentType)) throw new AppError('CONTENT_TYPE_UNSUPPORTED');
    const { newScore, rank, replayed } = await submit.submit(player, parseSubmitBody(body), {
      holders: admission.holders(exchange),
    });
    exchange.json(200, `{"newScore":${newScore},"rank":${rank}}`, replayed ? REPLAYED : undefined);
  }

  /** Does not wait for anything while the cached board is fresh. */
  function top(exchange: Exchange): void | Promise<void> {
    const answer = ({ bytes, stale }: CachedTop) => exchange.json(200, bytes, stale ? STALE : undefined);
    const find = () => topCache.get(leaderboardOf(exchange), admission.holders(exchange));
    const admitted = admission.anybody(exchange);
    const found = admitted === undefined ? find() : admitted.then(find);
    return found instanceof Promise ? found.then(answer) : answer(found);
  }

  async function me(exchange: Exchange): Promise<void> {
    const { userId } = await admission.reader(exchange);
    const asking = { holders: admission.holders(exchange) };
    const { json, stale } = await read.placeJson(leaderboardOf(exchange), userId, asking);
    exchange.json(200, json, stale ? STALE : undefined);
  }

  function jwks(exchange: Exchange): void {
    const json = verifier.jwksJson();
    if (json === undefined) throw new AppError('AUTH_UNAVAILABLE');
    exchange.corsHeaders = ANY_ORIGIN;
    exchange.send(200, json, 'application/json', JWKS_CACHE);
  }

  function readyz(exchange: Exchange): void {
    const checks = readiness();
    const ready = Object.values(checks).every(Boolean);
    exchange.json(ready ? 200 : 503, JSON.stringify({ status: ready ? 'ready' : 'not ready', checks }));
  }

  return [
    route('POST', '/api/v1/score/update', update),
    route('GET', '/api/v1/scoreboard/top', top),
    route('GET', '/api/v1/scoreboard/me', me),
    route('GET', '/.well-known/jwks.json', jwks),
    route('GET', '/healthz', (exchange) => exchange.json(200, '{"status":"ok"}')),
    route('GET', '/readyz', readyz),
  ];
}

/** Compared first with what nearly everybody sends. */
function isJson(contentType: string): boolean {
  return contentType === 'application/json' || JSON_TYPE.test(contentType);
}

function leaderboardOf({ query }: Exchange): string {
  if (query === '') return DEFAULT_LEADERBOARD;
  return parseLeaderboard(new URLSearchParams(query).get('leaderboard') ?? undefined);
}
