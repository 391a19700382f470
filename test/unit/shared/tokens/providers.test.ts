/** Every provider that docs/identity.md names: its tokens are accepted by the entry that the page gives, and its other tokens are not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, type JWSHeaderParameters } from 'jose';
import { afterAll, describe, expect, test } from 'vitest';
import { parseKeySet } from '../../../../services/shared/tokens/keys/held-keys.ts';
import {
  aliasOf,
  createUserIdOf,
  subjectKeyOf,
} from '../../../../services/shared/tokens/players/player-id.ts';
import { checkToken, parseToken } from '../../../../services/shared/tokens/rules/token-check.ts';
import {
  outsideTokenRules,
  parseTokenPolicy,
} from '../../../../services/shared/tokens/rules/token-policy.ts';
import { TokenRefusal } from '../../../../services/shared/tokens/rules/token-refusal.ts';
import { PROVIDERS, type Provider, tokenOf } from '../../auth/providers.ts';
import { keySetJson, NOW_MS, NOW_S, type Part } from '../../auth/token-fixtures.ts';

const MASTER_KEY = Buffer.alloc(32, 7);
const dir = mkdtempSync(join(tmpdir(), 'scoreboard-providers-'));
afterAll(() => rmSync(dir, { recursive: true }));

const file = join(dir, 'idp.json');
writeFileSync(
  file,
  JSON.stringify(PROVIDERS.map(({ entry }) => ({ jwksUrl: 'https://idp.example/keys', ...entry }))),
);
const { outside } = parseTokenPolicy({ IDP_FILE: file });

async function check(provider: Provider, more: Part = {}) {
  const issuer = outside.find((each) => each.issuer === provider.entry.issuer);
  if (issuer === undefined) throw new Error(`no issuer ${provider.entry.issuer}`);
  const resolve = createLocalJWKSet(parseKeySet(keySetJson(provider.key)));
  const findKey = (header: JWSHeaderParameters) => resolve(header).catch(() => undefined);
  const userIdOf = createUserIdOf(subjectKeyOf(MASTER_KEY, issuer.issuer));
  const parsed = parseToken(tokenOf(provider, NOW_S, more));
  return checkToken(parsed, outsideTokenRules(issuer), findKey, NOW_MS, async (subject) => userIdOf(subject));
}

describe.each(PROVIDERS.map((provider) => [provider.name, provider] as const))(
  'a token of %s',
  (_, provider) => {
    test('is accepted by its entry', async () => {
      const { issuer, userId, username } = await check(provider);
      expect(issuer).toBe(provider.entry.issuer);
      expect(username).toBe(provider.shown ?? aliasOf(userId));
      for (const secret of provider.secrets) expect(`${userId} ${username}`).not.toContain(secret);
    });

    test('of another kind is refused, and the operator learns why', async () => {
      const [claims, rule] = provider.other;
      const refusal = await check(provider, claims).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(TokenRefusal);
      expect(refusal).toMatchObject({ reason: 'TOKEN_INVALID', rule });
      for (const secret of provider.secrets) expect(JSON.stringify(refusal)).not.toContain(secret);
    });
  },
);
