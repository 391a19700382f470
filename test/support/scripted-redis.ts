/** A Redis client without a Redis: commands are noted and answered as the test says. For what a client does with answers. */
import { EventEmitter } from 'node:events';
import type { RedisClient } from '../../services/shared/redis.ts';

export interface ScriptCall {
  /** The name under which the script was defined. */
  readonly name: string;
  readonly keys: readonly string[];
  readonly args: ReadonlyArray<string | number>;
}

export class ScriptedRedis extends EventEmitter {
  status = 'ready';
  /** Every call of a script so far. */
  readonly calls: ScriptCall[] = [];
  /** The text of each script that was defined. */
  readonly scripts = new Map<string, string>();
  /** What the next calls of scripts answer. */
  answer: (call: ScriptCall) => unknown = () => {
    throw new Error('no answer was agreed on');
  };
  /** Plain commands by name, such as `get`, in lower case. */
  [command: string]: unknown;

  defineCommand(name: string, { lua }: { lua: string }): void {
    this.scripts.set(name, lua);
    this[name] = async (count: number, ...rest: Array<string | number>) => {
      const call = { name, keys: rest.slice(0, count).map(String), args: rest.slice(count) };
      this.calls.push(call);
      return this.answer(call);
    };
  }

  get client(): RedisClient {
    return this as unknown as RedisClient;
  }
}
