/** The parts of the running product, and every network link between two of them. */

export const SERVERS = ['postgres', 'redis', 'nats'] as const;
export const UNITS_UNDER_FIRE = ['auth', 'score', 'rank', 'edge', 'fanout'] as const;
export const COMPONENTS = [...SERVERS, ...UNITS_UNDER_FIRE] as const;

export type ServerName = (typeof SERVERS)[number];
export type UnitUnderFire = (typeof UNITS_UNDER_FIRE)[number];
export type Component = (typeof COMPONENTS)[number];

export function isUnit(component: Component): component is UnitUnderFire {
  return UNITS_UNDER_FIRE.some((name) => name === component);
}

/** Who calls whom. Each has a proxy of its own. */
export const LINKS = {
  'auth-postgres': ['auth', 'postgres'],
  'score-postgres': ['score', 'postgres'],
  'score-nats': ['score', 'nats'],
  'score-auth': ['score', 'auth'],
  'score-rank': ['score', 'rank'],
  'rank-postgres': ['rank', 'postgres'],
  'rank-redis': ['rank', 'redis'],
  'rank-nats': ['rank', 'nats'],
  'edge-score': ['edge', 'score'],
  'edge-rank': ['edge', 'rank'],
  'edge-auth': ['edge', 'auth'],
  'edge-redis': ['edge', 'redis'],
  'fanout-rank': ['fanout', 'rank'],
  'fanout-auth': ['fanout', 'auth'],
  'fanout-nats': ['fanout', 'nats'],
  'client-edge': ['client', 'edge'],
  'viewer-fanout': ['viewer', 'fanout'],
} as const satisfies Record<string, readonly [from: Component | 'client' | 'viewer', to: Component]>;

export type LinkName = keyof typeof LINKS;
export const LINK_NAMES = Object.keys(LINKS) as LinkName[];

/** The links by which others reach a component. */
export function linksTo(component: Component): LinkName[] {
  return LINK_NAMES.filter((name) => LINKS[name][1] === component);
}
