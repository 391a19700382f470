import { describe, expect, test } from 'vitest';
import { parseArguments, SCENARIOS } from '../../../bench/scenarios/arguments.ts';

describe('the command line of the bench', () => {
  test('asks for everything when it asks for nothing', () => {
    expect(parseArguments([])).toEqual({
      scenarios: SCENARIOS,
      line: undefined,
      seconds: undefined,
      connections: undefined,
      rounds: 2,
      json: undefined,
      profile: undefined,
      quick: false,
    });
  });

  test('narrows by scenario, time, connections, rounds and file', () => {
    const words =
      '--scenario open --scenario submit --line REST --seconds 3 --connections 64,512 --rounds 4 --json out.json --profile profiles';
    expect(parseArguments(words.split(' '))).toEqual({
      scenarios: ['submit', 'open'],
      line: 'REST',
      seconds: 3,
      connections: [64, 512],
      rounds: 4,
      json: 'out.json',
      profile: 'profiles',
      quick: false,
    });
  });

  test('takes values after an equals sign as well', () => {
    expect(parseArguments(['--scenario=read', '--seconds=2'])).toMatchObject({
      scenarios: ['read'],
      seconds: 2,
    });
  });

  test('runs each contender once when it shall be quick', () => {
    expect(parseArguments(['--quick'])).toMatchObject({ quick: true, rounds: 1 });
  });

  test.each([
    ['--scenario nothing', /no scenario "nothing"/],
    ['--seconds 0', /--seconds must be a whole number from 1/],
    ['--seconds 1.5', /not "1.5"/],
    ['--connections 64,many', /not "many"/],
    ['--json', /--json needs a value/],
    ['--fast yes', /unknown option --fast/],
  ])('refuses %s and says why', (words, why) => {
    expect(() => parseArguments(words.split(' '))).toThrow(why);
  });
});
