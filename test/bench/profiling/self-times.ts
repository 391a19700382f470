/** Which functions a process spent its CPU time in, from the profiles that a run left behind. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The parts of a .cpuprofile that we read. */
export interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  readonly place: string;
  readonly ms: number;
  /** Of all time but idle. */
  readonly share: number;
}

const SHOWN = 20;
const IDLE = '(idle)';

/** What makes Node load the profiler into every process of the product. */
export function profilerOption(dir: string): string {
  const url = new URL('./profiler.ts', import.meta.url);
  url.searchParams.set('dir', dir);
  return `--import=${url.href}`;
}

export function selfTimes({ nodes, samples, timeDeltas }: Profile): SelfTime[] {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [at, id] of samples.entries()) {
    const place = places.get(id) ?? '';
    times.set(place, (times.get(place) ?? 0) + (timeDeltas[at] ?? 0) / 1000);
  }
  times.delete(IDLE);
  const busy = [...times.values()].reduce((sum, ms) => sum + ms, 0);
  return [...times]
    .map(([place, ms]) => ({ place, ms, share: ms / Math.max(1, busy) }))
    .sort((a, b) => b.ms - a.ms);
}

/** The top of every profile in the folder, as text. */
export function summarise(dir: string): string {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => {
      const profile = JSON.parse(readFileSync(join(dir, name), 'utf8')) as Profile;
      const rows = selfTimes(profile)
        .slice(0, SHOWN)
        .map(
          ({ place, ms, share }) =>
            `  ${(share * 100).toFixed(1).padStart(5)} % ${ms.toFixed(0).padStart(7)} ms  ${place}`,
        );
      return [basename(name, '.cpuprofile'), ...rows].join('\n');
    })
    .join('\n');
}

function placeOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const root = pathToFileURL(process.cwd()).href;
  return `${name} ${url.replace(`${root}/`, '').replace('node_modules/', '')}:${lineNumber + 1}`;
}
