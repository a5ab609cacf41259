import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AnswerSink } from '../../src/http/exchange.ts';
import { keptAlive } from '../../src/http/keep-alive.ts';
import { bytesOf } from '../support/cuts.ts';

const EVERY_MS = 10_000;
const EVENTS = { 'content-type': 'text/event-stream' };
const COMMENT = ': keep-alive\n\n';

describe('comments in a silent stream', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A client that does with what it is sent as it is told. */
  const client = (early: (() => Record<string, string>) | null = () => ({ 'x-model': 'a' })) => {
    const seen = { calls: [] as string[], text: '', reads: true, drain: () => {}, leave: () => {} };
    const sink: AnswerSink = {
      begin: (status, headers) => void seen.calls.push(`begin ${status} ${headers['x-model']}`),
      answer: (status) => void seen.calls.push(`answer ${status}`),
      write(chunk) {
        seen.text += new TextDecoder().decode(chunk);
        return seen.reads;
      },
      onDrain(listener) {
        seen.drain = listener;
      },
      end: () => void seen.calls.push('end'),
      abort: () => void seen.calls.push('abort'),
      sent: async () => {},
      onLeave(listener) {
        seen.leave = listener;
      },
    };
    return { seen, stream: keptAlive(sink, { everyMs: EVERY_MS, clock: () => performance.now(), early }) };
  };

  test('come when nothing has been written for so long, once more a second later, and then so again', () => {
    const { seen, stream } = client();
    vi.advanceTimersByTime(EVERY_MS - 1);
    expect(seen.calls).toEqual([]);
    vi.advanceTimersByTime(1);
    expect([seen.calls, seen.text]).toEqual([['begin 200 a'], COMMENT]);
    vi.advanceTimersByTime(1_000);
    expect(seen.text).toBe(COMMENT.repeat(2));
    vi.advanceTimersByTime(EVERY_MS - 1);
    expect(seen.text).toBe(COMMENT.repeat(2));
    vi.advanceTimersByTime(1);
    expect(seen.text).toBe(COMMENT.repeat(3));
    // The upstream's own beginning comes too late.
    stream.begin(200, EVENTS);
    stream.end();
    vi.advanceTimersByTime(10 * EVERY_MS);
    expect([seen.calls, seen.text]).toEqual([['begin 200 a', 'end'], COMMENT.repeat(3)]);
  });

  test('do not come while something is written', () => {
    const { seen, stream } = client();
    stream.begin(200, EVENTS);
    for (let i = 0; i < 10; i++) {
      vi.advanceTimersByTime(EVERY_MS - 1);
      stream.write(bytesOf('data: x\n\n'));
    }
    expect(seen.text).toBe('data: x\n\n'.repeat(10));
  });

  test('do not heap up before a client that does not read, and go on when it does', () => {
    const { seen, stream } = client();
    seen.reads = false;
    vi.advanceTimersByTime(10 * EVERY_MS);
    expect(seen.text).toBe(COMMENT);
    seen.reads = true;
    seen.drain();
    vi.advanceTimersByTime(EVERY_MS);
    expect(seen.text.length).toBeGreaterThan(COMMENT.length);
    // Who writes hears of it too.
    const drained = vi.fn();
    stream.onDrain(drained);
    seen.drain();
    expect(drained).toHaveBeenCalledOnce();
  });

  test.each([
    ['is packed', { ...EVENTS, 'content-encoding': 'gzip' }],
    ['is no stream of events', { 'content-type': 'audio/mpeg' }],
  ])('are not put into what %s', (_, headers) => {
    const { seen, stream } = client(null);
    stream.begin(200, headers);
    vi.advanceTimersByTime(10 * EVERY_MS);
    expect(seen.text).toBe('');
  });

  test('wait for the upstream where nobody knows what its answer will be', () => {
    const { seen, stream } = client(null);
    vi.advanceTimersByTime(10 * EVERY_MS);
    expect(seen.calls).toEqual([]);
    stream.begin(200, EVENTS);
    vi.advanceTimersByTime(EVERY_MS);
    expect(seen.text).toBe(COMMENT);
  });

  test('end when the client has left', () => {
    const { seen, stream } = client();
    const left = vi.fn();
    stream.onLeave(left);
    vi.advanceTimersByTime(EVERY_MS);
    seen.leave();
    vi.advanceTimersByTime(10 * EVERY_MS);
    expect([seen.text, left.mock.calls.length]).toEqual([COMMENT, 1]);
  });

  test('leave an answer that comes at once its status, and make a late one an event', () => {
    const error = { error: { message: 'busy' } };
    const soon = client();
    soon.stream.answer(503, {}, bytesOf(JSON.stringify(error)));
    expect(soon.seen.calls).toEqual(['answer 503']);
    const late = client();
    vi.advanceTimersByTime(EVERY_MS);
    late.stream.answer(503, {}, bytesOf(JSON.stringify(error)));
    expect(late.seen.calls).toEqual(['begin 200 a', 'end']);
    expect(late.seen.text).toBe(`${COMMENT}data: ${JSON.stringify(error)}\n\n`);
  });
});
