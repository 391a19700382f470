/** docs/openapi.json has the routes, the reasons and the statuses of the code. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createRestRoutes, type RestRoutesOptions } from '../../../../../edge/http/rest/rest-routes.ts';
import { AppError, isReason, REASONS } from '../../../../../services/shared/errors/app-error.ts';
import { answerError } from '../../../../../services/shared/http/error-answer.ts';

interface Operation {
  readonly responses: Readonly<Record<string, { readonly $ref?: string }>>;
}

const read = (path: string) =>
  JSON.parse(readFileSync(new URL(`../../../../../${path}`, import.meta.url), 'utf8'));
const document = read('docs/openapi.json') as {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: {
      readonly Error: { readonly properties: Record<string, { readonly enum: string[] }> };
    };
    readonly responses: Readonly<Record<string, { readonly 'x-reasons': string[] }>>;
  };
};

const statusOf = (reason: string) => {
  if (!isReason(reason)) throw new Error(`${reason} is no reason`);
  return answerError(new AppError(reason)).status;
};

describe('the OpenAPI document', () => {
  it('has every REST route with its method, and no other', () => {
    // Nothing is called: only the paths are read.
    const routes = createRestRoutes({} as RestRoutesOptions);
    const expected = routes.map(([path, methods]) => [
      path,
      [...methods.keys()].map((name) => name.toLowerCase()),
    ]);
    expect(Object.entries(document.paths).map(([path, methods]) => [path, Object.keys(methods)])).toEqual(
      expected,
    );
  });

  it('has every reason and code, and no other', () => {
    const { reason, code } = document.components.schemas.Error.properties;
    expect(reason?.enum).toEqual(Object.keys(REASONS));
    expect(code?.enum).toEqual([...new Set(Object.values(REASONS).map(([kind]) => kind))].sort());
  });

  it('has each reason under its status', () => {
    const byStatus = Object.groupBy(Object.keys(REASONS), (reason) => String(statusOf(reason)));
    const listed = Object.entries(document.components.responses);
    expect(Object.fromEntries(listed.map(([status, response]) => [status, response['x-reasons']]))).toEqual(
      byStatus,
    );
  });

  it('names in each operation only statuses that have a response', () => {
    for (const operation of Object.values(document.paths).flatMap((methods) => Object.values(methods))) {
      for (const [status, { $ref }] of Object.entries(operation.responses)) {
        if ($ref === undefined) continue;
        expect($ref).toBe(`#/components/responses/${status}`);
        expect(document.components.responses[status]).toBeDefined();
      }
    }
  });

  it('has the version of package.json', () => {
    expect(document.info.version).toBe(read('package.json').version);
  });
});
