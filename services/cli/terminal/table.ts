/** Lists as text that other programs can read: tab-separated columns, one line an entry, below a line of headings. */

export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return [headings, ...rows].map((columns) => `${columns.join('\t')}\n`).join('');
}

export function formatTime(unixMs: bigint): string {
  return new Date(Number(unixMs)).toISOString();
}
