/** What services report on their admin ports: metrics and readiness. */

interface Unit {
  readonly adminPort: number;
}

interface Readiness {
  readonly status: number;
  readonly body: {
    readonly dependencies: Record<string, boolean>;
    readonly without?: Record<string, string>;
  };
}

const pageOf = (unit: Unit | undefined, path: string) => fetch(`http://127.0.0.1:${unit?.adminPort}${path}`);

/** The sum of a metric over all of its label sets that contain the text. */
export async function metricOf(unit: Unit | undefined, name: string, label = ''): Promise<number> {
  const text = await (await pageOf(unit, '/metrics')).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

export async function readinessOf(unit: Unit | undefined): Promise<Readiness> {
  const response = await pageOf(unit, '/readyz');
  return { status: response.status, body: (await response.json()) as Readiness['body'] };
}
