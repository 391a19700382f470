/**
 * Public address of the client library, `/scoreboard-client.js`. Integrators import it by this name, so the name stays
 * when files move.
 */
export * from './client/scoreboard-client.js';
