import { describe, expect, test } from 'vitest';
import {
  parseServiceAddresses,
  serviceAddresses,
} from '../../../../services/shared/net/service-addresses.ts';

describe('the addresses of a service', () => {
  test.each([
    ['127.0.0.1:50052', { fixed: ['127.0.0.1:50052'], names: [] }],
    ['[::1]:50052', { fixed: ['[::1]:50052'], names: [] }],
    ['unix:/run/score.sock', { fixed: ['unix:/run/score.sock'], names: [] }],
    ['score:50052', { fixed: [], names: [{ host: 'score', port: 50_052 }] }],
    [
      'dns:///score.games.svc.cluster.local:1',
      { fixed: [], names: [{ host: 'score.games.svc.cluster.local', port: 1 }] },
    ],
    ['dns:score:50052', { fixed: [], names: [{ host: 'score', port: 50_052 }] }],
    ['dns:///10.0.0.1:65535', { fixed: ['10.0.0.1:65535'], names: [] }],
    [
      '10.0.0.1:50052, 10.0.0.2:50052,score:50052,unix:/run/score.sock',
      {
        fixed: ['10.0.0.1:50052', '10.0.0.2:50052', 'unix:/run/score.sock'],
        names: [{ host: 'score', port: 50_052 }],
      },
    ],
  ])('%s', (text, addresses) => {
    expect(parseServiceAddresses(text)).toEqual(addresses);
  });

  test.each([
    ['', ''],
    ['score', 'score'],
    ['score:', 'score:'],
    ['score:0', 'score:0'],
    ['score:65536', 'score:65536'],
    [':50052', ':50052'],
    ['::1:50052', '::1:50052'],
    ['[score]:50052', '[score]:50052'],
    ['[1.2.3.4]:50052', '[1.2.3.4]:50052'],
    ['http://score:50052', 'http://score:50052'],
    ['dns://8.8.8.8/score:50052', 'dns://8.8.8.8/score:50052'],
    ['unix:score.sock', 'unix:score.sock'],
    ['10.0.0.1:50052,,10.0.0.2:50052', ''],
    ['10.0.0.1:50052,score', 'score'],
    ['a b:50052', 'a b:50052'],
  ])('refuses %o and names the part', (text, part) => {
    expect(() => parseServiceAddresses(text)).toThrow(
      new TypeError(`"${part}" is not host:port, dns:///host:port or unix:PATH`),
    );
  });

  test('in a setting are checked at start, and have a default', () => {
    expect(serviceAddresses({}, 'SCORE_ADDRESS')).toBe('127.0.0.1:50052');
    expect(serviceAddresses({ SCORE_ADDRESS: ' a:1 , b:2 ' }, 'SCORE_ADDRESS')).toBe('a:1,b:2');
    expect(() => serviceAddresses({ RANK_ADDRESS: 'rank' }, 'RANK_ADDRESS')).toThrow(
      'RANK_ADDRESS: "rank" is not host:port, dns:///host:port or unix:PATH',
    );
    expect(() => serviceAddresses({ RANK_ADDRESS: ',' }, 'RANK_ADDRESS')).toThrow('RANK_ADDRESS: "" is not');
  });
});
