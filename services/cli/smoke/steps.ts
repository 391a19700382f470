/**
 * The steps of the check: what a player's client does with a deployment, in its order. The score is real and stays. That it counts
 * once is seen from the player's score before, after the first answer and after the repeat.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deadline } from '../../shared/flow/deadline.ts';
import { type Answer, ask, type Question } from './ask.ts';
import { type Live, openLive } from './live.ts';
import type { Step } from './run-steps.ts';

/** What a player's client has: a token, and an action that the game server has signed. */
export interface Pass {
  readonly token: string;
  readonly actionId: string;
  readonly points: number;
  readonly signature: string;
}

export interface Subject {
  /** Of the edge, with a slash at its end. */
  readonly base: URL;
  /** Of the socket; without it the deployment tells. */
  readonly liveUrl: URL | undefined;
  readonly board: string;
  signIn(deadline: Deadline): Promise<Pass>;
}

const READ_AGAIN_MS = 250;

interface Standing {
  readonly userId: string;
  readonly score: number;
  readonly rank: number;
}

interface Entry {
  readonly userId: string;
  readonly score: number;
  readonly rank: number;
}

export class Smoke {
  readonly #subject: Subject;
  #pass: Pass | undefined;
  #live: Live | undefined;
  #before = 0;
  #standing: Standing | undefined;

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  steps(): Step[] {
    return [
      { name: 'health', run: (deadline) => this.#health(deadline) },
      { name: 'sign-in', run: (deadline) => this.#signIn(deadline) },
      { name: 'socket', run: (deadline) => this.#openSocket(deadline) },
      { name: 'score', run: (deadline) => this.#score(deadline) },
      { name: 'repeat', run: (deadline) => this.#repeat(deadline) },
      { name: 'rank', run: (deadline) => settled(() => this.#rank(deadline), deadline) },
      { name: 'board', run: (deadline) => settled(() => this.#board(deadline), deadline) },
      { name: 'update', run: (deadline) => this.#update(deadline) },
      { name: 'bad token', run: (deadline) => this.#badToken(deadline) },
      { name: 'bad body', run: (deadline) => this.#badBody(deadline) },
    ];
  }

  close(): void {
    this.#live?.close();
  }

  async #health(deadline: Deadline): Promise<string> {
    await this.#ask({ path: 'healthz' }, [200], deadline);
    await this.#ask({ path: 'readyz' }, [200], deadline);
    return 'alive and ready';
  }

  async #signIn(deadline: Deadline): Promise<string> {
    this.#pass = await this.#subject.signIn(deadline);
    const { status, body } = await this.#me(this.#pass.token, [200, 404], deadline);
    this.#before = status === 404 ? 0 : (body as Standing).score;
    return `the token is accepted; the score is ${this.#before}`;
  }

  async #openSocket(deadline: Deadline): Promise<string> {
    const { board, base } = this.#subject;
    const url = this.#subject.liveUrl ?? (await this.#findLive(deadline));
    this.#live = await openLive(new URL(url, base), { token: this.#signed().token, board }, deadline);
    return `${board} at ${url.href}`;
  }

  async #findLive(deadline: Deadline): Promise<URL> {
    const { body } = await this.#ask({ path: 'config.json' }, [200], deadline);
    const { fanoutUrl } = (body ?? {}) as { fanoutUrl?: unknown };
    if (typeof fanoutUrl !== 'string') throw new Error('config.json names no fanoutUrl: give --live');
    const url = new URL(fanoutUrl, this.#subject.base);
    url.protocol = url.protocol.replace(/^http/, 'ws');
    return url;
  }

  async #score(deadline: Deadline): Promise<string> {
    const { body } = await this.#submit(deadline);
    this.#expectScore('the answer', body);
    return `${this.#signed().points} counted; the score is ${this.#after()}`;
  }

  async #repeat(deadline: Deadline): Promise<string> {
    const { headers, body } = await this.#submit(deadline);
    if (headers.get('idempotent-replayed') !== 'true')
      throw new Error('the repeat was answered without Idempotent-Replayed: true');
    this.#expectScore('the answer to the repeat', body);
    return 'answered as before';
  }

  async #rank(deadline: Deadline): Promise<string> {
    const { body } = await this.#me(this.#signed().token, [200], deadline);
    this.#standing = body as Standing;
    const { score, rank } = this.#standing;
    this.#expectScore('the standing', { newScore: score });
    if (!(rank >= 1)) throw new Error(`the rank is ${rank}: the player is hidden, or the rank is unknown`);
    return `rank ${rank}`;
  }

  async #board(deadline: Deadline): Promise<string> {
    const { userId } = this.#standing ?? {};
    const path = `api/v1/leaderboards/${this.#subject.board}/entries`;
    const { body: around } = await this.#ask(
      { path: `${path}?around=me`, token: this.#signed().token },
      [200],
      deadline,
    );
    const own = entriesOf(around).find((entry) => entry.userId === userId);
    if (own === undefined) throw new Error('the page around the player is without the player');
    this.#expectScore('the board', { newScore: own.score });
    const { body } = await this.#ask({ path }, [200], deadline);
    const ranks = entriesOf(body).map(({ rank }) => rank);
    if (ranks.length === 0 || ranks.some((rank, at) => rank !== at + 1))
      throw new Error(`the first page has the ranks ${ranks.join(', ')}`);
    return `the player is listed; the first page has ${ranks.length} of them`;
  }

  async #update(deadline: Deadline): Promise<string> {
    const { board } = this.#subject;
    const userId = this.#standing?.userId;
    await this.#live?.update(
      (update) =>
        update.leaderboardId === board && update.userId === userId && update.newScore === this.#after(),
      deadline,
    );
    return 'the socket has the score';
  }

  async #badToken(deadline: Deadline): Promise<string> {
    const { body } = await this.#me('not.a.token', [401], deadline);
    return reasonIn(body);
  }

  async #badBody(deadline: Deadline): Promise<string> {
    const question = { path: 'api/v1/score/update', token: this.#signed().token, body: '{' };
    const { body } = await this.#ask(question, [400], deadline);
    return reasonIn(body);
  }

  #signed(): Pass {
    if (this.#pass === undefined) throw new Error('the steps run in their order');
    return this.#pass;
  }

  #after(): number {
    return this.#before + this.#signed().points;
  }

  #ask(question: Question, statuses: readonly number[], deadline: Deadline): Promise<Answer> {
    return ask(this.#subject.base, question, statuses, deadline);
  }

  #me(token: string, statuses: readonly number[], deadline: Deadline): Promise<Answer> {
    return this.#ask({ path: `api/v1/leaderboards/${this.#subject.board}/me`, token }, statuses, deadline);
  }

  #submit(deadline: Deadline): Promise<Answer> {
    const { token, actionId, points, signature } = this.#signed();
    const body = JSON.stringify({ actionId, points, signature, leaderboard: this.#subject.board });
    return this.#ask({ path: 'api/v1/score/update', token, body }, [200], deadline);
  }

  #expectScore(what: string, body: unknown): void {
    const { newScore } = (body ?? {}) as { newScore?: unknown };
    if (newScore !== this.#after()) {
      throw new Error(
        `${what} has the score ${newScore} instead of ${this.#before} + ${this.#signed().points}: the action counted before, or the board does not add, or another check runs as this player`,
      );
    }
  }
}

/** A read may be a moment older than the answer to the score: it is read again until it is right or the deadline passes. */
async function settled(read: () => Promise<string>, deadline: Deadline): Promise<string> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (deadline.remainingMs() <= READ_AGAIN_MS) throw error;
      await sleep(READ_AGAIN_MS);
    }
  }
}

function entriesOf(body: unknown): readonly Entry[] {
  return ((body ?? {}) as { entries?: readonly Entry[] }).entries ?? [];
}

/** The reason of a refusal that has the error shape. */
function reasonIn(body: unknown): string {
  const { code, reason, message } = (body ?? {}) as Record<string, unknown>;
  if (typeof code !== 'string' || typeof reason !== 'string' || typeof message !== 'string')
    throw new Error('the refusal has no code, reason and message');
  return reason;
}
