import type { Scenario } from './scenario.ts';
export const overload: Scenario = async () => [];
