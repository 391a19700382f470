/** A viewer: the page's own link to the scoreboard, on a simulated socket, with every frame written down as it arrives. */
import { ScoreboardLink } from '../../../../edge/web/client/scoreboard-link.ts';
import type { Random } from '../../../support/random.ts';
import type { SocketEvent } from '../../record/record.ts';
import { toSocketEvent } from '../../record/socket-events.ts';
import type { Network, Server } from '../environment/network.ts';
import { openPipe, type Pipe } from '../environment/pipe.ts';
import type { VirtualTime } from '../environment/virtual-time.ts';
import type { FanoutNode } from '../nodes/fanout-node.ts';

export interface FanoutSlot {
  readonly server: Server;
  node: FanoutNode;
}

export interface Viewer {
  readonly link: ScoreboardLink;
  stall(ms: number): void;
}

export interface ViewerOptions {
  name: string;
  /** The player who watches, to get own updates. */
  player: string | undefined;
  time: VirtualTime;
  network: Network;
  random: Random;
  slots: readonly FanoutSlot[];
  write: (event: SocketEvent) => void;
}

const NS_PER_MS = 1_000_000;

export function openViewer({ name, player, time, network, random, slots, write }: ViewerOptions): Viewer {
  let connection = 0;
  let current: Pipe | undefined;
  const link = new ScoreboardLink(
    { url: 'ws://fanout/live' },
    {
      network: { online: () => true, onWake: () => () => {} },
      random: () => random.next(),
      open(url, _protocols, handlers) {
        connection += 1;
        const where = { socket: name, connection };
        const stamp = () => ({ ...where, monoNs: time.nowMs() * NS_PER_MS });
        let heard = true;
        const pipe = openPipe(time, network, {
          received(text) {
            if (!heard) return;
            const event = toSocketEvent(text, stamp());
            if (event !== undefined) write(event);
            handlers.received(text);
          },
          closed(code, reason) {
            if (!heard) return;
            write({ ...stamp(), kind: 'closed' });
            handlers.closed(code, reason);
          },
        });
        current = pipe;
        const slot = random.pick(slots);
        time.after(network.delayMs(), () => {
          if (slot.server.state !== 'up') return pipe.end(1006, '');
          if (heard) {
            write({ ...stamp(), kind: 'opened' });
            handlers.opened();
          }
          slot.node.accept(pipe, positionOf(url), player);
        });
        return {
          send: (text) => pipe.send(text),
          leave() {
            if (heard) write({ ...stamp(), kind: 'closed' });
            heard = false;
            pipe.end(4000, '');
          },
        };
      },
    },
  );
  return { link, stall: (ms) => current?.stall(ms) };
}

function positionOf(url: string): { epoch: number; seq: number } | undefined {
  const parameters = new URL(url).searchParams;
  const [epoch, seq] = [parameters.get('epoch'), parameters.get('seq')];
  return epoch === null || seq === null ? undefined : { epoch: Number(epoch), seq: Number(seq) };
}
