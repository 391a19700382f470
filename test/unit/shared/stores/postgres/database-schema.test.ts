import { describe, expect, it } from 'vitest';
import { roleUrl } from '../../../../../services/shared/stores/postgres/database-roles.ts';
import { parseSchema } from '../../../../../services/shared/stores/postgres/database-schema.ts';

describe('DATABASE_SCHEMA', () => {
  it('is public if it is not set', () => {
    expect(parseSchema({})).toBe('public');
    expect(parseSchema({ DATABASE_SCHEMA: '' })).toBe('public');
  });

  it.each(['a', 'scoreboard', '_x9', 'user', 'a'.repeat(63)])('may be %s', (schema) => {
    expect(parseSchema({ DATABASE_SCHEMA: schema })).toBe(schema);
  });

  it.each(['A', '9a', 'a-b', 'a.b', 'a"b', 'a b', 'é', 'pg_x', 'information_schema', 'a'.repeat(64)])(
    'may not be %s',
    (schema) => {
      expect(() => parseSchema({ DATABASE_SCHEMA: schema })).toThrow(/^DATABASE_SCHEMA must be/);
    },
  );
});

describe('the role of a service', () => {
  const userOf = (url: string, schema?: string) =>
    decodeURIComponent(new URL(roleUrl(url, 'score', schema) ?? '').username);

  it('has the name of the database, and of a schema that is not the default', () => {
    expect(userOf('postgres://u:p@h/boards')).toBe('boards_score');
    expect(userOf('postgres://u:p@h/boards', 'public')).toBe('boards_score');
    expect(userOf('postgres://u:p@h/boards', 'second')).toBe('boards.second_score');
  });

  it('is another one for each database and schema', () => {
    const names = ['a', 'b', 'a_b'].flatMap((database) =>
      ['public', 'a', 'b', 'a_b'].map((schema) => userOf(`postgres://u@h/${database}`, schema)),
    );
    expect(new Set(names).size).toBe(names.length);
  });
});
