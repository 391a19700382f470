import { describe, expect, it } from 'vitest';
import {
  describeNatsAddresses,
  groupByLogin,
  parseNatsAddresses,
  parseNatsUrl,
} from '../../../../../services/shared/stores/nats/nats-address.ts';

/** Each address with its credentials in clear text. */
const parsed = (url: string) =>
  parseNatsAddresses(url).map(({ server, tls, login }) =>
    [tls ? 'tls' : 'nats', server, login?.user, login?.pass?.reveal()].filter((part) => part !== undefined),
  );

describe('NATS_URL', () => {
  it.each([
    ['nats://h', [['nats', 'h:4222']]],
    ['nats://h:80', [['nats', 'h:80']]],
    ['127.0.0.1:4222', [['nats', '127.0.0.1:4222']]],
    ['localhost', [['nats', 'localhost:4222']]],
    ['tls://h:443', [['tls', 'h:443']]],
    ['nats://[::1]:4223', [['nats', '[::1]:4223']]],
    ['[::1]', [['nats', '[::1]:4222']]],
    ['nats://u:p@h', [['nats', 'h:4222', 'u', 'p']]],
    ['u:p@h:1', [['nats', 'h:1', 'u', 'p']]],
    ['nats://token@h', [['nats', 'h:4222', 'token']]],
    ['nats://u%40x:p%2C%2F%40%3A@h', [['nats', 'h:4222', 'u@x', 'p,/@:']]],
    [
      'nats://u:p@h1,nats://u:p@h2:2',
      [
        ['nats', 'h1:4222', 'u', 'p'],
        ['nats', 'h2:2', 'u', 'p'],
      ],
    ],
    [
      'nats://u:p@h1, h2',
      [
        ['nats', 'h1:4222', 'u', 'p'],
        ['nats', 'h2:4222', 'u', 'p'],
      ],
    ],
    [
      'h1,nats://u:p@h2,tls://v:q@h3,h4,',
      [
        ['nats', 'h1:4222', 'u', 'p'],
        ['nats', 'h2:4222', 'u', 'p'],
        ['tls', 'h3:4222', 'v', 'q'],
        ['nats', 'h4:4222', 'v', 'q'],
      ],
    ],
  ])('%s is read', (url, addresses) => {
    expect(parsed(url)).toEqual(addresses);
  });

  it.each([
    '',
    ',',
    'http://h',
    'nats://',
    'nats://h:port',
    'nats://h/path',
    'nats://h?x=1',
    'nats://u:%zz@h',
  ])('"%s" is refused with an example', (url) => {
    expect(() => parseNatsAddresses(url)).toThrow(/^NATS_URL must be a list of addresses such as nats:/);
  });

  it.each([
    [
      'nats://u@h1,nats://u@h2',
      [
        ['h1:4222', 'secret/1'],
        ['h2:4222', 'secret/1'],
      ],
    ],
    [
      'u@h1,h2',
      [
        ['h1:4222', 'secret/1'],
        ['h2:4222', 'secret/1'],
      ],
    ],
    ['nats://u:old@h1', [['h1:4222', 'secret/1']]],
  ])('%s takes a password that is kept apart', (url, expected) => {
    const whole = parseNatsUrl({ NATS_URL: url, NATS_PASSWORD: 'secret/1' }).reveal();
    expect(parsed(whole).map(([, server, , pass]) => [server, pass])).toEqual(expected);
  });

  it('needs a name for a password that is kept apart', () => {
    expect(() => parseNatsUrl({ NATS_URL: 'nats://h', NATS_PASSWORD: 'x' })).toThrow('name of the user');
  });

  it('is told without its passwords', () => {
    expect(describeNatsAddresses('nats://u:secret@h1,tls://token@h2:1')).toBe('nats://h1:4222,tls://h2:1');
  });

  it('is one group of servers for each credentials', () => {
    const groups = groupByLogin(parseNatsAddresses('nats://u:p@a,nats://v:p@b,nats://u:p@c,d'));
    expect(groups.map((group) => group.map(({ server }) => server))).toEqual([
      ['a:4222', 'c:4222', 'd:4222'],
      ['b:4222'],
    ]);
  });
});
