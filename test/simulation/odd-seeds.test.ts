import { it } from 'vitest';
import { judgeShare, LIMIT_MS } from './judge.ts';

it('the simulated scoreboard keeps every promise under every odd seed', () => judgeShare(1), LIMIT_MS);
