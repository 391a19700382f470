import { describe, expect, it } from 'vitest';
import { circlesOfFiles, circlesOfFolders } from '../../../support/sources/circles.ts';

/** A made-up tree: each file with the lines that import. */
const tree = (files: Readonly<Record<string, string>>) => new Map(Object.entries(files));

describe('a circle of files', () => {
  it('is not found in a tree without one', () => {
    const files = tree({
      'a/main.ts': "import { b } from './b.ts';\nimport { c } from '../c/c.ts';\n",
      'a/b.ts': "import { c } from '../c/c.ts';\nimport { readFileSync } from 'node:fs';\n",
      'c/c.ts': '',
    });
    expect(circlesOfFiles(files)).toEqual([]);
    expect(circlesOfFolders(files)).toEqual([]);
  });

  it.each([
    ['an import of a value', "import { a } from './a.ts';"],
    ['an import of a type', "import type { A } from './a.ts';"],
    ['an import over several lines', "import {\n  a,\n  type A,\n} from './a.ts';"],
    ['an import for its effects', "import './a.ts';"],
    ['an export', "export { a } from './a.ts';"],
    ['a dynamic import', "const { a } = await import('./a.ts');"],
    ['the type of an import', "type A = typeof import('./a.ts');"],
  ])('is closed by %s', (_, line) => {
    const files = tree({ 'a.ts': "import { b } from './b.ts';", 'b.ts': line });
    expect(circlesOfFiles(files)).toEqual([['a.ts -> b.ts', 'b.ts -> a.ts']]);
  });

  it('is found over several files, without those that only lead to it or away from it', () => {
    const files = tree({
      'main.ts': "import './x.ts';",
      'x.ts': "import './y.ts';",
      'y.ts': "import './z.ts';\nimport './end.ts';",
      'z.ts': "import './x.ts';",
      'end.ts': '',
    });
    expect(circlesOfFiles(files)).toEqual([['x.ts -> y.ts', 'y.ts -> z.ts', 'z.ts -> x.ts']]);
  });

  it('is found in a file that imports itself', () => {
    expect(circlesOfFiles(tree({ 'a.ts': "import './a.ts';" }))).toEqual([['a.ts -> a.ts']]);
  });

  it('is told apart from another one', () => {
    const files = tree({
      'a.ts': "import './b.ts';",
      'b.ts': "import './a.ts';\nimport './c.ts';",
      'c.ts': "import './d.ts';",
      'd.ts': "import './c.ts';",
    });
    expect(circlesOfFiles(files)).toEqual([
      ['a.ts -> b.ts', 'b.ts -> a.ts'],
      ['c.ts -> d.ts', 'd.ts -> c.ts'],
    ]);
  });
});

describe('a circle of folders', () => {
  it('is found where the files form none', () => {
    const files = tree({
      'unit/one/a.ts': "import '../two/b.ts';",
      'unit/two/b.ts': '',
      'unit/two/c.ts': "import '../one/d.ts';",
      'unit/one/d.ts': '',
    });
    expect(circlesOfFiles(files)).toEqual([]);
    expect(circlesOfFolders(files)).toEqual([
      ['unit/one/a.ts -> unit/two/b.ts', 'unit/two/c.ts -> unit/one/d.ts'],
    ]);
  });

  it('is closed by a room that imports the root of its unit', () => {
    const files = tree({
      'unit/service.ts': "import './room/a.ts';",
      'unit/room/a.ts': "import '../config.ts';",
      'unit/config.ts': '',
    });
    expect(circlesOfFolders(files)).toEqual([
      ['unit/room/a.ts -> unit/config.ts', 'unit/service.ts -> unit/room/a.ts'],
    ]);
  });

  it('is not formed by files of one folder', () => {
    const files = tree({ 'unit/a.ts': "import './b.ts';", 'unit/b.ts': "import './a.ts';" });
    expect(circlesOfFolders(files)).toEqual([]);
  });
});
