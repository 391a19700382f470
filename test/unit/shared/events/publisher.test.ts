import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { createPublisher } from '../../../../services/shared/events/publisher.ts';
import { systemClock } from '../../../../services/shared/settings/clock.ts';
import { natsNames } from '../../../../services/shared/stores/names.ts';
import type { NatsConnection } from '../../../../services/shared/stores/nats/nats.ts';

const stream = { names: natsNames('scoreboard'), deployment: randomUUID(), at: 'nats://127.0.0.1' };
const sent: string[] = [];
const nats = {
  jetstream: () => ({
    publish: async (_subject: string, _payload: Uint8Array, { msgID }: { msgID: string }) => sent.push(msgID),
  }),
  async *status() {},
  isClosed: () => false,
} as unknown as NatsConnection;
const event = {
  ...{ leaderboard: 'global', players: [], ranks: [], board: undefined, position: undefined, complete: true },
};

it('repeats a batch under the same id, and another process never uses it, though ids come again after a restore', async () => {
  const publisher = createPublisher({ nats, stream, clock: systemClock, keepsStream: true });
  await publisher.publish('o1', event);
  await publisher.publish('o1', event);
  await publisher.publish('o2', event);
  await createPublisher({ nats, stream, clock: systemClock, keepsStream: true }).publish('o1', event);
  const [first, again, next, other] = sent;
  expect(again).toBe(first);
  expect(new Set([first, next, other]).size).toBe(3);
});
