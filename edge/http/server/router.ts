/** Finds the handlers of a path: most paths are exact, and some have one part that varies, such as the name of a board. */

/** Handlers by path, then by method. A GET route also answers HEAD. A name in braces stands for any text without a slash. */
export type Routes<Handler> = ReadonlyMap<string, ReadonlyMap<string, Handler>>;

export interface Found<Handler> {
  /** The path as it is registered. */
  readonly route: string;
  /** What the path has at the place of the braces; empty if there are none. */
  readonly part: string;
  readonly methods: ReadonlyMap<string, Handler>;
}

const TEMPLATE = /^([^{]*)\{\w+\}([^{]*)$/;

export function createRouter<Handler>(routes: Routes<Handler>) {
  const exact = new Map<string, Found<Handler>>();
  const templates: { route: string; start: string; end: string; methods: ReadonlyMap<string, Handler> }[] =
    [];
  for (const [route, methods] of routes) {
    const [, start, end] = TEMPLATE.exec(route) ?? [];
    if (start === undefined || end === undefined) exact.set(route, { route, part: '', methods });
    else templates.push({ route, start, end, methods });
  }
  return (path: string): Found<Handler> | undefined => {
    const found = exact.get(path);
    if (found !== undefined) return found;
    for (const { route, start, end, methods } of templates) {
      if (!path.startsWith(start) || !path.endsWith(end)) continue;
      const part = path.slice(start.length, path.length - end.length);
      if (part !== '' && !part.includes('/')) return { route, part, methods };
    }
    return undefined;
  };
}
