/**
 * The refusal of a token. The caller learns only that the token is not valid, so that a forger learns nothing; the process itself
 * learns the rule that failed, for its log and metrics.
 */
import { AppError } from '../../errors/app-error.ts';

/** Every rule that a token can fail. The names are labels of a metric. */
export const TOKEN_RULES = [
  'form',
  'size',
  'issuer',
  'header',
  'algorithm',
  'type',
  'key',
  'signature',
  'expired',
  'not_yet_valid',
  'too_old',
  'claim_missing',
  'claim_invalid',
  'audience',
  'required_claim',
  'subject',
  'revoked',
] as const;

export type TokenRule = (typeof TOKEN_RULES)[number];

/** What a log line may say of a refused token: nothing that identifies its player. Not verified. */
export interface RefusedToken {
  readonly issuer?: unknown;
  readonly algorithm?: unknown;
  readonly keyId?: unknown;
  /** Such as what a claim contained, and what the rule requires. */
  readonly detail?: string;
}

export class TokenRefusal extends AppError {
  readonly rule: TokenRule;
  readonly token: RefusedToken;

  constructor(rule: TokenRule, token: RefusedToken = {}) {
    super(rule === 'size' ? 'TOKEN_TOO_LARGE' : 'TOKEN_INVALID');
    this.rule = rule;
    this.token = token;
  }
}
