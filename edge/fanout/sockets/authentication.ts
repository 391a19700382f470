/**
 * Ties sockets to players by their tokens. A socket gets boards before its token is verified; the player's own updates follow.
 * A socket never outlives its token, unless a new token arrives in time.
 */
import { type AppError, toAppError } from '../../../services/shared/errors/app-error.ts';
import type { Clock } from '../../../services/shared/settings/clock.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import type { Identity, TokenVerifier } from '../../../services/shared/tokens/token-verifier.ts';
import { CLOSE, type CloseCode } from '../frames/close-codes.ts';
import { authenticatedFrame } from '../frames/frames.ts';
import type { Personal } from '../hub/personal.ts';
import { createExpiryWheel } from './expiry-wheel.ts';
import { EXPIRY_CHECK_MS } from './limits.ts';
import type { Session } from './session.ts';

export interface AuthenticationOptions {
  verifier: Pick<TokenVerifier, 'verify' | 'stands'>;
  personal: Pick<Personal, 'add' | 'remove'>;
  /** Called when a socket has got its player. */
  onSignedIn: (session: Session) => void;
  clock: Clock;
  log: Log;
}

function closeCodeOf({ reason }: AppError): CloseCode {
  if (reason === 'TOKEN_INVALID') return CLOSE.TOKEN_INVALID;
  return reason === 'TOKEN_TOO_LARGE' ? CLOSE.TOKEN_TOO_LARGE : CLOSE.TRY_AGAIN_LATER;
}

export type Authentication = ReturnType<typeof createAuthentication>;

export function createAuthentication({ verifier, personal, onSignedIn, clock, log }: AuthenticationOptions) {
  const expiries = createExpiryWheel<Session>(EXPIRY_CHECK_MS);
  let count = 0;

  /** Returns false if the socket had to be closed instead. */
  function accept(session: Session, identity: Identity): boolean {
    const known = session.identity;
    // A socket belongs to one player until it closes: the token of another player is not valid on it.
    const isOther = known !== undefined && known.userId !== identity.userId;
    if (isOther || !personal.add(identity.userId, session)) {
      session.close(isOther ? CLOSE.TOKEN_INVALID : CLOSE.TOO_MANY_SOCKETS);
      return false;
    }
    if (known === undefined) count += 1;
    session.identity = identity;
    expiries.schedule(session, identity.expiresAtMs);
    return true;
  }

  return {
    /** Verifies the token and ties the socket to its player. Closes the socket if the token is not valid. */
    async begin(session: Session, token: string, { answer }: { answer: boolean }): Promise<void> {
      session.verifying = true;
      try {
        const identity = await verifier.verify(token);
        if (session.socket === undefined) return;
        // A revocation during the verification could not find this socket by its token.
        if (!verifier.stands(identity)) {
          session.close(CLOSE.TOKEN_REVOKED);
          return;
        }
        const isFirst = session.identity === undefined;
        const accepted = accept(session, identity);
        if (accepted && answer) session.send(authenticatedFrame(identity.userId, identity.expiresAtMs));
        if (accepted && isFirst) onSignedIn(session);
      } catch (thrown) {
        const error = toAppError(thrown);
        if (error.kind === 'internal') log.error({ err: thrown }, 'token not verified');
        session.close(closeCodeOf(error));
      } finally {
        session.verifying = false;
      }
    },

    /** Closes the sockets whose token has expired. */
    closeExpired(): void {
      for (const session of expiries.takeExpired(clock.now())) session.close(CLOSE.TOKEN_EXPIRED);
    },

    /** Closes those of the sockets whose token was revoked. */
    closeVoid(sessions: Iterable<Session>, isVoid: (identity: Identity) => boolean): void {
      for (const session of sessions) {
        const { identity } = session;
        if (identity !== undefined && isVoid(identity)) session.close(CLOSE.TOKEN_REVOKED);
      }
    },

    /** To be called when the socket has closed. */
    forget(session: Session): void {
      const { identity } = session;
      if (identity === undefined) return;
      session.identity = undefined;
      count -= 1;
      expiries.cancel(session);
      personal.remove(identity.userId, session);
    },

    /** The number of open sockets with a player. */
    get count(): number {
      return count;
    },
  };
}
