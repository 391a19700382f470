import { describe, expect, it } from 'vitest';
import { link, pass, serve, start, useLink, world } from './link-fixture.ts';

useLink();

describe('the token', () => {
  it('is shown in the handshake', async () => {
    await start({ token: () => 'a.b.c' });
    expect(world.socket().protocols).toEqual(['scoreboard.v1', 'bearer.a.b.c']);
    expect(world.socket().url.href).not.toContain('a.b.c');
  });

  it('is asked for anew when it was refused, and not shown twice', async () => {
    const asked: (string | undefined)[] = [];
    await start({
      token: ({ refused }) => {
        asked.push(refused);
        return refused === undefined ? 'old' : 'new';
      },
    });
    world.socket().server.opened();
    world.socket().server.closed(4401, 'token expired');
    await pass(500);
    expect(asked).toEqual([undefined, 'old']);
    expect(world.socket().protocols).toEqual(['scoreboard.v1', 'bearer.new']);
  });

  it.each([
    ['a function', () => 'only'],
    ['a string', 'only'],
  ] as const)(
    'of %s is left out when it is refused and there is no other, and the page is told',
    async (_, token) => {
      const errors: object[] = [];
      await start({ token, onError: (error) => errors.push(error) });
      expect(world.socket().protocols).toEqual(['scoreboard.v1', 'bearer.only']);
      world.socket().server.closed(4401, 'token invalid');
      await pass(500);
      expect(world.socket().protocols).toEqual(['scoreboard.v1']);
      expect(errors).toEqual([{ reason: 'TOKEN_INVALID', message: 'token invalid' }]);
    },
  );

  it('is left out when its source fails or gives something that is no token, and the page is told', async () => {
    const errors: string[] = [];
    const onError = ({ reason }: { reason: string }) => errors.push(reason);
    await start({ token: () => Promise.reject(new Error('no')), onError });
    expect(world.socket().protocols).toEqual(['scoreboard.v1']);
    link.close();
    await start({ token: 'two words', onError });
    expect(world.socket().protocols).toEqual(['scoreboard.v1']);
    expect(errors).toEqual(['TOKEN_UNAVAILABLE', 'TOKEN_INVALID']);
  });

  it('is renewed in band, without a new connection', async () => {
    let token = 'first';
    await start({ token: () => token });
    serve();
    token = 'second';
    await link.renewToken();
    await link.renewToken();
    expect(world.socket().sent).toEqual([{ type: 'authenticate', token: 'second' }]);
    expect(world.sockets).toHaveLength(1);
  });

  it('that comes while the socket is opening is shown in a new handshake', async () => {
    let token: string | undefined;
    await start({ token: () => token });
    token = 'first';
    await link.renewToken();
    await pass(0);
    expect(world.sockets.map((socket) => socket.left)).toEqual([true, false]);
    expect(world.socket().protocols).toEqual(['scoreboard.v1', 'bearer.first']);
  });

  it('that is gone makes the link a stranger again', async () => {
    let token: string | undefined = 'first';
    await start({ token: () => token });
    serve();
    token = undefined;
    await link.renewToken();
    await pass(0);
    expect(world.sockets.map((socket) => socket.left)).toEqual([true, false]);
    expect(world.socket().protocols).toEqual(['scoreboard.v1']);
  });
});
