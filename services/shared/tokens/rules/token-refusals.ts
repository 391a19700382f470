/** Tells the operator why tokens are refused: a metric by rule, and a log line for each rule at intervals, never with the token. */
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { createRepeatedWarning } from '../../telemetry/repeated-log.ts';
import { TOKEN_RULES, type TokenRefusal, type TokenRule } from './token-refusal.ts';

/** Claims and headers are text of a stranger: enough to recognise an issuer. */
const SHOWN_LENGTH = 200;

export type TokenRefusals = ReturnType<typeof createTokenRefusals>;

function shown(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.slice(0, SHOWN_LENGTH);
}

export function createTokenRefusals(log: Log, metrics: Metrics) {
  const refused = metrics.counter('tokens_refused_total', 'Tokens refused, by the rule that failed.', [
    'rule',
  ]);
  const warnings = new Map<TokenRule, (fields: object) => void>();
  for (const rule of TOKEN_RULES) {
    refused.inc({ rule }, 0);
    // A rule of its own for each, so that a flood of one does not hide another.
    warnings.set(rule, createRepeatedWarning(log, 'a token was refused'));
  }
  return (refusal: TokenRefusal): void => {
    const { rule, token } = refusal;
    refused.inc({ rule });
    const { issuer, algorithm, keyId, detail } = token;
    warnings.get(rule)?.({
      rule,
      ...{ issuer: shown(issuer), algorithm: shown(algorithm), keyId: shown(keyId), detail: shown(detail) },
    });
  };
}
