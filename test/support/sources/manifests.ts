/** The manifests of deploy/kubernetes, read as `kubectl apply -k` would, and the judgement of the Kubernetes schemas about each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const KUBERNETES = join(ROOT, 'deploy/kubernetes');

interface Peer {
  readonly podSelector: { readonly matchLabels: { readonly app: string } };
}

export interface PolicyRule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports: readonly { readonly port: number }[];
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly resources: { readonly requests: object; readonly limits: { readonly memory: string } };
  readonly securityContext: { readonly readOnlyRootFilesystem?: boolean };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface Pod {
  readonly automountServiceAccountToken: boolean;
  readonly enableServiceLinks: boolean;
  readonly securityContext: object;
  readonly containers: readonly [Container, ...Container[]];
  readonly volumes: readonly {
    readonly name: string;
    readonly secret?: { readonly secretName: string; readonly defaultMode: number };
  }[];
}

/** What the tests read; each kind has some of it. The schemas judge the whole. */
interface Spec {
  readonly template: { readonly spec: Pod };
  readonly jobTemplate: { readonly spec: Spec };
  readonly replicas?: number;
  readonly clusterIP?: string;
  readonly ports: readonly [{ readonly port: number; readonly targetPort: string }];
  readonly minReplicas: number;
  readonly scaleTargetRef: { readonly name: string };
  readonly metrics: readonly { readonly resource: { readonly name: string } }[];
  readonly ingress?: readonly PolicyRule[];
  readonly egress?: readonly PolicyRule[];
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: { readonly app?: string } };
  readonly spec: Spec;
}

interface ComposeService {
  readonly image: string;
  readonly command: readonly unknown[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, unknown>>;
}

/** The services of docker-compose.yml, by name. */
export function composeServices(): Readonly<Record<string, ComposeService>> {
  const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
  return (parse(text, { merge: true }) as { services: Record<string, ComposeService> }).services;
}

/** Every object that the kustomization in the folder names, those of its folders included. */
export function manifestsIn(dir: string): Manifest[] {
  const { resources } = parse(readFileSync(join(dir, 'kustomization.yaml'), 'utf8')) as {
    resources: string[];
  };
  return resources.flatMap((name) =>
    name.endsWith('.yaml') ? objectsIn(readFileSync(join(dir, name), 'utf8')) : manifestsIn(join(dir, name)),
  );
}

export function objectsIn(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS() as Manifest;
  });
}

/** A class of the library. Its constructor copies the data, so its method is called on ours. */
interface Judge {
  readonly prototype: { validate(): void };
}

/** What the schema of its kind says about an object; empty if nothing. An unknown kind is a fault as well. */
export async function faultsOf(manifest: Manifest): Promise<string[]> {
  const [group, version] = groupOf(manifest.apiVersion);
  const path = ['kubernetes-models', group, version, manifest.kind].filter((part) => part !== '').join('/');
  const module = (await import(path).catch(() => undefined)) as Record<string, Judge> | undefined;
  const Kind = module?.[manifest.kind];
  if (Kind === undefined) return [`no kind ${manifest.apiVersion} ${manifest.kind}`];
  const read = new Set<string>();
  try {
    Kind.prototype.validate.call(watched(manifest, '', read));
  } catch (error) {
    return [(error as Error).message];
  }
  return fieldsOf(manifest, '').filter((field) => !read.has(field));
}

function groupOf(apiVersion: string): [group: string, version: string] {
  const [group = '', version] = apiVersion.split('/');
  return version === undefined ? ['', group] : [group, version];
}

/**
 * The schemas permit unknown fields, where a real API server warns or refuses. Their compiled form reads each field that it knows, so
 * a field that was never read is one that no schema has.
 */
function watched(value: unknown, path: string, read: Set<string>): unknown {
  if (value === null || typeof value !== 'object') return value;
  return new Proxy(value, {
    get(target, name) {
      const here = `${path}/${String(name)}`;
      read.add(here);
      return watched(Reflect.get(target, name), here, read);
    },
  });
}

function fieldsOf(value: unknown, path: string): string[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    `${path}/${name}`,
    ...fieldsOf(inner, `${path}/${name}`),
  ]);
}
