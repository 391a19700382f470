/** The container files grant the rights that the documents promise. They are read as text, so no container engine is needed. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { STORE_USERS } from '../../services/provision/store-passwords.ts';
import { certificateFiles } from '../../services/shared/identity/service-certificate.ts';
import type { ServiceName } from '../../services/shared/identity/service-keys.ts';
import { settingsOf } from '../../services/shared/settings/settings.ts';
import type { Program } from '../../services/shared/settings/table/setting.ts';
import { DATABASE_SERVICES, roleName } from '../../services/shared/stores/postgres/database-roles.ts';

const read = (name: string) => readFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), 'utf8');
const compose = read('docker-compose.yml');
const dockerfile = read('Dockerfile');

/** The lines of each service, by its name. */
const services = new Map(
  (compose.split('\nservices:\n')[1]?.split('\nnetworks:\n')[0] ?? '')
    .split(/\n(?= {2}[a-z]+:\n)|^(?= {2}[a-z]+:\n)/)
    .map((block) => [/^ {2}([a-z]+):/.exec(block)?.[1] ?? '', block] as const)
    .filter(([name]) => name !== ''),
);
const part = (name: string) => compose.split(`\n${name}:`)[1]?.split(/\n(?=\S)/)[0] ?? '';

const OURS = ['migrate', 'secrets', 'scripts', 'auth', 'score', 'rank', 'edge', 'fanout', 'game', 'cli'];
const SERVERS = ['nats', 'postgres', 'redis'];
const HARDENED = ['read_only: true', 'cap_drop: [ALL]', 'no-new-privileges:true'];

describe('the compose file', () => {
  it('has these services and no other', () => {
    expect([...services.keys()].sort()).toEqual([...OURS, ...SERVERS].sort());
  });

  it('gives our processes a read-only disk, no capabilities and no way to gain any', () => {
    for (const promise of HARDENED) expect(part('x-hardened')).toContain(promise);
    expect(part('x-process')).toContain('*hardened');
    for (const name of OURS) expect(services.get(name)).toMatch(/<<: \*(?:hardened|process)/);
    for (const name of ['redis', 'nats']) {
      for (const promise of HARDENED) expect(services.get(name)).toContain(promise);
    }
    expect(services.get('postgres')).toContain('no-new-privileges:true');
  });

  it('writes no core dump of any process, in which keys and passwords would be', () => {
    expect(part('x-hardened')).toContain('ulimits: { core: 0 }');
    for (const [name, block] of services) {
      // A service's own limits take the place of those that it shares.
      const own = /\n {4}ulimits: (.*)/.exec(block)?.[1];
      const inherits = OURS.includes(name) && own === undefined;
      expect([name, inherits || own?.includes('core: 0') === true]).toEqual([name, true]);
    }
  });

  it('opens only the public ports, and keeps everything else on an internal network', () => {
    const open = [...services].filter(([, block]) => block.includes('ports:')).map(([name]) => name);
    expect(open.sort()).toEqual(['edge', 'fanout', 'game']);
    expect(compose).toContain('inside: { internal: true }');
    expect(compose).not.toMatch(/privileged: true|network_mode: host|docker\.sock|pid: host/);
  });

  it('gives each service only its own secrets, as files', () => {
    for (const name of [
      ...SERVERS,
      'migrate',
      'scripts',
      'auth',
      'score',
      'rank',
      'edge',
      'fanout',
      'game',
      'cli',
    ]) {
      const mounted = [...(services.get(name) ?? '').matchAll(/secrets-([a-z]+):/g)].map(([, of]) => of);
      expect([name, mounted]).toEqual([name, [name]]);
    }
    const sealers = [...services].filter(([, block]) => block.includes('AUDIT_KEY_FILE: '));
    expect(sealers.map(([name]) => name)).toEqual(['score', 'cli']);
    for (const [name, block] of sealers) {
      expect(block).toContain(`AUDIT_KEY_FILE: /secrets/${name}/audit.key`);
    }
    expect(compose).not.toMatch(/(?:SERVICE|AUDIT)_KEY: |PASSWORD: |:\/\/\w+:\w*@/);
  });

  it('connects each service to each server as a user that the server knows, with the password file of that service', () => {
    const known: Readonly<Record<string, readonly string[]>> = {
      postgres: DATABASE_SERVICES.map((service) => roleName('scoreboard', 'public', service)),
      redis: STORE_USERS.redis,
      nats: STORE_USERS.nats,
    };
    const passwords = { postgres: 'DATABASE', redis: 'REDIS', nats: 'NATS' };
    const uses = [...services].flatMap(([name, block]) =>
      [...block.matchAll(/_URL: (postgres|redis|nats):\/\/(\w+)@\1:/g)].map(([, server = '', user = '']) => ({
        ...{ name, server, user, block },
      })),
    );
    expect(uses.map(({ name, server, user }) => [name, server, user])).toEqual([
      ['scripts', 'redis', 'loader'],
      ['migrate', 'postgres', 'scoreboard'],
      ['auth', 'postgres', 'scoreboard_auth'],
      ['score', 'postgres', 'scoreboard_score'],
      ['score', 'nats', 'score'],
      ['rank', 'postgres', 'scoreboard_rank'],
      ['rank', 'redis', 'rank'],
      ['rank', 'nats', 'rank'],
      ['edge', 'redis', 'edge'],
      ['fanout', 'nats', 'fanout'],
    ]);
    for (const { name, server, user, block } of uses.filter((use) => use.name !== 'migrate')) {
      expect(known[server]).toContain(user);
      const variable = passwords[server as keyof typeof passwords];
      expect(block).toContain(`${variable}_PASSWORD_FILE: /secrets/${name}/${server}`);
    }
    expect(services.get('secrets')).toContain('cp /secrets/all/loader.redis /secrets/scripts/redis');
  });

  it('runs in production mode, with certificates for each service, and gives the key of the authority to one service only', () => {
    for (const name of ['auth', 'score', 'rank', 'edge', 'fanout', 'game', 'cli']) {
      const block = services.get(name) ?? '';
      const { cert, key, ca } = certificateFiles('/secrets', name as ServiceName);
      for (const line of [`TLS_CERT_FILE: ${cert}`, `TLS_KEY_FILE: ${key}`, `TLS_CA_FILE: ${ca}`]) {
        expect(block).toContain(line);
      }
      expect([name, block.includes('SCOREBOARD_MODE: production')]).toEqual([name, name !== 'cli']);
    }
    expect(compose).not.toMatch(/SERVICE_KEY_FILE|SERVICE_DIGESTS_FILE/);
    const holders = [...services].filter(([, block]) => block.includes('secrets-authority:'));
    expect(holders.map(([name]) => name)).toEqual(['secrets']);
  });

  it('gives each service only settings that it reads', () => {
    const programs: Readonly<Record<string, Program>> = { scripts: 'redis-scripts' };
    const given = [...services].filter(([name]) => OURS.includes(name) && name !== 'secrets');
    for (const [name, block] of given) {
      const reads: string[] = settingsOf(programs[name] ?? (name as Program));
      const set = [...block.matchAll(/^ {6}([A-Z][A-Z_]+): /gm)].map(([, variable]) => variable ?? '');
      expect(set.length).toBeGreaterThan(1);
      expect([name, set.filter((variable) => !reads.includes(variable))]).toEqual([name, []]);
    }
  });

  it('binds every port inside the containers, where the networks decide who reaches it', () => {
    expect(dockerfile).toMatch(/^ENV .*\bHOST=0\.0\.0\.0 INTERNAL_HOST=0\.0\.0\.0 ADMIN_HOST=0\.0\.0\.0\b/m);
    expect(compose).not.toMatch(/HOST: /);
  });

  it('pins every image to a version', () => {
    const images = [...compose.matchAll(/\n {4}image: (\S+)/g)].map(([, image]) => image);
    for (const image of images) expect(image).toMatch(/:\d+\.\d+/);
  });
});

describe('the image', () => {
  it('runs as a user who is not root, from a base of an exact version, without install scripts', () => {
    expect(dockerfile.split('\n').filter((line) => line.startsWith('USER '))).toEqual(['USER node']);
    expect(dockerfile.lastIndexOf('USER node')).toBeLessThan(dockerfile.indexOf('ENTRYPOINT'));
    for (const [, base] of dockerfile.matchAll(/FROM (\S+)/g)) expect(base).toMatch(/^node:\d+\.\d+\.\d+-/);
    expect(dockerfile).toContain('npm ci --omit=dev --omit=optional --ignore-scripts');
  });
});
