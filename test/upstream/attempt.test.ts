import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startAttempt } from '../../src/upstream/attempt.ts';
import type { ResponseHeaders } from '../../src/upstream/port.ts';
import { bytesOf } from '../support/cuts.ts';
import { piece, sse } from '../support/fake-upstream.ts';
import { playSides } from '../support/played.ts';

const STREAM = { 'content-type': 'text/event-stream' };
const JSON_TYPE = { 'content-type': 'application/json' };
const WHOLE = '{"id":"c","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}';
const TIMEOUTS = { connectMs: 100, firstByteMs: 1_000, firstByteForWholeAnswers: false, idleMs: 500, totalMs: 10_000 };

/** An attempt whose upstream and client are played by hand; `did` is all that reached either of them, in order. */
function play(
  options: { stream?: boolean; ownUsage?: boolean; timeouts?: Partial<typeof TIMEOUTS>; full?: () => boolean } = {},
) {
  const sides = playSides(options.full);
  const attempt = startAttempt({
    send: sides.send,
    request: { method: 'POST', url: 'http://upstream', headers: {}, body: '{}', connectMs: 100 },
    timeouts: { ...TIMEOUTS, ...options.timeouts },
    stream: options.stream ?? true,
    ownUsage: options.ownUsage ?? false,
    clean: (error) => error,
    client: sides.client,
    clock: sides.clock,
    begin: sides.begin,
  });
  return {
    attempt,
    did: sides.did,
    headers: (status: number, headers: ResponseHeaders = STREAM) => sides.upstream()?.headers(status, headers),
    bytes: (chunk: Uint8Array) => sides.upstream()?.data(chunk),
    data: (text: string) => sides.upstream()?.data(bytesOf(text)),
    end: () => sides.upstream()?.end(),
    fail: (kind: 'connect' | 'connect_timeout' | 'reset') => sides.upstream()?.failed({ kind, message: 'ECONNRESET' }),
    drain: sides.drain,
    text: sides.text,
    ended: sides.watch(attempt.ended),
  };
}

describe('an attempt', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('passes a stream on and completes', async () => {
    const { headers, data, end, ended, text, did } = play();
    headers(200);
    data(piece('Hi'));
    data(piece('', 'stop'));
    data('data: [DONE]\n\n');
    end();
    expect(await ended()).toMatchObject({ outcome: 'completed', status: 200, begun: true, message: null });
    expect(text()).toBe(`${piece('Hi')}${piece('', 'stop')}data: [DONE]\n\n`);
    expect(did).toEqual(['begin 200', 'write', 'write', 'write', 'end']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('has nothing begun while only comments have come, so that another arm may still answer', async () => {
    const { headers, data, fail, ended, did } = play();
    headers(200);
    data(': keep-alive\n\n');
    fail('reset');
    expect(await ended()).toMatchObject({ outcome: 'upstream_drop', begun: false });
    expect(did).toEqual([]);
  });

  test('passes held comments on with the first event, whose time is the first byte’s', async () => {
    const { headers, data, end, ended, text } = play();
    headers(200);
    await vi.advanceTimersByTimeAsync(100);
    data(': keep-alive\n\n');
    await vi.advanceTimersByTimeAsync(200);
    data(piece('Hi', 'stop'));
    end();
    expect(await ended()).toMatchObject({ outcome: 'completed', firstByteMs: 300 });
    expect(text()).toBe(`: keep-alive\n\n${piece('Hi', 'stop')}`);
  });

  test('does not hold back comments for ever', async () => {
    const { headers, data, did } = play();
    headers(200);
    data(`: ${'x'.repeat(70_000)}\n\n`);
    expect(did).toEqual(['begin 200', 'write']);
  });

  test('that breaks off in the middle of a line tells its error in an event of its own', async () => {
    for (const ownUsage of [true, false]) {
      const { headers, data, fail, ended, text } = play({ ownUsage });
      headers(200);
      data(piece('Hi'));
      data('data: {"choices":[{"delta":{"cont');
      fail('reset');
      expect(await ended()).toMatchObject({ outcome: 'upstream_drop', begun: true });
      const events = text()
        .split('\n')
        .filter((line) => line !== '');
      expect(events).toHaveLength(2);
      expect(JSON.parse(events[1]?.slice(6) ?? '')).toMatchObject({
        error: { code: 'upstream_drop', message: expect.stringContaining('ECONNRESET') },
      });
      expect(text()).not.toContain('[DONE]');
    }
  });

  test('that breaks off tells so in an event of its own, and leaves none without data where events have ids', async () => {
    const first = `id: 1\n${piece('Hi')}`;
    const begun = `id: 2\n${piece(' there').slice(0, -1)}`;
    for (const [came, had] of [
      [first, first],
      [`${first}id: 2\ndata: {"cho`, `${first}id: 2\n`],
      [first + begun, `${first}${begun}\n`],
    ] as const) {
      const { headers, data, fail, ended, text } = play();
      headers(200);
      data(came);
      fail('reset');
      expect(await ended()).toMatchObject({ outcome: 'upstream_drop', begun: true });
      expect(text().startsWith(`${had}data: {"error":`)).toBe(true);
    }
  });

  test('that breaks off behind its answer leaves no name without data, which a client would take for an event', async () => {
    const { headers, data, fail, ended, text } = play();
    headers(200);
    const answered = `event: chunk\n${piece('Hi', 'stop')}event: end\n`;
    data(`${answered}data: [DO`);
    fail('reset');
    expect(await ended()).toMatchObject({ outcome: 'completed' });
    expect(text()).toBe(`${answered}event:\n`);
  });

  test('that ends cleanly without a finish reason is told as broken off', async () => {
    const { headers, data, end, ended, text } = play();
    headers(200);
    data(piece('Hi'));
    end();
    expect(await ended()).toMatchObject({ outcome: 'upstream_drop', begun: true });
    expect(text()).toContain('"code":"upstream_drop"');
  });

  test('that breaks off or falls silent behind the whole answer has completed, and adds no error to it', async () => {
    for (const how of ['reset', 'silence']) {
      for (const last of ['data: [DONE]\n\n', '']) {
        const { headers, data, fail, ended, text } = play();
        headers(200);
        data(piece('Hi'));
        data(piece('', 'stop') + last);
        if (how === 'reset') fail('reset');
        else await vi.advanceTimersByTimeAsync(500);
        expect(await ended()).toMatchObject({ outcome: 'completed', begun: true, message: null });
        expect(text()).toBe(piece('Hi') + piece('', 'stop') + last);
      }
    }
  });

  test('whose stream tells an error first has begun nothing, even where an empty piece came with it', async () => {
    for (const first of [
      sse({ error: { message: 'overloaded' } }),
      piece('') + sse({ error: { message: 'overloaded' } }),
    ]) {
      const { headers, data, ended, did } = play();
      headers(200);
      data(first);
      expect(await ended()).toMatchObject({
        outcome: 'upstream_error',
        status: 200,
        message: 'overloaded',
        begun: false,
        observed: null,
      });
      expect(did).toEqual(['cancel']);
    }
  });

  test('whose stream tells an error later passes it on as it is and adds none', async () => {
    for (const last of ['', 'data: [DONE]\n\n']) {
      const { headers, data, end, ended, text } = play();
      const error = sse({ error: { message: 'overloaded' } });
      headers(200);
      data(piece('Hi'));
      data(error + last);
      end();
      expect(await ended()).toMatchObject({ outcome: 'upstream_error', message: 'overloaded', begun: true });
      expect(text()).toBe(piece('Hi') + error + last);
    }
  });

  test('whose client leaves at the upstream’s own error is the upstream’s failure, not the client’s leaving', async () => {
    const { headers, data, attempt, ended } = play();
    headers(200);
    data(piece('Hi'));
    data(sse({ error: { message: 'overloaded' } }));
    attempt.abandon();
    expect(await ended()).toMatchObject({ outcome: 'upstream_error' });
  });

  test('whose stream holds no answer at all has failed', async () => {
    for (const body of ['', ': keep-alive\n\n', 'data: [DONE]\n\n', 'data: noise\n\n']) {
      const { headers, data, end, ended } = play();
      headers(200);
      data(body);
      end();
      expect(await ended()).toMatchObject({ outcome: 'upstream_drop', begun: false });
    }
  });

  test('gives a whole answer byte for byte, even where it is no UTF-8', async () => {
    const bytes = Uint8Array.from([
      0xef,
      0xbb,
      0xbf,
      ...bytesOf(WHOLE.replace('Hi', 'Hi#')).map((byte) => (byte === 35 ? 0xff : byte)),
    ]);
    const { headers, bytes: send, end, ended } = play({ stream: false });
    headers(200, JSON_TYPE);
    send(bytes.subarray(0, 20));
    send(bytes.subarray(20));
    end();
    expect(await ended()).toMatchObject({ outcome: 'completed', body: bytes });
  });

  test('takes no answer for one that is HTML, empty, without choices, or an error with status 200', async () => {
    for (const body of ['<html>', '', '{"choices":[]}', '{"error":{"message":"no such deployment"}}']) {
      const { headers, data, end, ended } = play({ stream: false });
      headers(200, JSON_TYPE);
      data(body);
      end();
      const result = await ended();
      expect(result).toMatchObject({ outcome: 'upstream_error', status: 200, begun: false });
      if (body.includes('error')) expect(result?.message).toBe('no such deployment');
    }
  });

  test('refuses an answer in an encoding that was not asked for', async () => {
    const { headers, ended, did } = play();
    headers(200, { ...STREAM, 'content-encoding': 'gzip' });
    expect(await ended()).toMatchObject({
      outcome: 'upstream_error',
      begun: false,
      message: expect.stringContaining('gzip'),
    });
    expect(did).toEqual(['cancel']);
    const plain = play({ stream: false });
    plain.headers(200, { ...JSON_TYPE, 'content-encoding': 'identity' });
    plain.data(WHOLE);
    plain.end();
    expect(await plain.ended()).toMatchObject({ outcome: 'completed' });
  });

  test('times out where no event comes, comments or not', async () => {
    const { headers, data, ended, did } = play();
    headers(200);
    for (let i = 0; i < 3; i++) {
      await vi.advanceTimersByTimeAsync(330);
      data(': keep-alive\n\n');
    }
    expect(await ended()).toBe(null);
    await vi.advanceTimersByTimeAsync(10);
    expect(await ended()).toMatchObject({ outcome: 'timeout', begun: false });
    expect(did).toEqual(['cancel']);
  });

  test('times out where the upstream falls silent in mid-stream, and says so', async () => {
    const { headers, data, ended, text } = play();
    headers(200);
    data(piece('Hi'));
    await vi.advanceTimersByTimeAsync(499);
    expect(await ended()).toBe(null);
    await vi.advanceTimersByTimeAsync(1);
    expect(await ended()).toMatchObject({ outcome: 'timeout', begun: true });
    expect(text()).toContain('"type":"timeout_error","param":null,"code":"upstream_timeout"');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('times out where the answer takes too long in all', async () => {
    const { headers, data, ended } = play();
    headers(200);
    for (let i = 0; i < 24; i++) {
      data(piece('Hi'));
      await vi.advanceTimersByTimeAsync(400);
    }
    expect(await ended()).toBe(null);
    data(piece('Hi'));
    await vi.advanceTimersByTimeAsync(400);
    expect(await ended()).toMatchObject({ outcome: 'timeout', message: expect.stringContaining('10000 ms') });
  });

  test('does not hold a whole answer to the limit for the first byte, unless the user set one', async () => {
    const patient = play({ stream: false });
    await vi.advanceTimersByTimeAsync(5_000);
    patient.headers(200, JSON_TYPE);
    patient.data(WHOLE);
    patient.end();
    expect(await patient.ended()).toMatchObject({ outcome: 'completed' });

    const strict = play({ stream: false, timeouts: { firstByteForWholeAnswers: true } });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await strict.ended()).toMatchObject({ outcome: 'timeout' });

    const begun = play({ stream: false, timeouts: { firstByteForWholeAnswers: true } });
    begun.headers(200, JSON_TYPE);
    await vi.advanceTimersByTimeAsync(900);
    begun.data(WHOLE.slice(0, 9));
    await vi.advanceTimersByTimeAsync(400);
    begun.data(WHOLE.slice(9));
    begun.end();
    expect(await begun.ended()).toMatchObject({ outcome: 'completed' });
  });

  test('tells a connection that takes too long from one that fails', async () => {
    const slow = play();
    slow.fail('connect_timeout');
    expect(await slow.ended()).toMatchObject({ outcome: 'timeout', status: null });
    const refused = play();
    refused.fail('connect');
    expect(await refused.ended()).toMatchObject({ outcome: 'upstream_error', status: null });
  });

  test('stops reading while the client does not, and that time is not held against the upstream', async () => {
    let full = true;
    const { headers, data, drain, end, ended, did } = play({ full: () => full });
    headers(200);
    data(piece('one'));
    data(piece('two'));
    expect(did).toEqual(['begin 200', 'write', 'pause', 'write']);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await ended()).toBe(null);
    full = false;
    drain();
    expect(did.at(-1)).toBe('resume');
    data(piece('', 'stop'));
    end();
    expect(await ended()).toMatchObject({ outcome: 'completed' });
  });

  test('waits for a client that does not read, but not without end: then both sides are cut', async () => {
    for (const [totalMs, limit] of [
      [10_000, 10_000],
      [3_600_000, 300_000],
    ] as const) {
      const { headers, data, ended, did } = play({ full: () => true, timeouts: { totalMs } });
      headers(200);
      data(piece('Hi'));
      await vi.advanceTimersByTimeAsync(limit - 1);
      expect(await ended()).toBe(null);
      await vi.advanceTimersByTimeAsync(1);
      expect(await ended()).toMatchObject({ outcome: 'client_abort', begun: true });
      expect(did).toEqual(['begin 200', 'write', 'pause', 'abort', 'cancel']);
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  test('whose client leaves closes the upstream’s side at once', async () => {
    const { headers, data, attempt, ended, did } = play();
    headers(200);
    data(piece('Hi'));
    attempt.abandon();
    attempt.abandon();
    data(piece('late'));
    expect(await ended()).toMatchObject({ outcome: 'client_abort' });
    expect(did).toEqual(['begin 200', 'write', 'cancel']);
  });

  test('ends exactly once and writes nothing after, whatever happens in whatever order', async () => {
    const step = fc.oneof(
      fc.constantFrom('headers 200', 'headers 500', 'whole', 'end', 'reset', 'leave', 'wait', 'drain', 'done'),
      fc.constantFrom(piece('a'), piece('', 'stop'), ': c\n\n', 'data: {"cho', sse({ error: { message: 'no' } })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.boolean(), fc.boolean(), async (steps, ownUsage, full) => {
        const { headers, data, end, fail, drain, attempt, did, ended } = play({ ownUsage, full: () => full });
        let over = false;
        for (const one of steps) {
          if (one === 'headers 200') headers(200);
          else if (one === 'headers 500') headers(500, JSON_TYPE);
          else if (one === 'leave') attempt.abandon();
          else if (one === 'wait') await vi.advanceTimersByTimeAsync(400);
          else if (one === 'drain') drain();
          else if (one === 'done') data('data: [DONE]\n\n');
          else if (one === 'whole') data(WHOLE);
          // The port promises that one of these ends it.
          else if (one === 'end' || one === 'reset') {
            if (!over) (one === 'end' ? end : () => fail('reset'))();
            over = true;
          } else data(one);
        }
        await vi.advanceTimersByTimeAsync(20_000);
        expect(await ended()).not.toBe(null);
        expect(did.filter((what) => what.startsWith('begin')).length).toBeLessThanOrEqual(1);
        expect(did.filter((what) => what === 'end').length).toBeLessThanOrEqual(1);
        const written = did.lastIndexOf('write');
        if (written >= 0) expect(did.slice(0, written)).toContainEqual(expect.stringMatching(/^begin/));
        if (did.includes('end')) expect(did.indexOf('end')).toBeGreaterThan(written);
        expect(vi.getTimerCount()).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
