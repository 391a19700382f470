/** Finds circles: files, or folders, that import each other directly or through others. */
import { dirname } from 'node:path';
import { type Import, importsIn, type Sources } from './imports.ts';

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** Each circle as the list of its imports, "a.ts -> b.ts". */
export function circlesOfFiles(sources: Sources): string[][] {
  return circlesAmong(importsBetween(sources), (file) => file);
}

/** Likewise between folders. A folder is its own files, without those of the folders in it. */
export function circlesOfFolders(sources: Sources): string[][] {
  return circlesAmong(importsBetween(sources), dirname);
}

function importsBetween(sources: Sources): Import[] {
  return importsIn(sources).filter(({ from }) => sources.has(from));
}

function circlesAmong(imports: readonly Import[], placeOf: (file: string) => string): string[][] {
  const graph = new Map<string, Set<string>>();
  for (const { file, from } of imports) {
    const [place, target] = [placeOf(file), placeOf(from)];
    const targets = graph.get(place) ?? new Set();
    graph.set(place, targets);
    // A file that imports itself is a circle; a folder whose files import each other is not.
    if (place !== target || file === from) targets.add(target);
  }
  return componentsOf(graph).map((places) =>
    imports
      .filter(({ file, from }) => places.has(placeOf(file)) && places.has(placeOf(from)))
      .filter(({ file, from }) => placeOf(file) !== placeOf(from) || file === from)
      .map(({ file, from }) => `${file} -> ${from}`)
      .sort(),
  );
}

/** The sets of places that reach each other. */
function componentsOf(graph: Graph): Set<string>[] {
  const reach = new Map([...graph.keys()].map((place) => [place, reachableFrom(graph, place)]));
  const seen = new Set<string>();
  const components: Set<string>[] = [];
  for (const [place, targets] of reach) {
    if (seen.has(place) || !targets.has(place)) continue;
    const component = new Set([...targets].filter((target) => reach.get(target)?.has(place)));
    for (const member of component) seen.add(member);
    components.push(component);
  }
  return components;
}

function reachableFrom(graph: Graph, start: string): Set<string> {
  const reached = new Set<string>();
  const open = [...(graph.get(start) ?? [])];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (reached.has(place)) continue;
    reached.add(place);
    open.push(...(graph.get(place) ?? []));
  }
  return reached;
}
