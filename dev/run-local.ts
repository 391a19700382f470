/** The whole scoreboard on this machine from the command line's view: it starts, runs until told to stop, and ends. */

import { reachableHost } from '../services/shared/net/host-port.ts';
import type { Environment } from '../services/shared/settings/env.ts';
import { addressOf, type LocalConfig, parseLocalConfig } from './config.ts';
import { createTerminal } from './host/terminal.ts';
import { pathWithServers } from './install/install.ts';
import { startStack } from './stack.ts';

interface Surroundings {
  readonly env: Record<string, string | undefined>;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** The exit code: 0 when it was told to stop, however far it had come. */
export async function runLocal({ env, stdout, stderr }: Surroundings, stop: AbortSignal): Promise<number> {
  const terminal = createTerminal(stdout);
  // Whoever read our lines may go; the stack goes on.
  stdout.on('error', () => {});
  stop.addEventListener('abort', () => terminal.say('stopping …'));
  try {
    await run(env, terminal, stop);
    return 0;
  } catch (error) {
    if (stop.aborted) return 0;
    stderr.write(`npm start: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

async function run(
  env: Record<string, string | undefined>,
  terminal: ReturnType<typeof createTerminal>,
  stop: AbortSignal,
): Promise<void> {
  const settings: Environment = { ...env };
  const config = parseLocalConfig(settings);
  // The private servers inherit where programs are.
  env.PATH = pathWithServers(env.PATH);
  const stack = await startStack({ config, terminal, signal: stop });
  terminal.say(`scoreboard ready  http://${pageAddress(config)}`);
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
  await stack.stop();
}

/** By name where that works: browsers and people know it best. */
function pageAddress(config: LocalConfig): string {
  const isLocal = ['127.0.0.1', '::1'].includes(reachableHost(config.host));
  return isLocal ? `localhost:${config.ports.edge}` : addressOf(config, 'edge');
}
