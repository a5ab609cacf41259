import { expect, test } from 'vitest';
import { fromHere } from '../../src/config/from-here.ts';

test('a browser is sent to an address that it can open, however all addresses are spelled', () => {
  for (const [listensOn, url] of [
    ['http://0.0.0.0:8787', 'http://127.0.0.1:8787'],
    ['http://0:8787', 'http://127.0.0.1:8787'],
    ['http://[::]:8787', 'http://localhost:8787'],
    ['http://[0:0:0:0:0:0:0:0]:80', 'http://localhost'],
  ] as const)
    expect(fromHere(listensOn)).toEqual({ url, isOpenToOthers: true });
  for (const url of ['http://127.0.0.1:8787', 'http://localhost:80', 'http://[::1]:8787', 'http://gateway.lan:8787'])
    expect(fromHere(url)).toEqual({ url, isOpenToOthers: false });
});
