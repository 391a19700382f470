import type { Scenario } from './scenario.ts';
export const growth: Scenario = async () => [];
