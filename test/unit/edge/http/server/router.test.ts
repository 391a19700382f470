import { describe, expect, it } from 'vitest';
import { createRouter } from '../../../../../edge/http/server/router.ts';

const methods = (name: string) => new Map([['GET', name]]);
const find = createRouter(
  new Map([
    ['/boards', methods('list')],
    ['/boards/{board}/entries', methods('entries')],
    ['/boards/{board}/me', methods('me')],
    ['/boards/special/me', methods('special')],
  ]),
);

describe('a path', () => {
  it.each([
    ['/boards', '/boards', ''],
    ['/boards/a-b/entries', '/boards/{board}/entries', 'a-b'],
    ['/boards/me/me', '/boards/{board}/me', 'me'],
    ['/boards/special/me', '/boards/special/me', ''],
    // What the part may be is for the handler to say.
    ['/boards/%20/me', '/boards/{board}/me', '%20'],
    ['/boards/{board}/me', '/boards/{board}/me', '{board}'],
  ])('%s is %s', (path, route, part) => {
    expect(find(path)).toMatchObject({ route, part });
  });

  it.each(['/', '/boards/', '/boards//me', '/boards/a/b/me', '/boards/me', '/boards/a/me/', '/boards/a', ''])(
    '%s is none',
    (path) => {
      expect(find(path)).toBeUndefined();
    },
  );
});
