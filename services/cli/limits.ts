/** What players may do, who stands out, and who is shut out, as the operator reads and changes it. */
import type {
  LimitsService,
  PlayerFlag,
  BoardLimits as WireLimits,
} from '../../gen/scoreboard/score/v1/limits_pb.ts';
import type { GrpcClient } from '../shared/grpc.ts';
import type { LimitsCommand } from './limits-words.ts';

export type LimitsClient = GrpcClient<typeof LimitsService>;
type Write = (text: string) => Promise<void>;

const call = { deadlineMs: 10_000 };
const LIMIT_HEADINGS = [
  'board',
  'kind',
  'max points',
  'max window points',
  'max window actions',
  'window s',
  'min interval ms',
];
const FLAG_HEADINGS = ['board', 'player', 'reason', 'times', 'first', 'last', 'detail'];

/** The exit code: 1 when a player was shut out, or let in again, before. */
export async function runLimits(client: LimitsClient, command: LimitsCommand, write: Write): Promise<number> {
  switch (command.name) {
    case 'limits show': {
      const { limits } = await client.listLimits({ leaderboard: command.leaderboard }, call);
      await write(table([LIMIT_HEADINGS, ...limits.map(limitColumns)]));
      return 0;
    }
    case 'limits set':
      await client.setLimits({ limits: command.limits }, call);
      return 0;
    case 'flags list': {
      const { flags, total } = await client.listFlags({ limit: command.limit }, call);
      await write(`${table([FLAG_HEADINGS, ...flags.map(flagColumns)])}${total} flags\n`);
      return 0;
    }
    case 'flags clear': {
      const { cleared } = await client.clearFlags({ userId: command.userId }, call);
      await write(`${cleared} cleared\n`);
      return 0;
    }
    case 'quarantine list': {
      const { userIds } = await client.listQuarantined({}, call);
      await write(userIds.map((userId) => `${userId}\n`).join(''));
      return 0;
    }
    case 'quarantine':
      return (await client.quarantinePlayer({ userId: command.userId }, call)).changed ? 0 : 1;
    case 'release':
      return (await client.releasePlayer({ userId: command.userId }, call)).changed ? 0 : 1;
  }
}

/** Tab-separated, one line each. */
function table(rows: readonly string[][]): string {
  return rows.map((columns) => `${columns.join('\t')}\n`).join('');
}

function limitColumns(limits: WireLimits): string[] {
  const { windowMs } = limits;
  const windowS = windowMs === undefined ? undefined : Number(windowMs) / 1_000;
  const values = [
    limits.maxPoints,
    limits.maxWindowPoints,
    limits.maxWindowActions,
    windowS,
    limits.minIntervalMs,
  ];
  return [limits.leaderboard, limits.kind || '-', ...values.map((value) => String(value ?? '-'))];
}

function flagColumns({ leaderboard, userId, reason, times, detail, ...flag }: PlayerFlag): string[] {
  const time = (unixMs: bigint) => new Date(Number(unixMs)).toISOString();
  return [
    ...[leaderboard, userId, reason, String(times)],
    ...[time(flag.firstAtUnixMs), time(flag.lastAtUnixMs), detail],
  ];
}
