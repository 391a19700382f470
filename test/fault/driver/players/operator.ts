/** What an operator does about players: sets the rules of boards, and shuts players out. Past every fault. */
import { readFileSync } from 'node:fs';
import { LimitsService } from '../../../../gen/scoreboard/score/v1/limits_pb.ts';
import { keyFile } from '../../../../services/provision/secrets.ts';
import { createGrpcClient } from '../../../../services/shared/grpc/grpc.ts';
import { secretsDir } from '../../../../services/shared/identity/stack-file.ts';
import type { BoardRule } from '../../record/record.ts';
import type { FaultStack } from '../stack/stack.ts';

export interface Operator {
  setRule(rule: BoardRule): Promise<void>;
  quarantine(userId: string): Promise<void>;
  close(): void;
}

const call = { limitMs: 5_000 };

export function createOperator({ dataDir, direct }: Pick<FaultStack, 'dataDir' | 'direct'>): Operator {
  const limits = createGrpcClient(LimitsService, {
    address: direct.scoreAddress,
    serviceKey: readFileSync(keyFile(secretsDir(dataDir), 'cli'), 'utf8').trim(),
    unavailable: 'SCORE_UNAVAILABLE',
  });
  const whole = (value: number | undefined) => (value === undefined ? undefined : BigInt(value));
  return {
    async setRule({ leaderboard, kind, maxPoints, minIntervalMs, window }) {
      const rule = {
        ...{ leaderboard, kind, maxPoints: whole(maxPoints), minIntervalMs: whole(minIntervalMs) },
        ...{ windowMs: whole(window?.ms), maxWindowActions: whole(window?.maxActions) },
      };
      await limits.setLimits({ limits: rule }, call);
    },
    async quarantine(userId) {
      await limits.quarantinePlayer({ userId }, call);
    },
    close: () => limits.close(),
  };
}
