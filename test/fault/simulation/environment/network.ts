/**
 * Calls between simulated processes. A call may be slow, its request may never arrive, its reply may be lost although the
 * work was done, the server may be away, and a caller that crashed never hears anything again.
 */
import type { Random } from '../../../support/random.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A process that can end: what it had under way stops having effects. */
export interface Process {
  alive: boolean;
  /** Set while the process is stopped: what it does next, and what it hears, waits for this. */
  resumed?: Promise<void> | undefined;
}

export type ServerState =
  | 'up'
  /** No server listens: calls fail at once. */
  | 'down'
  /** Packets vanish: calls end by the caller's own limit. */
  | 'silent';

export interface Server {
  state: ServerState;
  /** Counts lives; work that was begun in an earlier one is lost. */
  life: number;
}

/** How calls of one kind fail, in the words that the caller's library would use. */
export interface Failures {
  refused: () => Error;
  lost: () => Error;
  timeout: () => Error;
}

export interface Network {
  /** While true every message may be delayed, lost or cut. */
  troubled: boolean;
  call<Result>(options: {
    from: Process;
    to: Server;
    limitMs: number;
    failures: Failures;
    /** What the server does when the request arrives; its outcome travels back. */
    serve: () => Result | Promise<Result>;
  }): Promise<Result>;
  /** How long one message takes now. */
  delayMs(): number;
}

/** Shares of messages, while the network is troubled. */
const LOST_REQUEST = 0.02;
const LOST_REPLY = 0.03;
const SLOW = 0.05;
const SLOWEST_MS = 1_500;
const TYPICAL_MS = 3;

export function createNetwork(time: VirtualTime, random: Random): Network {
  const network: Network = {
    troubled: false,
    delayMs() {
      if (network.troubled && random.chance(SLOW)) return random.next() * SLOWEST_MS;
      return 0.1 + random.next() * TYPICAL_MS;
    },
    call({ from, to, limitMs, failures, serve }) {
      return new Promise((resolve, reject) => {
        // A dead process hears of nothing, its own limits included.
        if (!from.alive) return;
        const settle = (act: () => void) => {
          cancelLimit();
          whenAwake(from, () => from.alive && act());
        };
        const cancelLimit = time.after(limitMs, () => settle(() => reject(failures.timeout())));
        const fate = network.troubled ? random.next() : 1;
        const [losesRequest, losesReply] = [
          fate < LOST_REQUEST,
          fate >= LOST_REQUEST && fate < LOST_REQUEST + LOST_REPLY,
        ];
        const cuts = random.chance(0.5);
        const cut = () => time.after(network.delayMs(), () => settle(() => reject(failures.lost())));
        const send = async () => {
          if (!from.alive) return;
          if (to.state === 'down') return settle(() => reject(failures.refused()));
          if (to.state === 'silent' || losesRequest) return cuts && losesRequest ? cut() : undefined;
          const { life } = to;
          const outcome = await Promise.resolve()
            .then(serve)
            .then(
              (result) => () => resolve(result),
              (error: unknown) => () => reject(error),
            );
          if (to.life !== life) return cut();
          if (losesReply || isSilent(to)) return cuts ? cut() : undefined;
          time.after(network.delayMs(), () => settle(outcome));
        };
        whenAwake(from, () => void time.after(network.delayMs(), send));
      });
    },
  };
  return network;
}

function whenAwake({ resumed }: Process, act: () => void): void {
  if (resumed === undefined) act();
  else void resumed.then(act);
}

/** Asked again after a wait, in which it may have changed. */
function isSilent({ state }: Server): boolean {
  return state === 'silent';
}
