/**
 * The manifests of deploy/kubernetes: each object fits the Kubernetes schema of its kind, and together they say what docker-compose.yml,
 * the settings and the lists of rights say. No cluster is involved.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { settingsOf } from '../../../services/shared/settings/settings.ts';
import type { Program } from '../../../services/shared/settings/table/setting.ts';
import {
  composeServices,
  faultsOf,
  KUBERNETES,
  type Manifest,
  manifestsIn,
  objectsIn,
  type Pod,
  type PolicyRule,
} from '../../support/sources/manifests.ts';

const manifests = manifestsIn(KUBERNETES);
const services = composeServices();
const serviceOf = (name: string) => {
  const service = services[name];
  if (service === undefined) throw new Error(`docker-compose.yml has no ${name}`);
  return service;
};
const WORKLOADS = ['Deployment', 'StatefulSet', 'Job', 'CronJob'];
const SERVERS = ['postgres', 'redis', 'nats'];
const UNITS = ['auth', 'score', 'rank', 'edge', 'fanout', 'game'];
/** Their names come with the manifests and compose alike. */
const PORTS: Readonly<Record<string, number>> = {
  ...{ auth: 50_051, score: 50_052, rank: 50_053, postgres: 5432, redis: 6379, nats: 4222 },
};

const podOf = ({ kind, spec }: Manifest): Pod =>
  (kind === 'CronJob' ? spec.jobTemplate.spec : spec).template.spec;
const workloads = manifests.filter(({ kind }) => WORKLOADS.includes(kind));
const find = (kind: string, name: string) => {
  const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
};
const byName = workloads.map((each) => [each.metadata.name, each] as const);

const textOf = (value: unknown) => String(value ?? '').replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');
const environmentOf = (manifest: Manifest): Record<string, string> =>
  Object.fromEntries((podOf(manifest).containers[0].env ?? []).map((each) => [each.name, each.value]));

describe('every object', () => {
  it.each(manifests.map((each) => [`${each.kind} ${each.metadata.name}`, each] as const))(
    'fits its schema: %s',
    async (_, manifest) => {
      expect(await faultsOf(manifest)).toEqual([]);
    },
  );

  it('is refused with a wrong type, a missing part, an unknown field and an unknown kind', async () => {
    const text = readFileSync(join(KUBERNETES, 'services/edge.yaml'), 'utf8');
    const faults = async (from: string, to: string) => {
      expect(text).toContain(from);
      return (await Promise.all(objectsIn(text.replace(from, to)).map(faultsOf))).flat().join();
    };
    expect(await faults('containerPort: 8080', 'containerPort: "8080"')).toMatch(/must be integer/);
    expect(await faults('args: [edge/http/main.ts]', 'args: edge/http/main.ts')).not.toBe('');
    expect(await faults('periodSeconds: 2', 'periodSecond: 2')).toMatch(/periodSecond$/);
    expect(await faults('kind: PodDisruptionBudget', 'kind: PodBudget')).toBe('no kind policy/v1 PodBudget');
    expect(await faults('maxReplicas: 10', '')).toMatch(/maxReplicas/);
    expect(await faults('maxReplicas: 10', 'maxReplicas: 10')).toBe('');
  });

  it('has a name of its own within its kind', () => {
    const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('the workloads', () => {
  it('are those of docker-compose.yml, without the one that makes the secrets', () => {
    const expected = Object.keys(services).filter((name) => name !== 'secrets');
    expect(byName.map(([name]) => name).sort()).toEqual(expected.sort());
  });

  it.each(byName)('%s runs the same image and program', (name, manifest) => {
    const [container, ...others] = podOf(manifest).containers;
    const { image, command, entrypoint = [] } = serviceOf(name);
    expect(others).toEqual([]);
    expect(container.image).toBe(image);
    const [, ...program] = entrypoint;
    if (name === 'cli') expect(container.args.slice(0, 1)).toEqual(program);
    else expect(container.args).toEqual(command.map(textOf));
  });

  it.each(byName)(
    '%s has the same settings, with the names of headless Services as addresses',
    (name, manifest) => {
      const expected = Object.entries(serviceOf(name).environment ?? {}).map(([variable, value]) => {
        const [, service, port] = /^(auth|score|rank):(\d+)$/.exec(String(value)) ?? [];
        if (service === undefined) return [variable, textOf(value)];
        return [variable, `dns:///${find('Service', `${service}-headless`).metadata.name}:${port}`];
      });
      expect(environmentOf(manifest)).toEqual(Object.fromEntries(expected));
    },
  );

  it.each(byName.filter(([name]) => !SERVERS.includes(name)))(
    '%s reads every setting that it is given',
    (name, manifest) => {
      const programs: Readonly<Record<string, Program>> = { scripts: 'redis-scripts' };
      const reads: string[] = settingsOf(programs[name] ?? (name as Program));
      expect(Object.keys(environmentOf(manifest)).filter((variable) => !reads.includes(variable))).toEqual(
        [],
      );
    },
  );

  it.each(byName)('%s has only its own Secret, as files at the paths that it is given', (name, manifest) => {
    const { volumes, containers } = podOf(manifest);
    const [secret, ...others] = volumes.flatMap((volume) =>
      volume.secret === undefined ? [] : [{ name: volume.name, ...volume.secret }],
    );
    expect([secret?.secretName, others]).toEqual([`scoreboard-${name}`, []]);
    const mount = containers[0].volumeMounts.find((each) => each.name === secret?.name);
    expect(mount).toMatchObject({ mountPath: `/secrets/${name}`, readOnly: true });
    // Keys that all users may read are refused.
    expect((secret?.defaultMode ?? 0o007) & 0o007).toBe(0);
    const files = Object.values(environmentOf(manifest)).filter((value) => value.startsWith('/secrets/'));
    for (const file of files) expect(file.startsWith(`/secrets/${name}/`)).toBe(true);
  });

  it.each(byName)('%s has no more rights than in its container', (name, manifest) => {
    const pod = podOf(manifest);
    const { securityContext, resources } = pod.containers[0];
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
    if (name !== 'postgres') expect(securityContext.readOnlyRootFilesystem).toBe(true);
    expect(pod.automountServiceAccountToken).toBe(false);
    // Variables such as AUTH_PORT=tcp://… would take the place of settings.
    expect(pod.enableServiceLinks).toBe(false);
    expect(Object.keys(resources.requests)).toEqual(['cpu', 'memory']);
    expect(resources.limits.memory).toMatch(/^\d+[MG]i$/);
  });
});

describe('each unit', () => {
  it.each(UNITS)('%s is asked for its health and readiness', (name) => {
    const [container] = podOf(find('Deployment', name)).containers;
    expect(container.ports).toContainEqual({ name: 'admin', containerPort: 9000 });
    expect(container.livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'admin' });
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'admin' });
  });

  it.each(UNITS)('%s loses one instance at a time, and is reached by its Service', (name) => {
    const { spec } = find('PodDisruptionBudget', name);
    expect(spec).toEqual({ maxUnavailable: 1, selector: { matchLabels: { app: name } } });
    const isInternal = PORTS[name] !== undefined;
    const service = find('Service', isInternal ? `${name}-headless` : name);
    expect(service.spec.clusterIP).toBe(isInternal ? 'None' : undefined);
    const [port] = service.spec.ports;
    const [container] = podOf(find('Deployment', name)).containers;
    expect(container.ports).toContainEqual({ name: port.targetPort, containerPort: port.port });
    const variable = `${name.toUpperCase()}_PORT`;
    expect(port.port).toBe(PORTS[name] ?? Number(environmentOf(find('Deployment', name))[variable]));
  });

  it('scales by CPU where CPU saturates first: edge, score and fan-out', () => {
    const scalers = manifests.filter(({ kind }) => kind === 'HorizontalPodAutoscaler');
    expect(scalers.map(({ metadata }) => metadata.name).sort()).toEqual(['edge', 'fanout', 'score']);
    for (const { metadata, spec } of scalers) {
      expect(spec.scaleTargetRef.name).toBe(metadata.name);
      expect(spec.metrics.map((metric) => metric.resource.name)).toEqual(['cpu']);
      expect(spec.minReplicas).toBeGreaterThan(1);
      // A number here would undo the scaling with each rollout.
      expect(find('Deployment', metadata.name).spec.replicas).toBeUndefined();
    }
  });
});

describe('the network policies', () => {
  const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy');
  const appsIn = (peers: PolicyRule['from'] = []): string[] =>
    peers.map(({ podSelector }) => podSelector.matchLabels.app);
  const portsIn = (rule: PolicyRule): number[] => rule.ports.map(({ port }) => port);

  /** The callers of each service by docs/security.md, and the users of each server by the addresses in docker-compose.yml. */
  function permitted(): Map<string, Set<string>> {
    const callers = new Map<string, Set<string>>();
    const add = (callee: string, caller: string) =>
      callers.set(callee, (callers.get(callee) ?? new Set()).add(caller));
    const security = readFileSync(join(KUBERNETES, '../../docs/security.md'), 'utf8');
    for (const [, service = '', names = ''] of security.matchAll(
      /^\| `(\w+)Service\/\w+` \| ([a-z, ]+) \|$/gm,
    )) {
      const callee = { Auth: 'auth', Rank: 'rank', Index: 'rank' }[service] ?? 'score';
      for (const name of names.split(', ')) if (name !== callee) add(callee, name);
    }
    for (const [name, { environment = {} }] of Object.entries(services)) {
      for (const value of Object.values(environment)) {
        const [, server] = /^(postgres|redis|nats):\/\//.exec(String(value)) ?? [];
        if (server !== undefined) add(server, name);
      }
    }
    return callers;
  }

  it('permit nothing but what a policy lists', () => {
    expect(find('NetworkPolicy', 'nothing').spec).toEqual({
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
    });
    const covered = policies
      .map(({ metadata }) => metadata.name)
      .filter((name) => !['nothing', 'names'].includes(name));
    expect(covered.sort()).toEqual(byName.map(([name]) => name).sort());
  });

  it('let in exactly the callers of the lists of rights', () => {
    const expected = permitted();
    expect([...expected.keys()].sort()).toEqual(Object.keys(PORTS).sort());
    for (const [callee, callers] of expected) {
      const { ingress = [] } = find('NetworkPolicy', callee).spec;
      const rules = ingress.filter((rule) => portsIn(rule).includes(PORTS[callee] ?? 0));
      expect([callee, rules.flatMap((rule) => appsIn(rule.from)).sort()]).toEqual([
        callee,
        [...callers].sort(),
      ]);
    }
  });

  it('let out exactly what is let in elsewhere, and names', () => {
    const expected = permitted();
    for (const [name] of byName) {
      const { egress = [] } = find('NetworkPolicy', name).spec;
      const reached = egress.map((rule) => [appsIn(rule.to), portsIn(rule)]);
      const callees = [...expected]
        .filter(([, callers]) => callers.has(name))
        .map(([callee]) => [[callee], [PORTS[callee]]]);
      expect([name, reached.sort()]).toEqual([name, callees.sort()]);
    }
    expect(find('NetworkPolicy', 'names').spec.egress?.map(portsIn)).toEqual([[53, 53]]);
  });

  it('open to everybody only the public ports', () => {
    for (const [name] of byName) {
      const rules = find('NetworkPolicy', name).spec.ingress ?? [];
      const open = rules.filter((rule) => rule.from === undefined).flatMap(portsIn);
      const own = environmentOf(
        find(workloads.find(({ metadata }) => metadata.name === name)?.kind ?? '', name),
      );
      const isPublic = ['edge', 'fanout', 'game'].includes(name);
      expect([name, open]).toEqual([name, isPublic ? [Number(own[`${name.toUpperCase()}_PORT`])] : []]);
    }
  });
});
