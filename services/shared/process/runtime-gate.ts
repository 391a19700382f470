/**
 * Refuses Node versions whose HMAC verification is not constant-time (CVE-2026-21713): with them, a forger could find a
 * signature byte by byte. Every process checks before it loads a key or opens a port.
 */

/** The first patched release of each patched line, as [major, minor, patch]. */
const PATCHED: readonly (readonly [number, number, number])[] = [
  [20, 20, 2],
  [22, 22, 2],
  [24, 14, 1],
  [25, 8, 2],
];
/** Lines from this one on were never affected. */
const FIRST_SOUND_MAJOR = 26;

export function isSoundRuntime(version: string): boolean {
  const [, major, minor, patch] = (/^v?(\d+)\.(\d+)\.(\d+)$/.exec(version) ?? []).map(Number);
  if (major === undefined || minor === undefined || patch === undefined) return false;
  if (major >= FIRST_SOUND_MAJOR) return true;
  const fix = PATCHED.find(([line]) => line === major);
  if (fix === undefined) return false;
  return minor > fix[1] || (minor === fix[1] && patch >= fix[2]);
}

/** Throws on an affected version, with the versions to use instead. */
export function assertSoundRuntime(version: string): void {
  if (isSoundRuntime(version)) return;
  const patched = PATCHED.map((release) => release.join('.')).join(', ');
  throw new Error(
    `Node ${version} verifies HMACs in a time that depends on the secret (CVE-2026-21713); use ${patched} or later`,
  );
}
