/**
 * The lines as a picture: for each, ours, the peer and the ceiling as bars of one scale. Hand-drawn, since it is a few
 * rectangles; colours follow the reader's light or dark setting.
 */
import type { Line } from '../measure/lines.ts';
import { formatNumber } from './table.ts';

const WIDTH = 980;
const LABEL_WIDTH = 380;
const BAR_WIDTH = 290;
const BAR_HEIGHT = 12;
const BAR_STEP = 16;
const GROUP_GAP = 18;
const TOP = 64;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 16px; font-weight: 600 }
  .note { fill: #57606a }
  .page { fill: #ffffff }
  .ours { fill: #1a7f37 } .peer { fill: #bc4c00 } .ceiling { fill: #8c959f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .note { fill: #9198a1 } .page { fill: #0d1117 }
    .ours { fill: #3fb950 } .peer { fill: #db6d28 } .ceiling { fill: #656c76 }
  }`;

interface Bar {
  readonly kind: 'ours' | 'peer' | 'ceiling';
  readonly value: number;
  readonly words: string;
}

export function drawSvg(lines: readonly Line[], subtitle: string): string {
  const parts: string[] = [];
  let y = TOP;
  for (const line of lines) {
    const bars = barsOf(line);
    parts.push(drawLine(line, bars, y));
    y += bars.length * BAR_STEP + GROUP_GAP;
  }
  const height = y + GROUP_GAP;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Results of the bench">`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    text(16, 26, 'Scoreboard: ours, the peer and the ceiling, measured in one run', 'title'),
    text(16, 46, subtitle, 'note'),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function barsOf(line: Line): Bar[] {
  const { ours, peer, peerName, ceiling, ceilingName, unit, generatorBound } = line;
  const tail =
    line.p50Ms === null || line.lowerIsBetter
      ? ''
      : `, p50 ${formatNumber(line.p50Ms)} ms, p99 ${formatNumber(line.p99Ms ?? 0)} ms`;
  const bound = generatorBound && !line.lowerIsBetter ? '≥ ' : '';
  const bars: Bar[] = [{ kind: 'ours', value: ours, words: `${bound}${formatNumber(ours)} ${unit}${tail}` }];
  if (peer !== null)
    bars.push({ kind: 'peer', value: peer, words: `${formatNumber(peer)} ${peerName ?? 'peer'}` });
  if (ceiling !== null) {
    bars.push({
      kind: 'ceiling',
      value: ceiling,
      words: `${formatNumber(ceiling)} ${ceilingName ?? 'ceiling'}`,
    });
  }
  return bars;
}

function drawLine(line: Line, bars: readonly Bar[], y: number): string {
  const longest = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const drawn = bars.map(({ kind, value, words }, index) => {
    const top = y + index * BAR_STEP;
    const width = Math.max(1, (value / longest) * BAR_WIDTH).toFixed(1);
    const end = LABEL_WIDTH + Number(width) + 6;
    return `<rect class="${kind}" x="${LABEL_WIDTH}" y="${top}" width="${width}" height="${BAR_HEIGHT}" rx="2"/>${text(end, top + 10, words)}`;
  });
  return [text(16, y + 10, `${line.scenario}: ${line.line}`), ...drawn].join('\n');
}

function text(x: number, y: number, words: string, kind = ''): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${x.toFixed(0)}" y="${y}"${kind === '' ? '' : ` class="${kind}"`}>${escaped}</text>`;
}
