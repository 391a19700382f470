/** The imports between source files, read from their text. */
import { dirname, join, normalize } from 'node:path';

export interface Import {
  readonly file: string;
  /** The path of a file of ours, or the name of a package. */
  readonly from: string;
}

/** Text by path, relative to the folder of the repository. */
export type Sources = ReadonlyMap<string, string>;

const IMPORT =
  /(?:^|\n)\s*(?:import|export)[^;]*?from '([^']+)'|import\('([^']+)'\)|(?:^|\n)import '([^']+)'/g;

/** All imports, also those of types and dynamic ones. */
export function importsIn(sources: Sources): Import[] {
  return [...sources].flatMap(([file, text]) =>
    [...text.matchAll(IMPORT)].map((match) => {
      const from = match[1] ?? match[2] ?? match[3] ?? '';
      return { file, from: from.startsWith('.') ? normalize(join(dirname(file), from)) : from };
    }),
  );
}
