import { describe, expect, it } from 'vitest';
import { createIndexKeys } from '../../../../services/rank/index/index-keys.ts';
import { natsNames, parseNamespace, redisPrefix } from '../../../../services/shared/stores/names.ts';

describe('NAMESPACE', () => {
  it('is scoreboard if it is not set', () => {
    expect(parseNamespace({})).toBe('scoreboard');
  });

  it.each(['a', 'sb', 'staging-2', 'scores', 'a'.repeat(31)])('may be %s', (namespace) => {
    expect(parseNamespace({ NAMESPACE: namespace })).toBe(namespace);
  });

  it.each(['A', '2a', '-a', 'a.b', 'a:b', 'a*', 'a>b', 'a b', 'a_b', 'é', 'a'.repeat(32)])(
    'may not be %s',
    (namespace) => {
      expect(() => parseNamespace({ NAMESPACE: namespace })).toThrow(/^NAMESPACE must be/);
    },
  );
});

describe('the names of the default namespace', () => {
  it('are those that deployments had before', () => {
    const { stream, subject, consumer } = natsNames('scoreboard');
    expect([stream, subject('global'), subject('*'), consumer('x')]).toEqual([
      ...['SCORES', 'scores.global', 'scores.*', 'fanout-x'],
    ]);
    const keys = createIndexKeys('scoreboard');
    expect([keys.pointer, keys.probe, keys.seen(5n), keys.pattern()]).toEqual([
      ...['sb:epoch', 'sb:probe', 'sb:5:seen', 'sb:[0-9]*:*'],
    ]);
    expect(keys.of(5n, 'global')).toEqual([
      ...['sb:epoch', 'sb:5:global:order', 'sb:5:global:players', 'sb:5:global:board'],
    ]);
  });
});

describe('the names of two namespaces', () => {
  // Also names that could be mistaken for parts of others' names.
  const NAMESPACES = ['scoreboard', 'a', 'b', 'ab', 'a-b', 'sb', 'scores', 'fanout', 'epoch'];
  const pairs = NAMESPACES.flatMap((one) => NAMESPACES.map((other) => [one, other] as const)).filter(
    ([one, other]) => one !== other,
  );
  /** Whether a subject with wildcards takes in another, as NATS decides. */
  const takesIn = (pattern: string, subject: string) => {
    const [parts, tokens] = [pattern.split('.'), subject.split('.')];
    return parts.length === tokens.length && parts.every((part, at) => part === '*' || part === tokens[at]);
  };

  it.each(pairs)('%s and %s have nothing in common in NATS', (one, other) => {
    const [ours, theirs] = [natsNames(one), natsNames(other)];
    expect(ours.stream).not.toBe(theirs.stream);
    for (const board of ['global', 'scores', 'a'])
      expect(takesIn(ours.subject('*'), theirs.subject(board))).toBe(false);
    expect(ours.consumer('x')).not.toBe(theirs.consumer('x'));
  });

  it.each(pairs)('%s and %s have nothing in common in Redis', (one, other) => {
    const [ours, theirs] = [createIndexKeys(one), createIndexKeys(other)];
    const keysOf = ({ pointer, probe, seen, deployment, of }: typeof ours) => [
      ...[pointer, probe, deployment, seen(5n)],
      ...of(5n, 'global'),
      ...of(12n, 'a'),
    ];
    expect(keysOf(ours).filter((key) => keysOf(theirs).includes(key))).toEqual([]);
    for (const key of [...keysOf(theirs), `${redisPrefix(other)}rate:user:ada`]) {
      expect(ours.epochOf(key)).toBeUndefined();
      expect(ours.boardOf(key)).toBeUndefined();
      // The pattern begins with the prefix, which holds no wildcard.
      expect(key.startsWith(redisPrefix(one)) && /^\d/.test(key.slice(redisPrefix(one).length))).toBe(false);
    }
  });
});
