/** Who owns what root writes into another user's folder. As any other user there is nothing to give away, and files keep their owner. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ensureClosedFolder,
  ensurePrivateFolder,
  replaceFile,
} from '../../../../services/shared/files/replace-file.ts';

const isRoot = process.geteuid?.() === 0;
/** Root may give files to any user; others keep what is theirs. */
const OWNER = isRoot ? 4_242 : (process.geteuid?.() ?? 0);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scoreboard-replace-'));
  chownSync(folder, OWNER, statSync(folder).gid);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string) => join(folder, name);
const ownerOf = (name: string) => statSync(at(name)).uid;
const modeOf = (name: string) => (statSync(at(name)).mode & 0o777).toString(8);

describe('a file', () => {
  it('that is new belongs to the owner of its folder, and is private', () => {
    replaceFile(at('new'), 'text');
    expect([ownerOf('new'), modeOf('new'), readFileSync(at('new'), 'utf8')]).toEqual([OWNER, '600', 'text']);
    expect(readdirSync(folder)).toEqual(['new']);
  });

  it('that is replaced keeps its owner and its mode', () => {
    const other = isRoot ? 4_343 : OWNER;
    writeFileSync(at('kept'), 'before');
    chmodSync(at('kept'), 0o640);
    chownSync(at('kept'), other, statSync(folder).gid);
    replaceFile(at('kept'), 'after');
    expect([ownerOf('kept'), modeOf('kept'), readFileSync(at('kept'), 'utf8')]).toEqual([
      other,
      '640',
      'after',
    ]);
  });

  it("of root in another user's folder is given to that user", () => {
    writeFileSync(at('left'), 'before', { mode: 0o600 });
    replaceFile(at('left'), 'after');
    expect(ownerOf('left')).toBe(OWNER);
  });

  it('of another user is refused to everyone but root, and stays as it was', () => {
    writeFileSync(at('theirs'), 'before');
    chownSync(at('theirs'), OWNER, statSync(folder).gid);
    vi.spyOn(process, 'geteuid').mockReturnValue(OWNER + 1);
    expect(() => replaceFile(at('theirs'), 'after')).toThrow(
      /theirs belongs to another user \(uid \d+\): run this as/,
    );
    expect(readFileSync(at('theirs'), 'utf8')).toBe('before');
    expect(readdirSync(folder)).toEqual(['theirs']);
  });
});

describe('a folder', () => {
  it('that is new belongs, with those on the way to it, to the owner of the folder around them', () => {
    ensurePrivateFolder(at('a/b'));
    expect([ownerOf('a'), ownerOf('a/b'), modeOf('a'), modeOf('a/b')]).toEqual([OWNER, OWNER, '700', '700']);
  });

  it('that exists stays as it is', () => {
    mkdirSync(at('there'), { mode: 0o755 });
    const before = statSync(at('there'));
    ensurePrivateFolder(at('there'));
    const { uid, mode } = statSync(at('there'));
    expect([uid, mode]).toEqual([before.uid, before.mode]);
  });

  it('that exists is closed to others, but not through a link', () => {
    mkdirSync(at('open'), { mode: 0o755 });
    ensureClosedFolder(at('open'));
    expect(modeOf('open')).toBe('700');
    mkdirSync(at('of-others'), { mode: 0o755 });
    symlinkSync(at('of-others'), at('link'));
    ensureClosedFolder(at('link'));
    expect(modeOf('of-others')).toBe('755');
  });
});
