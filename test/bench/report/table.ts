/** The lines as text for a terminal: one table of results, and one of what they cost. */
import type { Line, Slice } from '../measure/lines.ts';

type Row = readonly string[];

export function resultTable(lines: readonly Line[]): string {
  const rows = lines.map((line) => {
    const { scenario, ours, peer, peerName, ceiling, unit } = line;
    return [
      scenario,
      line.line,
      `${line.generatorBound ? (line.lowerIsBetter ? '≤ ' : '≥ ') : ''}${formatNumber(ours)} ${unit}`,
      peer === null ? '' : formatNumber(peer),
      peer === null ? '' : `${formatRatio(line, peer)} × ${peerName}`,
      ceiling === null ? '' : formatNumber(ceiling),
      ceiling === null || line.lowerIsBetter ? '' : `${Math.round((ours / ceiling) * 100)} %`,
      ...[line.p50Ms, line.p99Ms, line.p999Ms].map((value) => (value === null ? '' : formatNumber(value))),
      String(line.errors),
    ];
  });
  const head = [
    'scenario',
    'line',
    'ours',
    'peer',
    'ratio',
    'ceiling',
    'of it',
    'p50 ms',
    'p99 ms',
    'p99.9 ms',
    'errors',
  ];
  return layOut(head, rows);
}

/** CPU milliseconds per thousand operations and MiB, by process, for every contender. */
export function costTable(lines: readonly Line[]): string {
  const rows = lines.flatMap((line) =>
    Object.entries(line.slices).map(([name, slice]) => [
      line.scenario,
      line.line,
      name,
      formatNumber(slice.perSecond),
      `${formatNumber(slice.p50Ms)} / ${formatNumber(slice.p99Ms)}`,
      costs(slice),
      Object.entries(slice.rssMib)
        .map(([group, mib]) => `${group} ${Math.round(mib)}`)
        .join(', '),
      `${Math.round(slice.generatorUtilisation * 100)} %`,
    ]),
  );
  const head = [
    'scenario',
    'line',
    'contender',
    '/s',
    'p50 / p99 ms',
    'CPU ms per 1,000',
    'RSS MiB',
    'generator busy',
  ];
  return layOut(head, rows);
}

function costs({ cpuMsPerThousand }: Slice): string {
  return Object.entries(cpuMsPerThousand)
    .filter(([, ms]) => ms >= 0.05)
    .map(([group, ms]) => `${group} ${formatNumber(ms)}`)
    .join(', ');
}

/** How many times better ours is. */
function formatRatio({ ours, lowerIsBetter }: Line, peer: number): string {
  const ratio = lowerIsBetter ? peer / ours : ours / peer;
  return Number.isFinite(ratio) ? formatNumber(ratio) : '∞';
}

/** Three significant digits at least, thousands grouped. */
export function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function layOut(head: Row, rows: readonly Row[]): string {
  const widths = head.map((word, column) =>
    Math.max(word.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const draw = (row: Row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [draw(head), draw(widths.map((width) => '-'.repeat(width))), ...rows.map(draw)].join('\n');
}
