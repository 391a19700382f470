/**
 * The element's style. Every colour is a custom property that the page may set. Light and dark follow the page's
 * `color-scheme`, so the element is never dark on a page that is always light. A constructed sheet needs no inline style,
 * so it works under a strict Content-Security-Policy.
 */

const CSS = `
:host {
  --_ink: var(--scoreboard-ink, light-dark(#16181d, #eceef2));
  --_ink-soft: var(--scoreboard-ink-soft, light-dark(#5b616e, #a0a7b4));
  --_line: var(--scoreboard-line, light-dark(#e4e6ea, #2a2e37));
  --_accent: var(--scoreboard-accent, light-dark(#f0a400, #ffb82e));
  --_surface: var(--scoreboard-surface, Canvas);
  --_own: var(--scoreboard-own, light-dark(#fff6df, #2b2413));
  --_up: var(--scoreboard-up, light-dark(#0b6e3f, #5fd39a));
  --_down: var(--scoreboard-down, light-dark(#b3261e, #ff9a91));
  --_warn: var(--scoreboard-warn, light-dark(#8a5200, #ffc46b));
  --_row: var(--scoreboard-row-height, 3.25rem);
  display: block;
  container-type: inline-size;
  color: var(--_ink);
  font-family: var(--scoreboard-font, inherit);
  font-size: 1rem;
  line-height: 1.4;
}
:host([hidden]) { display: none; }
.head {
  display: flex;
  flex-wrap: wrap;
  align-items: baseline;
  justify-content: space-between;
  gap: 0.25rem 1rem;
  padding: 0 0.75rem 0.75rem;
}
.title { margin: 0; font-size: 1.125rem; font-weight: 650; letter-spacing: -0.01em; }
.status { display: inline-flex; align-items: center; gap: 0.5rem; color: var(--_ink-soft); font-size: 0.875rem; }
.board:not([data-status='live'], [data-status='connecting']) .status { color: var(--_warn); }
.status::before { flex: none; content: ''; inline-size: 0.5rem; block-size: 0.5rem; border-radius: 50%; background: var(--_warn); }
.board[data-status='live'] .status::before { background: var(--_up); }
.board:is([data-status='closed'], [data-status='refused']) .status::before { background: var(--_down); }
.rows { list-style: none; margin: 0; padding: 0; }
/* A board that may be outdated is muted, but as legible. */
.board:not([data-status='live']) { --_ink-now: var(--_ink-soft); --_accent-now: var(--_ink-soft); }
.row {
  position: relative;
  display: grid;
  grid-template-columns: minmax(1.5rem, auto) minmax(0, 1fr) auto;
  align-items: center;
  column-gap: 0.75rem;
  min-block-size: var(--_row);
  padding: 0 0.75rem;
  color: var(--_ink-now, var(--_ink));
}
.row::after {
  content: '';
  position: absolute;
  inset-inline: 0.75rem;
  inset-block-end: 0;
  block-size: 1px;
  background: var(--_line);
}
.row:last-child::after { background: none; }
.row.moving { background: var(--_surface); }
.row.own { background: var(--_own); border-radius: 0.5rem; }
.row.rising { z-index: 1; }
.rank, .score { font-variant-numeric: tabular-nums lining-nums; }
.rank { color: var(--_ink-soft); }
.leader .rank, .leader .name, .leader .score { font-weight: 700; }
.leader .rank { color: inherit; }
.player { display: flex; align-items: baseline; gap: 0.5rem; min-inline-size: 0; }
.name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-weight: 500; }
.you {
  flex: none;
  padding: 0 0.375rem;
  border: 1px solid currentColor;
  border-radius: 1rem;
  font-size: 0.6875rem;
  font-weight: 600;
}
.tag { flex: none; color: var(--_ink-soft); font-size: 0.75rem; }
.tag[hidden], .you[hidden] { display: none; }
.mark { flex: none; font-size: 0.8125rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.mark.up { color: var(--_up); }
.mark.down { color: var(--_down); }
.score { text-align: end; font-weight: 600; }
.bar {
  position: absolute;
  inset-inline: 0.75rem;
  inset-block-end: 0;
  z-index: 1;
  block-size: 2px;
  border-radius: 1px;
  background: color-mix(in srgb, var(--_ink) 26%, transparent);
  transform: scaleX(var(--share, 0));
  transform-origin: 0 50%;
  transition: transform 600ms cubic-bezier(0.2, 0, 0, 1);
}
.bar:dir(rtl) { transform-origin: 100% 50%; }
.leader .bar, .own .bar { background: var(--_accent-now, var(--_accent)); }
.free { color: color-mix(in srgb, var(--_ink-soft) 55%, transparent); }
.gap {
  padding: 0.375rem 0.75rem 0.375rem 3rem;
  color: var(--_ink-soft);
  font-size: 0.8125rem;
}
.free .rank, .free .score { color: inherit; font-weight: 400; }
.list { position: relative; min-block-size: var(--_row); }
/* In the line of the first place, so that nothing moves when a player takes it. */
.empty { position: absolute; inset-inline-start: 3rem; margin: 0; color: var(--_ink-soft); line-height: var(--_row); }
.empty[hidden] { display: none; }
.unseen {
  position: absolute;
  inline-size: 1px;
  block-size: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
@container (max-width: 24rem) {
  .row { column-gap: 0.5rem; padding-inline: 0.5rem; }
  .bar, .row::after { inset-inline: 0.5rem; }
  .head { padding-inline: 0.5rem; }
  .empty { inset-inline-start: 2.5rem; }
}
@media (prefers-reduced-motion: reduce) {
  .bar { transition: none; }
}
@media (forced-colors: active) {
  .row::after { background: GrayText; }
  .bar, .leader .bar { background: CanvasText; }
  .own .bar { background: Highlight; }
  .status::before, .board .status::before { background: CanvasText; }
  .row.own { outline: 2px solid Highlight; outline-offset: -2px; }
}
`;

let sheet: CSSStyleSheet | undefined;

/** One sheet, shared by all elements of the document. */
export function liveScoreboardSheet(): CSSStyleSheet {
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
