import { describe, expect, it } from 'vitest';
import { withPassword } from '../../../../services/shared/settings/env.ts';
import { roleUrl } from '../../../../services/shared/stores/postgres/database-roles.ts';

describe("the address of a service's own role", () => {
  it.each([
    ['postgres://postgres:secret@db:5432/scoreboard', 'postgres://scoreboard_score@db:5432/scoreboard'],
    ['postgres://ann:secret@db/other?sslmode=require', 'postgres://other_score@db/other?sslmode=require'],
    // The library takes the user's name for the database's.
    ['postgres://ann@db', 'postgres://ann_score@db/ann'],
    ['postgres://ann:secret@h1:1,h2:2/other', 'postgres://other_score@h1:1,h2:2/other'],
    ['host=db user=ann password=secret', 'postgres://ann_score@db/ann'],
    ['postgres://ann@db/my%20board', 'postgres://my%20board_score@db/my%20board'],
  ])('is made of %s', (url, expected) => {
    expect(roleUrl(url, 'score')).toBe(expected);
  });

  it.each(['postgres://db', 'host=db'])('can not be made of "%s"', (url) => {
    expect(roleUrl(url, 'score')).toBeUndefined();
  });
});

describe('an address and a password that comes apart from it', () => {
  it.each([
    ['redis://score@r:6379', 'a-b_c', 'redis://score:a-b_c@r:6379'],
    ['redis://r:6379', 'p', 'redis://:p@r:6379'],
    ['nats://score@n', 'a/b:c@d%', 'nats://score:a%2Fb%3Ac%40d%25@n'],
    ['nats://score:inside@n', undefined, 'nats://score:inside@n'],
  ])('%s', (url, password, expected) => {
    expect(withPassword(url, password).reveal()).toBe(expected);
  });

  it('is refused when it is none', () => {
    expect(() => withPassword('n1:4222, n2:4222', 'secret')).toThrow(
      /^a password can only be put into an address/,
    );
  });
});
