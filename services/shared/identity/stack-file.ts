/** DATA_DIR/stack.json: where a running local stack can be reached, for commands and tests. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { holdersOf } from '../files/open-files.ts';
import type { Mode } from '../settings/mode.ts';

export interface StackProcess {
  pid: number;
  port: number;
  /** Only our own processes have an operator's port. */
  adminPort?: number;
}

export interface StackFile {
  /** The supervisor. */
  pid: number;
  mode: Mode;
  /** Without passwords. Absent until all ports are chosen. */
  addresses?: {
    edgeUrl: string;
    fanoutUrl: string;
    gameUrl: string;
    authAddress: string;
    scoreAddress: string;
    rankAddress: string;
    databaseUrl: string;
    redisUrl: string;
    natsUrl: string;
  };
  processes: Record<string, StackProcess>;
}

export function stackFilePath(dataDir: string): string {
  return join(dataDir, 'stack.json');
}

/** Locked by the supervisor while it runs, and held open by all processes that it started. */
export function stackLockPath(dataDir: string): string {
  return join(dataDir, 'stack.lock');
}

/** Holds the service keys, the servers' passwords and the audit key. */
export function secretsDir(dataDir: string): string {
  return join(dataDir, 'secrets');
}

/** Holds the signing keys and revocations of the auth service. */
export function authKeysDir(dataDir: string): string {
  return join(dataDir, 'auth-keys');
}

/** Holds the log files of all processes. */
export function logsDir(dataDir: string): string {
  return join(dataDir, 'logs');
}

/** Holds the certificates that `npm start` makes in production mode, a folder for each service. */
export function certificatesDir(dataDir: string): string {
  return join(dataDir, 'certificates');
}

/** Undefined when there is none. Throws a message with the path when the file is damaged. */
export function readStackFile(dataDir: string): StackFile | undefined {
  const path = stackFilePath(dataDir);
  const text = readOptional(path);
  if (text === undefined) return undefined;
  const file = parseJson(text);
  if (isStackFile(file)) return file;
  throw new Error(
    `${path} is damaged: stop the stack if it runs; the next "npm start" writes the file again`,
  );
}

/** The same for a stack whose supervisor runs now: a supervisor that was killed leaves its file behind. */
export function readRunningStack(dataDir: string): StackFile | undefined {
  const file = readStackFile(dataDir);
  const isRunning = holdersOf(stackLockPath(dataDir)).some(({ pid }) => pid === file?.pid);
  return isRunning ? file : undefined;
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isStackFile(value: unknown): value is StackFile {
  if (!isRecord(value) || !isRecord(value.processes)) return false;
  const isKnownMode = value.mode === 'development' || value.mode === 'production';
  return isNumber(value.pid) && isKnownMode && Object.values(value.processes).every(isStackProcess);
}

function isStackProcess(value: unknown): boolean {
  return isRecord(value) && isNumber(value.pid) && isNumber(value.port);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A process id or a port. */
function isNumber(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0;
}
