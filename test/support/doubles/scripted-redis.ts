/** A Redis client without a Redis: commands are noted and answered as the test says. For what a client does with answers. */
import { EventEmitter } from 'node:events';
import { redisScripts } from '../../../services/provision/redis-users.ts';
import { type RedisClient, scriptDigest } from '../../../services/shared/stores/redis/redis.ts';

/** Every script that is loaded into a Redis for our services, by its digest. */
const NAMES = new Map(redisScripts().map(({ name, text }) => [scriptDigest(text), name]));

export interface ScriptCall {
  /** The script's file, without its ending. */
  readonly name: string;
  readonly keys: readonly string[];
  readonly args: ReadonlyArray<string | number>;
}

export class ScriptedRedis extends EventEmitter {
  status = 'ready';
  /** Every call of a script so far. */
  readonly calls: ScriptCall[] = [];
  /** What the next calls of scripts answer. */
  answer: (call: ScriptCall) => unknown = () => {
    throw new Error('no answer was agreed on');
  };
  /** Plain commands by name, such as `get`, in lower case. */
  [command: string]: unknown;

  async evalsha(digest: string, count: number, ...rest: Array<string | number>): Promise<unknown> {
    const name = NAMES.get(digest);
    if (name === undefined) throw new Error(`no script of ours has the digest ${digest}`);
    const call = { name, keys: rest.slice(0, count).map(String), args: rest.slice(count) };
    this.calls.push(call);
    return this.answer(call);
  }

  get client(): RedisClient {
    return this as unknown as RedisClient;
  }
}
