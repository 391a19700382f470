import { beforeEach, describe, expect, test } from 'vitest';
import { type Admission, createAdmission } from '../../../../../edge/fanout/sockets/admission.ts';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';
import { parseNetworks } from '../../../../../services/shared/net/networks.ts';

let nowMs: number;
let admission: Admission;

/** A node of 100 sockets a second: one address has 25 of them at once and 5 a second. */
const start = (
  limits: { maxSockets?: number; maxSocketsPerAddress?: number; maxUpgradesPerS?: number } = {},
) =>
  createAdmission({
    ...{ maxSockets: 1_000, maxSocketsPerAddress: 1_000, maxUpgradesPerS: 100, ...limits },
    addressLimitExempt: parseNetworks(['10.0.0.0/8']),
    monotonicMs: () => nowMs,
  });

beforeEach(() => {
  nowMs = 1_000;
  admission = start();
});

/** What each attempt came to; a socket that was admitted is closed at once. */
function attempt(address: string, count = 1): string[] {
  return Array.from({ length: count }, () => {
    try {
      admission.release(admission.admit(address));
      return 'admitted';
    } catch (error) {
      if (error instanceof AppError) return error.reason;
      throw error;
    }
  });
}
const admitted = (outcomes: readonly string[]) => outcomes.filter((outcome) => outcome === 'admitted').length;

describe('the upgrades of one address', () => {
  test('are a quarter of the burst of a node, and refused ones take nothing from others', () => {
    expect(admitted(attempt('192.0.2.1', 1_000))).toBe(25);
    expect(attempt('192.0.2.1')).toEqual(['RATE_LIMITED']);
    for (const host of [2, 3]) expect(admitted(attempt(`192.0.2.${host}`, 25))).toBe(25);
    expect(attempt('192.0.2.4')).toEqual(['admitted']);
  });

  test('are at most what they leave to others, when several use up the burst of a node', () => {
    const hosts = Array.from({ length: 60 }, (_, host) => `192.0.2.${host}`);
    expect(hosts.slice(0, 6).map((host) => admitted(attempt(host, 25)))).toEqual([25, 25, 25, 13, 6, 3]);
    expect(attempt('192.0.2.99')).toEqual(['admitted']);
  });

  test('of a newcomer are found while many addresses ask for more than the node has, and the node is used', () => {
    admission = start({ maxUpgradesPerS: 200 });
    const greedy = Array.from({ length: 60 }, (_, host) => `192.0.2.${host}`);
    const refused: number[] = [];
    let used = 0;
    for (let tick = 0; tick < 300; tick += 1) {
      nowMs += 100;
      const newcomer = `198.51.100.${tick % 250}`;
      const wave = [...greedy.slice(tick % 60), ...greedy.slice(0, tick % 60)];
      const now = wave.reduce((sum, host) => sum + admitted(attempt(host, 5)), 0);
      if (tick >= 200) used += now;
      const [outcome] = attempt(newcomer);
      // In the first seconds the greedy are as new.
      if (tick >= 50 && outcome !== 'admitted') refused.push(tick);
    }
    expect(refused).toEqual([]);
    expect(used).toBeGreaterThan(1_800);
  });

  test('are refilled at a twentieth of the rate of a node, and the refusal says when', () => {
    attempt('192.0.2.1', 25);
    let waitMs = 0;
    try {
      admission.admit('192.0.2.1');
    } catch (error) {
      if (error instanceof AppError) waitMs = error.retryAfterMs;
    }
    expect(waitMs).toBe(200);
    nowMs += waitMs;
    expect(attempt('192.0.2.1', 2)).toEqual(['admitted', 'RATE_LIMITED']);
  });

  test('count together for the whole /64 of an IPv6 subscriber, and for an IPv4 address in any spelling', () => {
    const hosts = Array.from({ length: 30 }, (_, host) => `2001:db8:0:1::${host.toString(16)}`);
    expect(admitted(hosts.flatMap((host) => attempt(host)))).toBe(25);
    expect(attempt('2001:db8:0:2::1')).toEqual(['admitted']);
    attempt('192.0.2.1', 25);
    expect(attempt('0000:0000:0000:0000:0000:ffff:c000:0201')).toEqual(['RATE_LIMITED']);
  });

  test('are those of four addresses for an IPv6 site', () => {
    const networks = Array.from({ length: 30 }, (_, network) => `2001:db8:0:${network.toString(16)}::1`);
    admission = start({ maxUpgradesPerS: 1_000 });
    expect(admitted(networks.flatMap((network) => attempt(network, 50)))).toBe(800);
    nowMs += 1_000;
    expect(admitted(networks.flatMap((network) => attempt(network, 50)))).toBe(200);
    expect(attempt('2001:db8:1:1::1')).toEqual(['admitted']);
  });

  test('are limited by the node only if the address is exempt', () => {
    expect(admitted(attempt('10.1.2.3', 200))).toBe(100);
    expect(attempt('10.1.2.3')).toEqual(['NODE_FULL']);
  });
});

test('the sockets of one address are limited, and each that closes makes room', () => {
  admission = start({ maxSocketsPerAddress: 2 });
  const first = admission.admit('192.0.2.1');
  admission.admit('192.0.2.1');
  expect(attempt('192.0.2.1')).toEqual(['RATE_LIMITED']);
  expect(attempt('192.0.2.2')).toEqual(['admitted']);
  admission.release(first);
  expect(attempt('192.0.2.1')).toEqual(['admitted']);
});

test('the sockets of an IPv6 site are limited to those of four addresses', () => {
  admission = start({ maxSocketsPerAddress: 2 });
  const held = Array.from({ length: 8 }, (_, network) => admission.admit(`2001:db8:0:${network}::1`));
  expect(new Set(held.map((share) => share?.site)).size).toBe(1);
  expect(attempt('2001:db8:0:9::1')).toEqual(['RATE_LIMITED']);
  expect(attempt('2001:db8:1:9::1')).toEqual(['admitted']);
  admission.release(held[0]);
  expect(attempt('2001:db8:0:9::1')).toEqual(['admitted']);
});

test('the sockets of an address are at most as many as it leaves free, so that newcomers find room', () => {
  admission = start({ maxSockets: 100, maxUpgradesPerS: 10_000 });
  const hold = (address: string) => {
    let held = 0;
    try {
      for (; held < 200; held += 1) admission.admit(address);
    } catch {}
    return held;
  };
  expect(['192.0.2.1', '192.0.2.2', '192.0.2.3'].map(hold)).toEqual([50, 25, 13]);
  expect(hold('198.51.100.1')).toBeGreaterThan(0);
  expect(attempt('198.51.100.2')).toEqual(['admitted']);
});

test('the sockets of a node are limited', () => {
  admission = start({ maxSockets: 1 });
  const first = admission.admit('192.0.2.1');
  expect(attempt('192.0.2.2')).toEqual(['NODE_FULL']);
  admission.release(first);
  expect(attempt('192.0.2.2')).toEqual(['admitted']);
});
