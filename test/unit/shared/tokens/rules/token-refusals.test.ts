import { describe, expect, test } from 'vitest';
import { createLog } from '../../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../../services/shared/telemetry/metrics.ts';
import { TOKEN_RULES, TokenRefusal } from '../../../../../services/shared/tokens/rules/token-refusal.ts';
import { createTokenRefusals } from '../../../../../services/shared/tokens/rules/token-refusals.ts';

function start() {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('edge', 'info', { destination: { write: (line) => lines.push(JSON.parse(line)) } });
  const metrics = createMetrics('edge', { runtime: false });
  return { lines, metrics, onRefused: createTokenRefusals(log, metrics) };
}

describe('refused tokens', () => {
  test('are counted by rule, each rule from the start', async () => {
    const { metrics, onRefused } = start();
    onRefused(new TokenRefusal('audience'));
    onRefused(new TokenRefusal('audience'));
    const text = await metrics.text();
    for (const rule of TOKEN_RULES) {
      expect(text).toContain(
        `tokens_refused_total{rule="${rule}",service="edge"} ${rule === 'audience' ? 2 : 0}`,
      );
    }
  });

  test('are logged once for each rule, with what the operator has to compare', () => {
    const { lines, onRefused } = start();
    const token = {
      issuer: 'https://idp',
      algorithm: 'RS256',
      keyId: 'k1',
      detail: 'aud: ["x"], required: ["y"]',
    };
    for (let times = 0; times < 1_000; times += 1) onRefused(new TokenRefusal('audience', token));
    onRefused(new TokenRefusal('expired', { issuer: 'https://idp' }));
    expect(lines).toMatchObject([
      { level: 'warn', msg: 'a token was refused', rule: 'audience', ...token },
      { rule: 'expired', issuer: 'https://idp' },
    ]);
  });

  test('say no more of a stranger than fits in a line', () => {
    const { lines, onRefused } = start();
    onRefused(new TokenRefusal('issuer', { issuer: { deep: 'x'.repeat(5_000) }, keyId: 'k'.repeat(5_000) }));
    expect(JSON.stringify(lines).length).toBeLessThan(1_000);
  });
});
