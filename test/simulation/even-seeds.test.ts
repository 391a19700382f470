import { it } from 'vitest';
import { judgeShare, LIMIT_MS } from './judge.ts';

it('the simulated scoreboard keeps every promise under every even seed', () => judgeShare(2), LIMIT_MS);
