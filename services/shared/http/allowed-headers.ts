/** Which request headers a page of an allowed origin may send. A browser asks for them in a preflight, and blocks the call otherwise. */
import { type Environment, list } from '../settings/env.ts';

/** W3C trace context and baggage, and Sentry's header: tracing in a page adds them to every call. */
const TRACING: readonly string[] = ['traceparent', 'tracestate', 'baggage', 'sentry-trace'];
/** A field name as RFC 9110 defines it. "*" would be one too, but browsers read it as every header. */
const NAME = /^(?!\*$)[!#$%&'*+.^_`|~0-9a-z-]+$/i;

/** How long browsers may keep a preflight: two hours, in seconds. They keep none longer. */
export const PREFLIGHT_MAX_AGE_S = '7200';

/** The headers of tracing and those of ALLOWED_HEADERS. Throws on what is not the name of a header. */
export function parseAllowedHeaders(env: Environment): readonly string[] {
  const given = list(env, 'ALLOWED_HEADERS');
  const wrong = given.find((name) => !NAME.test(name));
  if (wrong === undefined) return [...TRACING, ...given];
  throw new Error(
    `ALLOWED_HEADERS has the entry "${wrong}", which is not the name of a header such as x-trace-id`,
  );
}
