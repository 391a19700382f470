/**
 * Whose socket it is, and until when. A socket serves boards before anybody knows its owner; verification goes on
 * beside it and adds the player's own updates. A socket never outlives its token, unless a new one comes in time.
 */
import { toAppError } from '../../../services/shared/errors/app-error.ts';
import type { Clock } from '../../../services/shared/settings/clock.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import type { Identity, TokenVerifier } from '../../../services/shared/tokens/token-verifier.ts';
import { authenticatedFrame } from '../hub/frames.ts';
import type { Personal } from '../hub/personal.ts';
import { EXPIRY_CHECK_MS } from '../limits.ts';
import { CLOSE } from './close-codes.ts';
import type { Connection } from './connection.ts';
import { createExpiryWheel } from './expiry-wheel.ts';

export interface AuthenticationOptions {
  verifier: TokenVerifier;
  personal: Personal;
  clock: Clock;
  log: Log;
}

export interface Authentication {
  /** Verifies the token and ties the socket to its player; closes the socket when the token is not valid. */
  begin(connection: Connection, token: string, options: { answer: boolean }): Promise<void>;
  /** Closes sockets whose token's time is over. */
  closeExpired(): void;
  /** Closes those of the sockets whose token is worth nothing any more. */
  closeVoid(connections: Iterable<Connection>, isVoid: (identity: Identity) => boolean): void;
  /** The socket is closed. */
  forget(connection: Connection): void;
  /** Open sockets with a player. */
  readonly count: number;
}

export function createAuthentication({
  verifier,
  personal,
  clock,
  log,
}: AuthenticationOptions): Authentication {
  const expiries = createExpiryWheel<Connection>(EXPIRY_CHECK_MS);
  let count = 0;

  /** False when the socket had to be closed instead. */
  function accept(connection: Connection, identity: Identity): boolean {
    const known = connection.identity;
    // A socket belongs to one player for life: a token of another one is not valid on it.
    const isOther = known !== undefined && known.userId !== identity.userId;
    if (isOther || !personal.add(identity.userId, connection)) {
      connection.close(isOther ? CLOSE.TOKEN_INVALID : CLOSE.TOO_MANY_SOCKETS);
      return false;
    }
    if (known === undefined) count += 1;
    connection.identity = identity;
    expiries.schedule(connection, identity.expiresAtMs);
    return true;
  }

  return {
    async begin(connection, token, { answer }) {
      connection.verifying = true;
      try {
        const identity = await verifier.verify(token);
        if (connection.socket === undefined) return;
        // It may have been revoked since it was judged, when this socket was not yet known to have it.
        if (!verifier.stands(identity)) {
          connection.close(CLOSE.TOKEN_REVOKED);
          return;
        }
        const accepted = accept(connection, identity);
        if (accepted && answer) connection.send(authenticatedFrame(identity.userId, identity.expiresAtMs));
      } catch (thrown) {
        const error = toAppError(thrown);
        if (error.kind === 'internal') log.error({ err: thrown }, 'token not verified');
        connection.close(error.reason === 'TOKEN_INVALID' ? CLOSE.TOKEN_INVALID : CLOSE.TRY_AGAIN_LATER);
      } finally {
        connection.verifying = false;
      }
    },

    closeExpired() {
      for (const connection of expiries.takeExpired(clock.now())) connection.close(CLOSE.TOKEN_EXPIRED);
    },

    closeVoid(connections, isVoid) {
      for (const connection of connections) {
        const { identity } = connection;
        if (identity !== undefined && isVoid(identity)) connection.close(CLOSE.TOKEN_REVOKED);
      }
    },

    forget(connection) {
      const { identity } = connection;
      if (identity === undefined) return;
      connection.identity = undefined;
      count -= 1;
      expiries.cancel(connection);
      personal.remove(identity.userId, connection);
    },

    get count() {
      return count;
    },
  };
}
