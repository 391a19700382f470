/** Writes what was found out: the lines alone where they were asked for, and all with the machine's facts under results/. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Line } from '../lines.ts';
import type { Facts } from './hardware.ts';
import { drawSvg } from './svg.ts';

const RESULTS = fileURLToPath(new URL('../results', import.meta.url));

export interface Written {
  readonly paths: readonly string[];
}

/** A run of everything is the one that documents show; any other keeps a name of its own. */
export function writeResults(
  lines: readonly Line[],
  facts: Facts,
  { name, json }: { name: string; json: string | undefined },
): Written {
  mkdirSync(RESULTS, { recursive: true });
  const paths = [`${RESULTS}${name}.json`, `${RESULTS}${name}-facts.json`, `${RESULTS}${name}.svg`];
  const [linesPath = '', factsPath = '', svgPath = ''] = paths;
  writeFileSync(linesPath, asJson(lines));
  writeFileSync(factsPath, asJson(facts));
  writeFileSync(
    svgPath,
    drawSvg(lines, `${facts.machine ?? ''}, Node ${facts.node ?? ''}, revision ${facts.revision ?? ''}`),
  );
  if (json !== undefined) {
    const path = resolve(json);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, asJson(lines));
    paths.push(path);
  }
  return { paths };
}

function asJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
