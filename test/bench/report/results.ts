/** Writes the results under results/, with the machine's facts and a picture, and the lines alone to the file of `--json`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Line } from '../measure/lines.ts';
import type { Facts } from './hardware.ts';
import { drawSvg } from './svg.ts';

const RESULTS = fileURLToPath(new URL('../results', import.meta.url));

/** The files of a run: its lines, the machine's facts, and the picture. */
export function resultPaths(name: string): { lines: string; facts: string; svg: string } {
  return {
    lines: join(RESULTS, `${name}.json`),
    facts: join(RESULTS, `${name}-facts.json`),
    svg: join(RESULTS, `${name}.svg`),
  };
}

/** Returns the paths. A complete run is named `latest`, which the documents show; any other has a name of its own. */
export function writeResults(
  lines: readonly Line[],
  facts: Facts,
  { name, json }: { name: string; json: string | undefined },
): string[] {
  const paths = resultPaths(name);
  const subtitle = `${facts.machine ?? ''}, Node ${facts.node ?? ''}, revision ${facts.revision ?? ''}`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(paths.lines, asJson(lines));
  writeFileSync(paths.facts, asJson(facts));
  writeFileSync(paths.svg, drawSvg(lines, subtitle));
  const written = Object.values(paths);
  if (json === undefined) return written;
  const path = resolve(json);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, asJson(lines));
  return [...written, path];
}

function asJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
