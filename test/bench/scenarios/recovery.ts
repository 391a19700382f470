import type { Scenario } from './scenario.ts';
export const recovery: Scenario = async () => [];
