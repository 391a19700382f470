/**
 * Public address of the element, `/live-scoreboard.js`. Integrators load it by this name, so the name stays when
 * files move.
 */
export * from './element/live-scoreboard.js';
