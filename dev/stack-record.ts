/**
 * Writes DATA_DIR/stack.json: in it commands find the stack that runs. The data folder is locked meanwhile, so one process writes.
 * Only the first write must succeed: a disk that is full later ends no stack.
 */
import { rmSync } from 'node:fs';
import { replaceFile } from '../services/shared/files/replace-file.ts';
import { type StackFile, type StackProcess, stackFilePath } from '../services/shared/identity/stack-file.ts';
import type { Mode } from '../services/shared/settings/mode.ts';

export interface StackRecord {
  /** Throws when the file cannot be written. */
  create(): void;
  setAddresses(addresses: NonNullable<StackFile['addresses']>): void;
  setProcess(name: string, process: StackProcess): void;
  remove(): void;
}

export function openStackRecord(dataDir: string, mode: Mode, onError: (line: string) => void): StackRecord {
  const path = stackFilePath(dataDir);
  const file: StackFile = { pid: process.pid, mode, processes: {} };
  const write = () => replaceFile(path, `${JSON.stringify(file, null, 2)}\n`);
  const attempt = (change: () => void) => {
    try {
      change();
    } catch (error) {
      onError(error instanceof Error ? error.message : String(error));
    }
  };
  return {
    create: write,
    setAddresses(addresses) {
      file.addresses = addresses;
      attempt(write);
    },
    setProcess(name, running) {
      file.processes[name] = running;
      attempt(write);
    },
    remove: () => attempt(() => rmSync(path, { force: true })),
  };
}
