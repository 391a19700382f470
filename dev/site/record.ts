/**
 * Writes DATA_DIR/stack.json, in which commands find the running stack. The data folder is locked while a stack runs, so only one
 * process writes. Only the first write must succeed: a disk that fills up later must not end the stack.
 */
import { rmSync } from 'node:fs';
import { replaceFile } from '../../services/shared/files/replace-file.ts';
import {
  type StackFile,
  type StackProcess,
  stackFilePath,
} from '../../services/shared/identity/stack-file.ts';
import type { Mode } from '../../services/shared/settings/mode.ts';

export type StackRecord = ReturnType<typeof openStackRecord>;

export function openStackRecord(dataDir: string, mode: Mode, onError: (line: string) => void) {
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
    /** Throws if the file can't be written. */
    create: write,
    setAddresses(addresses: NonNullable<StackFile['addresses']>): void {
      file.addresses = addresses;
      attempt(write);
    },
    setProcess(name: string, running: StackProcess): void {
      file.processes[name] = running;
      attempt(write);
    },
    remove: () => attempt(() => rmSync(path, { force: true })),
  };
}
