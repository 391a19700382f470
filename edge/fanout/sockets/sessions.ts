/** The life of a socket: its first frame, its messages, its end. */
import { AppError, toAppError } from '../../../services/shared/errors/app-error.ts';
import { createAddressLimiter } from '../../../services/shared/net/address-limiter.ts';
import { restAfter, waitMs } from '../../../services/shared/rate/gcra.ts';
import type { Position } from '../../../services/shared/values/position.ts';
import type { BoardSize } from '../frames/board-size.ts';
import { CLOSE } from '../frames/close-codes.ts';
import { errorFrame, isBroadcast, pongFrame } from '../frames/frames.ts';
import type { Channel } from '../hub/channel.ts';
import type { Socket } from '../hub/connection.ts';
import type { Hub } from '../hub/hub.ts';
import type { FanoutMetrics } from '../metrics/fanout-metrics.ts';
import type { Admission } from './admission.ts';
import type { Authentication } from './authentication.ts';
import { boardNamedIn, type MessageFields, parseClientMessage, readMessage } from './client-messages.ts';
import { BAD_MESSAGES_ALLOWED, MESSAGES_PER_ADDRESS, MESSAGES_PER_SOCKET } from './limits.ts';
import type { Session } from './session.ts';

export interface SessionsOptions {
  hub: Pick<Hub, 'join' | 'leave' | 'forget' | 'onDropped' | 'onDrained'>;
  /** Reads a board that is not known yet. */
  readBoard: (channel: Channel) => void;
  /** Reads the standing of the socket's player on a board that it has joined. */
  readStanding: (session: Session, channel: Channel) => void;
  /** The players whom a socket follows on a board, in place of those before. */
  following: {
    follow(session: Session, leaderboard: string, userIds: readonly string[]): void;
    leave(session: Session, leaderboard: string): void;
    forget(session: Session): void;
  };
  admission: Pick<Admission, 'release'>;
  authentication: Pick<Authentication, 'begin' | 'forget'>;
  /** The board that every socket watches from the start. */
  firstBoard: string;
  metrics: Pick<FanoutMetrics, 'opened' | 'onClosed'>;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

/**
 * A topic that is never published. uWebSockets.js discards the queue of a socket that leaves its last topic, and a socket never
 * leaves this one.
 */
const PERMANENT_TOPIC = 'open';

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #open = new Set<Session>();
  readonly #ofAddresses;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#ofAddresses = createAddressLimiter(options.monotonicMs);
  }

  /** Open sockets. */
  get open(): ReadonlySet<Session> {
    return this.#open;
  }

  onOpen(session: Session, socket: Socket): void {
    const { authentication, firstBoard, metrics } = this.#options;
    const { handshake } = session;
    session.socket = socket;
    session.handshake = undefined;
    this.#open.add(session);
    metrics.opened.inc();
    socket.subscribe(PERMANENT_TOPIC);
    this.#join(session, firstBoard, handshake?.resume);
    if (handshake?.token !== undefined)
      void authentication.begin(session, handshake.token, { answer: false });
  }

  /** `text` is undefined for a message that is not UTF-8. */
  onMessage(session: Session, text: string | undefined): void {
    const verdict = this.#judgeRate(session);
    if (verdict === 'closed') return;
    let fields: MessageFields = {};
    try {
      fields = readMessage(text);
      if (verdict === 'refused') throw new AppError('RATE_LIMITED');
      this.#handle(session, fields);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.kind === 'internal') throw thrown;
      session.send(errorFrame(error, boardNamedIn(fields)));
      if (error.kind === 'invalid_argument') session.badMessages += 1;
      if (session.badMessages > BAD_MESSAGES_ALLOWED) session.close(CLOSE.BAD_MESSAGES);
    }
  }

  /** A ping or pong frame: it has no content, but it costs as much as a message. */
  onControl(session: Session): void {
    this.#judgeRate(session);
  }

  onDropped(session: Session, message: ArrayBuffer, isBinary: boolean): void {
    // A dropped pong is no loss: its client sends pings and does not read.
    if (isBroadcast(message, isBinary)) this.#options.hub.onDropped(session);
  }

  onDrain(session: Session): void {
    if (session.socket?.getBufferedAmount() === 0) this.#options.hub.onDrained(session);
  }

  onClose(session: Session, code: number): void {
    const { hub, following, authentication, admission, metrics } = this.#options;
    session.socket = undefined;
    this.#open.delete(session);
    hub.forget(session);
    following.forget(session);
    authentication.forget(session);
    admission.release(session.share);
    metrics.onClosed(code);
  }

  #handle(session: Session, fields: MessageFields): void {
    const { hub, following, authentication } = this.#options;
    const message = parseClientMessage(fields);
    switch (message.type) {
      case 'subscribe':
        this.#join(session, message.leaderboard, message.resume, message.size);
        if (message.players !== undefined) this.#follow(session, message.leaderboard, message.players);
        break;
      case 'unsubscribe':
        hub.leave(session, message.leaderboard);
        following.leave(session, message.leaderboard);
        break;
      case 'authenticate':
        if (session.verifying) throw new AppError('RATE_LIMITED');
        void authentication.begin(session, message.token, { answer: true });
        break;
      case 'ping':
        session.send(pongFrame(session.identity?.userId));
    }
  }

  #join(session: Session, leaderboard: string, resume: Position<number> | undefined, size?: BoardSize): void {
    const { hub, readBoard, readStanding } = this.#options;
    const channel = hub.join(session, leaderboard, resume, size);
    if (channel === undefined) return;
    if (channel.newest === undefined) readBoard(channel);
    if (session.identity !== undefined) readStanding(session, channel);
  }

  /** For signed-in players. The token of a handshake may still be on its way to its verdict. */
  #follow(session: Session, leaderboard: string, players: readonly string[]): void {
    // The first join may have closed the socket.
    if (session.socket === undefined) return;
    try {
      if (session.identity === undefined && !session.verifying) throw new AppError('TOKEN_REQUIRED');
      this.#options.following.follow(session, leaderboard, players);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.kind === 'internal') throw thrown;
      // Without the board, which is watched all the same.
      session.send(errorFrame(error));
    }
  }

  /**
   * A socket that sends too much is closed. When all sockets of its address together send too much, one that was quiet is only
   * refused, since other clients may be behind the same address and a pong is an answer to this node. Any other is closed.
   */
  #judgeRate(session: Session): 'allowed' | 'refused' | 'closed' {
    const nowMs = Math.floor(this.#options.monotonicMs());
    const wasQuiet = session.restAtMs <= nowMs;
    const next = restAfter(MESSAGES_PER_SOCKET, session.restAtMs, nowMs);
    const isTooMany = waitMs(MESSAGES_PER_SOCKET, next, nowMs) > 0;
    const isRefused = !isTooMany && !this.#mayAddressSend(session);
    if (isTooMany || (isRefused && !wasQuiet)) {
      session.close(CLOSE.TOO_MANY_MESSAGES);
      return 'closed';
    }
    session.restAtMs = next;
    return isRefused ? 'refused' : 'allowed';
  }

  #mayAddressSend({ share }: Session): boolean {
    return share === undefined || this.#ofAddresses.spend(share.address, MESSAGES_PER_ADDRESS) === 0;
  }
}
