/**
 * DATA_DIR/stack.json: who runs here. It is the lock that keeps two stacks off the same data, the directory in which
 * commands find the stack, and the list by which a later start finds what a killed supervisor left behind.
 */
import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Mode } from '../shared/mode.ts';
import { replaceFile } from '../shared/replace-file.ts';
import { readStackFile, type StackFile, type StackProcess, stackFilePath } from '../shared/stack-file.ts';
import { isSupervisor } from './leftovers.ts';

export interface StackRecord {
  setAddresses(addresses: NonNullable<StackFile['addresses']>): void;
  setProcess(name: string, process: StackProcess): void;
  remove(): void;
}

/** Somebody else may take a stale record away in the same moment. */
const ATTEMPTS = 20;

/** Takes the data folder for this process; `endStale` clears up after one that was killed. Throws while another runs. */
export async function claimDataDir(
  dataDir: string,
  mode: Mode,
  endStale: (file: StackFile) => Promise<void>,
): Promise<StackRecord> {
  mkdirSync(dataDir, { recursive: true });
  const path = stackFilePath(dataDir);
  const file: StackFile = { pid: process.pid, mode, processes: {} };
  const draft = `${path}.${process.pid}.new`;
  for (let attempt = 1; ; attempt += 1) {
    const other = readStackFile(dataDir);
    if (other !== undefined && isSupervisor(other.pid)) {
      throw new Error(
        `a stack runs in ${dataDir} already (process ${other.pid}): stop it, or set DATA_DIR and the ports`,
      );
    }
    if (other !== undefined) {
      await endStale(other);
      rmSync(path, { force: true });
    }
    try {
      writeFileSync(draft, JSON.stringify(file), { mode: 0o600 });
      // Unlike a rename, a link never replaces what is there: one of two starts at the same moment loses.
      linkSync(draft, path);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === ATTEMPTS) throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  }
  const write = () => replaceFile(path, `${JSON.stringify(file, null, 2)}\n`);
  return {
    setAddresses(addresses) {
      file.addresses = addresses;
      write();
    },
    setProcess(name, running) {
      file.processes[name] = running;
      write();
    },
    remove: () => rmSync(path, { force: true }),
  };
}
