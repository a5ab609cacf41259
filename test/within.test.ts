import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { inTime, within } from '../src/within.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('what is in this process’s memory is waited for without a timer', async () => {
  const setTimer = vi.spyOn(globalThis, 'setTimeout');
  const lookUp = async (): Promise<string> => 'found';
  expect(await within(10, lookUp())).toBe('found');
  expect(await within(10, Promise.resolve(null))).toBe(null);
  expect(setTimer).not.toHaveBeenCalled();
});

test('what comes in time is given, what is late or fails is null, and no timer is left', async () => {
  const after = <T>(ms: number, give: () => T): Promise<T> =>
    new Promise((resolve, reject) =>
      setTimeout(() => {
        try {
          resolve(give());
        } catch (error) {
          reject(error);
        }
      }, ms),
    );
  const inTime = within(
    10,
    after(5, () => 'found'),
  );
  await vi.advanceTimersByTimeAsync(5);
  expect(await inTime).toBe('found');
  const failing = within(
    10,
    after(5, () => {
      throw new Error('gone');
    }),
  );
  await vi.advanceTimersByTimeAsync(5);
  expect(await failing).toBe(null);
  const hanging = within(10, new Promise<string>(() => {}));
  await vi.advanceTimersByTimeAsync(10);
  expect(await hanging).toBe(null);
  expect(vi.getTimerCount()).toBe(0);
});

test('who must know is told what came too late, and what fails fails as it did', async () => {
  const late = (): Error => new Error('too late');
  expect(await inTime(Promise.resolve('found'), 10, late)).toBe('found');
  await expect(inTime(Promise.reject(new Error('gone')), 10, late)).rejects.toThrow('gone');
  const waiting = expect(inTime(new Promise(() => {}), 10, late)).rejects.toThrow('too late');
  await vi.advanceTimersByTimeAsync(10);
  await waiting;
  expect(vi.getTimerCount()).toBe(0);
});
