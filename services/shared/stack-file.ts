/** What a running local stack says about itself in DATA_DIR/stack.json, for commands and tests that look for it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mode } from './mode.ts';

export interface StackProcess {
  pid: number;
  port: number;
  /** Only our own processes have the side door. */
  adminPort?: number;
}

export interface StackFile {
  /** The supervisor. */
  pid: number;
  mode: Mode;
  /** Without passwords. Absent until everything is chosen. */
  addresses?: {
    edgeUrl: string;
    fanoutUrl: string;
    gameUrl: string;
    authAddress: string;
    scoreAddress: string;
    databaseUrl: string;
    redisUrl: string;
    natsUrl: string;
  };
  processes: Record<string, StackProcess>;
}

export function stackFilePath(dataDir: string): string {
  return join(dataDir, 'stack.json');
}

/** What `npm start` makes in production mode: a folder for each service. */
export function certificatesDir(dataDir: string): string {
  return join(dataDir, 'certificates');
}

/** Undefined when there is none. */
export function readStackFile(dataDir: string): StackFile | undefined {
  try {
    return JSON.parse(readFileSync(stackFilePath(dataDir), 'utf8')) as StackFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
