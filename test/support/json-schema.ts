/** Finds where a value differs from a JSON schema. A schema with a keyword that is not judged here fails the test. */

type Schema = Readonly<Record<string, unknown>>;
type Fields = Readonly<Record<string, unknown>>;

/** Without effect on what a value may be. */
const SILENT = new Set(['$schema', '$defs', 'title', 'description']);

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function typeOf(value: unknown): string {
  if (value === null || Array.isArray(value)) return value === null ? 'null' : 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

type Judge = (rule: never, value: never, at: string, context: { root: Schema; schema: Schema }) => string[];

const fail = (holds: boolean, words: string): string[] => (holds ? [] : [words]);

/** By keyword: the faults of a value. Keywords of another type than the value's say nothing about it. */
const JUDGES: Readonly<Record<string, Judge>> = {
  $ref: (ref: string, value: unknown, at, { root }) => {
    const target = ref
      .slice(2)
      .split('/')
      .reduce<unknown>((part, name) => (part as Fields)[name], root);
    return faultsOf(root, target as Schema, value, at);
  },
  type: (type: string | string[], value: unknown, at) =>
    fail([type].flat().includes(typeOf(value)), `${at} is ${typeOf(value)}`),
  const: (expected: unknown, value: unknown, at) => fail(value === expected, `${at} is not ${expected}`),
  enum: (values: unknown[], value: unknown, at) => fail(values.includes(value), `${at} is ${value}`),
  pattern: (pattern: string, value: unknown, at) =>
    fail(typeof value !== 'string' || new RegExp(pattern).test(value), `${at} is not ${pattern}`),
  minLength: (least: number, value: unknown, at) =>
    fail(typeof value !== 'string' || value.length >= least, `${at} is too short`),
  minimum: (least: number, value: unknown, at) =>
    fail(typeof value !== 'number' || value >= least, `${at} is below ${least}`),
  maximum: (most: number, value: unknown, at) =>
    fail(typeof value !== 'number' || value <= most, `${at} is above ${most}`),
  maxItems: (most: number, value: unknown, at) =>
    fail(!Array.isArray(value) || value.length <= most, `${at} is too long`),
  items: (schema: Schema, value: unknown, at, { root }) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => faultsOf(root, schema, item, `${at}/${index}`))
      : [],
  required: (names: string[], value: unknown, at) =>
    isFields(value)
      ? names.filter((name) => !Object.hasOwn(value, name)).map((name) => `${at} has no ${name}`)
      : [],
  properties: (properties: Record<string, Schema>, value: unknown, at, { root }) =>
    isFields(value)
      ? Object.entries(properties).flatMap(([name, schema]) =>
          Object.hasOwn(value, name) ? faultsOf(root, schema, value[name], `${at}/${name}`) : [],
        )
      : [],
  additionalProperties: (_: false, value: unknown, at, { schema }) =>
    isFields(value)
      ? Object.keys(value)
          .filter((name) => !Object.hasOwn(schema.properties as Fields, name))
          .map((name) => `${at} has ${name}`)
      : [],
  oneOf: (schemas: Schema[], value: unknown, at, { root }) => {
    const fitting = schemas.filter((schema) => faultsOf(root, schema, value, at).length === 0);
    return fail(fitting.length === 1, `${at} fits ${fitting.length} of ${schemas.length} schemas`);
  },
};

/** Empty if the value fits the schema. */
export function faultsOf(root: Schema, schema: Schema, value: unknown, at = ''): string[] {
  return Object.entries(schema).flatMap(([keyword, rule]) => {
    if (SILENT.has(keyword)) return [];
    const judge = JUDGES[keyword];
    if (judge === undefined) throw new Error(`the schema has the keyword ${keyword}`);
    return judge(rule as never, value as never, at, { root, schema });
  });
}
