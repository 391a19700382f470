/** Takes JetStream away from a running private nats-server, which goes on and answers, and gives it back. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function setJetStream({ dataDir, pid }: { dataDir: string; pid: number }, isEnabled: boolean): void {
  const path = join(dataDir, 'nats.conf');
  const { jetstream, ...others } = JSON.parse(readFileSync(path, 'utf8'));
  const kept = { ...others, ...(isEnabled && { jetstream: { store_dir: dataDir } }) };
  writeFileSync(path, JSON.stringify(kept));
  process.kill(pid, 'SIGHUP');
}
