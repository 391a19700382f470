/** The gRPC methods of boards' settings: the service `cli` creates and changes boards, and the edge lists them. */
import { BoardsService } from '../../../gen/scoreboard/score/v1/boards_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import { registerService, type ServiceRegistration } from '../../shared/grpc/grpc.ts';
import type { LogOperatorAction } from '../../shared/telemetry/operator-log.ts';
import {
  parseDecimals,
  parseOperator,
  parseOrder,
  parseState,
  parseUnit,
} from '../../shared/values/board-settings.ts';
import { DEFAULT_LEADERBOARD, parseLeaderboard } from '../../shared/values/identifiers.ts';
import type { BoardSettings, SettingsStore } from './settings-store.ts';

const LIST_DEFAULT = 100;
const LIST_MAX = 1_000;

export interface BoardsRpcOptions {
  settings: SettingsStore;
  logAction: LogOperatorAction;
}

export function createBoardsRpc({ settings, logAction }: BoardsRpcOptions): ServiceRegistration {
  const find = async (name: string): Promise<BoardSettings | undefined> =>
    (await settings.list({ name, after: '', limit: 1, openOnly: false }))[0];

  const whyNot = async (name: string) =>
    new AppError((await find(name)) === undefined ? 'BOARD_NOT_FOUND' : 'BOARD_HAS_SCORES');

  return registerService(
    BoardsService,
    {
      async createBoard({ name, operator, order, decimals, unit }, context) {
        const created = await settings.create({
          name: parseName(name),
          operator: parseOperator(operator || 'sum'),
          order: parseOrder(order || 'descending'),
          decimals: parseDecimals(decimals),
          unit: parseUnit(unit),
        });
        if (created === undefined) throw new AppError('BOARD_EXISTS');
        logAction(context, 'board created', { ...created });
        return { board: toWire(created) };
      },

      async setBoard({ name: given, operator, order, decimals, unit, state }, context) {
        const name = parseName(given);
        const before = await find(name);
        const after = await settings.set(name, {
          operator: operator === undefined ? undefined : parseOperator(operator),
          order: order === undefined ? undefined : parseOrder(order),
          decimals: decimals === undefined ? undefined : parseDecimals(decimals),
          unit: unit === undefined ? undefined : parseUnit(unit),
          state: state === undefined ? undefined : parseState(state),
        });
        if (after === undefined) throw await whyNot(name);
        logAction(context, 'board changed', { before: before ?? null, after });
        return { board: toWire(after) };
      },

      async deleteBoard({ name: given }, context) {
        const name = parseName(given);
        if (name === DEFAULT_LEADERBOARD) throw new AppError('BOARD_NEEDED');
        if (!(await settings.delete(name))) throw await whyNot(name);
        logAction(context, 'board deleted', { name });
        return {};
      },

      async listBoards({ name, after, limit, openOnly }) {
        if (limit > LIST_MAX) throw new AppError('LIMIT_INVALID');
        const query = { name: name === '' ? undefined : parseName(name), after, openOnly };
        const listed = await settings.list({ ...query, limit: limit || LIST_DEFAULT });
        return { boards: listed.map(toWire) };
      },
    },
    { createBoard: ['cli'], setBoard: ['cli'], deleteBoard: ['cli'], listBoards: ['cli', 'edge'] },
  );
}

/** An empty name is no board here, not the default one: the operator names the board. */
function parseName(name: string): string {
  if (name === '') throw new AppError('LEADERBOARD_INVALID');
  return parseLeaderboard(name);
}

function toWire({ createdAtMs, ...board }: BoardSettings) {
  return { ...board, createdAtUnixMs: BigInt(Math.floor(createdAtMs)) };
}
