import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LISTED_OBJECTS } from '../../../services/database/grants.ts';
import { createdBy, RECORD } from '../../../services/database/schema-look.ts';

const created = (text: string) => {
  const { names, tables } = createdBy([{ name: 'x.sql', text }]);
  return { names: [...names], tables: [...tables] };
};

describe('what migrations create', () => {
  it('is found by name', () => {
    const text = `create table a (\n  id int);\ncreate unique index b on a (id);\ncreate or replace function c(x int)
create type d as (y int);\ncreate sequence if not exists e;`;
    expect(created(text)).toEqual({ names: ['a', 'b', 'c', 'd', 'e'], tables: ['a'] });
  });

  it('is not looked for in comments and bodies', () => {
    expect(created('-- create table a (\n  create table b (\n')).toEqual({ names: [], tables: [] });
  });

  it('leaves out a table that a later migration drops', () => {
    expect(created('create table a (id int);\ndrop table a;').tables).toEqual([]);
  });

  it('is, in our migrations, every object that has rights', () => {
    const files = globSync('services/database/migrations/*.sql');
    const ours = createdBy(files.map((file) => ({ name: basename(file), text: readFileSync(file, 'utf8') })));
    const listed = LISTED_OBJECTS.map((object) => /^\w+ (\w+)/.exec(object)?.[1]);
    expect(listed.filter((name) => name !== RECORD && !ours.names.has(name ?? ''))).toEqual([]);
    expect(files.length).toBeGreaterThan(5);
  });
});
