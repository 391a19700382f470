/** Lists as text: tab-separated columns below their headings, one line each, so that other programs can read them. */

export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return [headings, ...rows].map((columns) => `${columns.join('\t')}\n`).join('');
}

export function formatTime(unixMs: bigint): string {
  return new Date(Number(unixMs)).toISOString();
}
