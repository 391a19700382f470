import { expect, it } from 'vitest';
import { addressOf } from '../../../../../edge/web/client/handshake.ts';

it.each([
  ['wss://live.example/live', undefined, 'wss://live.example/live'],
  ['https://play.example/board/live', undefined, 'wss://play.example/board/live'],
  ['http://localhost:8080/live', undefined, 'ws://localhost:8080/live'],
  ['ws://live.example/live?a=b', { epoch: 3, seq: 14 }, 'ws://live.example/live?a=b&epoch=3&seq=14'],
])('the socket of %s, with %j known, is at %s', (url, known, expected) => {
  expect(addressOf(url, known)).toBe(expected);
});
