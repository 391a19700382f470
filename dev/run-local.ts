/** Runs a whole scoreboard on this machine: starts it, waits for the signal to stop, and stops it. */
import { parseArgs } from 'node:util';
import { reachableHost } from '../services/shared/net/host-port.ts';
import type { Environment } from '../services/shared/settings/env.ts';
import { parseLocalConfig } from './config.ts';
import { createTerminal, type Terminal } from './host/terminal.ts';
import { pathWithServers } from './install/install.ts';
import { addressOf, type LocalConfig } from './site/local-config.ts';
import { startStack } from './stack.ts';

const USAGE = `usage: npm start, or npm run dev (restarts a process when its sources change)
Settings are environment variables: docs/configuration.md
`;

interface Surroundings {
  readonly argv: readonly string[];
  readonly env: Record<string, string | undefined>;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** Returns the exit code: 0 if it was stopped by the signal, also during the start. */
export async function runLocal(
  { argv, env, stdout, stderr }: Surroundings,
  stop: AbortSignal,
): Promise<number> {
  const terminal = createTerminal(stdout);
  // The stack keeps running if the reader of its output ends.
  stdout.on('error', () => {});
  stop.addEventListener('abort', () => terminal.say('stopping …'));
  try {
    const { help, watch } = parseOptions(argv.slice(2));
    if (help) stdout.write(USAGE);
    else await run(env, { terminal, signal: stop, watch });
    return 0;
  } catch (error) {
    if (stop.aborted) return 0;
    stderr.write(`npm start: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

function parseOptions(args: string[]) {
  return parseArgs({
    args,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      watch: { type: 'boolean', default: false },
    },
  }).values;
}

async function run(
  env: Record<string, string | undefined>,
  { terminal, signal, watch }: { terminal: Terminal; signal: AbortSignal; watch: boolean },
): Promise<void> {
  const settings: Environment = { ...env };
  const config = parseLocalConfig(settings);
  // The private servers inherit PATH.
  env.PATH = pathWithServers(env.PATH);
  const stack = await startStack({ config, terminal, signal, watch });
  terminal.say(`scoreboard ready  http://${pageAddress(config)}`);
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }
  await stack.stop();
}

/** Prefers the name localhost, which people and browsers know. */
function pageAddress(config: LocalConfig): string {
  const isLocal = ['127.0.0.1', '::1'].includes(reachableHost(config.host));
  return isLocal ? `localhost:${config.ports.edge}` : addressOf(config, 'edge');
}
