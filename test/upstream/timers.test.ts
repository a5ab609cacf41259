import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTimers } from '../../src/upstream/timers.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});
const clock = () => performance.now();

describe('the timers of a request', () => {
  test('go off each at its time, in whatever order they were set', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 8 }), (delays) => {
        const timers = createTimers(clock);
        const startedAt = clock();
        const wentOff: number[] = [];
        for (const ms of delays) timers.after(ms, () => wentOff.push(clock() - startedAt));
        vi.advanceTimersByTime(100);
        expect(wentOff).toEqual(delays.toSorted((a, b) => a - b));
        expect(vi.getTimerCount()).toBe(0);
      }),
    );
  });

  test('are one of the platform’s between them', () => {
    const timers = createTimers(clock);
    for (const ms of [300, 100, 200]) timers.after(ms, () => {});
    expect(vi.getTimerCount()).toBe(1);
    timers.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('may set others, and none goes off once they have been stopped', () => {
    const timers = createTimers(clock);
    const did: string[] = [];
    timers.after(10, () => {
      did.push('first');
      timers.after(10, () => did.push('second'));
    });
    timers.after(20, () => {
      did.push('last');
      timers.stop();
    });
    timers.after(20, () => did.push('never'));
    vi.advanceTimersByTime(100);
    timers.after(1, () => did.push('never'));
    vi.advanceTimersByTime(100);
    expect(did).toEqual(['first', 'last']);
  });
});
