import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ResponseHeaders } from '../../src/upstream/port.ts';
import { type RelayTimeouts, startRelay } from '../../src/upstream/relay.ts';
import { bytesOf } from '../support/cuts.ts';
import { piece } from '../support/fake-upstream.ts';
import { playSides } from '../support/played.ts';

const FILE = { 'content-type': 'application/octet-stream' };
const STREAM = { 'content-type': 'text/event-stream' };
const MINUTES = 60_000;
const LAST = 'data: {"type":"response.completed"}\n\n';

/** A relay whose upstream and client are played by hand; `did` is all that reached either of them, in order. */
function play(options: { timeouts?: Partial<RelayTimeouts>; full?: () => boolean } = {}) {
  const sides = playSides(options.full);
  const relay = startRelay({
    send: sides.send,
    request: { method: 'GET', url: 'http://upstream', headers: {}, body: null, connectMs: 100 },
    timeouts: { firstByteMs: 1_000, idleMs: 500, totalMs: null, ...options.timeouts },
    client: sides.client,
    clean: (error) => error,
    clock: sides.clock,
    begin: sides.begin,
  });
  return {
    did: sides.did,
    headers: (headers: ResponseHeaders) => sides.upstream()?.headers(200, headers),
    data: (text: string) => sides.upstream()?.data(bytesOf(text)),
    end: () => sides.upstream()?.end(),
    drain: sides.drain,
    text: sides.text,
    ended: sides.watch(relay.ended),
  };
}

describe('a relay', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('waits for a client that does not read, but not without end: then both sides are cut', async () => {
    for (const [idleMs, patience] of [
      [500, 5 * MINUTES],
      [MINUTES, 10 * MINUTES],
    ] as const) {
      for (const headers of [FILE, STREAM]) {
        const relay = play({ timeouts: { idleMs }, full: () => true });
        relay.headers(headers);
        relay.data('data: some\n\n');
        await vi.advanceTimersByTimeAsync(patience - 1);
        expect(await relay.ended()).toBe(null);
        await vi.advanceTimersByTimeAsync(1);
        expect(await relay.ended()).toMatchObject({ outcome: 'client_abort', begun: true });
        expect(relay.did).toEqual(['begin 200', 'write', 'pause', 'abort', 'cancel']);
        expect(vi.getTimerCount()).toBe(0);
      }
    }
  });

  test('whose client reads again waits for the upstream no longer than ever', async () => {
    let full = true;
    const relay = play({ full: () => full });
    relay.headers(FILE);
    relay.data('some');
    await vi.advanceTimersByTimeAsync(2 * MINUTES);
    full = false;
    relay.drain();
    expect(relay.did.at(-1)).toBe('resume');
    await vi.advanceTimersByTimeAsync(499);
    expect(await relay.ended()).toBe(null);
    await vi.advanceTimersByTimeAsync(1);
    expect(await relay.ended()).toMatchObject({ outcome: 'timeout' });
    expect(relay.did.slice(-2)).toEqual(['cancel', 'abort']);
  });

  test('that takes too long since its client does not read is the client’s doing', async () => {
    const relay = play({ timeouts: { totalMs: MINUTES }, full: () => true });
    relay.headers(STREAM);
    relay.data('data: some\n\n');
    await vi.advanceTimersByTimeAsync(MINUTES);
    expect(await relay.ended()).toMatchObject({ outcome: 'client_abort' });
    expect(relay.did.slice(-2)).toEqual(['abort', 'cancel']);
  });

  test.each([
    ['responses without their last event', 'data: {"type":"response.output_text.delta","delta":"Hi"}\n\n'],
    ['a completion without a reason or [DONE]', piece('Hi').replace('{', '{"object":"chat.completion.chunk",')],
  ])('of %s has been broken off, however cleanly it ends', async (_what, text) => {
    const relay = play();
    relay.headers(STREAM);
    relay.data(text);
    relay.end();
    expect(await relay.ended()).toMatchObject({ outcome: 'upstream_drop' });
    expect(relay.text()).toContain('"code":"upstream_drop"');
  });

  test.each([
    ['responses with it', LAST],
    ['a completion with a reason', piece('', 'stop').replace('{', '{"object":"chat.completion.chunk",')],
    ['events of which no end is known', 'data: {"type":"speech.audio.delta"}\n\n'],
  ])('of %s is whole', async (_what, text) => {
    const relay = play();
    relay.headers(STREAM);
    relay.data(text);
    relay.end();
    expect(await relay.ended()).toMatchObject({ outcome: 'completed', message: null });
    expect(relay.text()).toBe(text);
  });
});
