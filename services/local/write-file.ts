/** Writes a private file whole or not at all: a reader never sees half of it, a crash never leaves half of it. */
import { renameSync, writeFileSync } from 'node:fs';

export function writeFileAtomically(path: string, text: string): void {
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  renameSync(draft, path);
}
