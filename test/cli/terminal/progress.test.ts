import { PassThrough } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { afterEach, expect, test, vi } from 'vitest';
import { CommandFailed } from '../../../src/cli/command-failed.ts';
import { lineOf, withProgress } from '../../../src/cli/terminal/progress.ts';

const IMPORTING = { doing: 'importing', noun: 'decision', interrupted: 'what was imported stays' };
const REPLAYING = { doing: 'replaying', noun: 'run', total: 20, interrupted: 'nothing is kept' };

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

/** Something like stderr that remembers all it was told. */
function stream(terminal: { columns: number } | null): { out: WriteStream; said: () => string } {
  const out = new PassThrough().setEncoding('utf8');
  let said = '';
  out.on('data', (text: string) => {
    said += text;
  });
  Object.assign(out, terminal && { isTTY: true, ...terminal });
  return { out: out as unknown as WriteStream, said: () => said };
}

test('says how much is done, of how much, and how long the rest takes', () => {
  expect(lineOf(REPLAYING, 0, undefined, 5000)).toBe('replaying: 0%, 0 of 20 runs');
  expect(lineOf(REPLAYING, 5, undefined, 500)).toBe('replaying: 25%, 5 of 20 runs');
  expect(lineOf(REPLAYING, 5, undefined, 4000)).toBe('replaying: 25%, 5 of 20 runs, 12 s left');
  expect(lineOf(REPLAYING, 5, undefined, 400_000)).toBe('replaying: 25%, 5 of 20 runs, 20 min left');
  expect(lineOf(REPLAYING, 1, undefined, 400_000)).toBe('replaying: 5%, 1 of 20 runs, 2 h 7 min left');
  expect(lineOf(REPLAYING, 20, undefined, 4000)).toBe('replaying: 100%, 20 of 20 runs');
  expect(lineOf({ ...REPLAYING, total: 0 }, 0, undefined, 4000)).toBe('replaying: 100%, 0 of 0 runs');
  expect(lineOf(IMPORTING, 12_500, undefined, 4000)).toBe('importing: 12,500 decisions');
  expect(lineOf(IMPORTING, 12_500, 0.25, 4000)).toBe('importing: 25%, 12,500 decisions, 12 s left');
});

test('a terminal sees one line, drawn again and again, and nothing of it in the end', async () => {
  vi.useFakeTimers();
  vi.stubEnv('CI', '');
  vi.stubEnv('TERM', 'xterm');
  const { out, said } = stream({ columns: 80 });
  await withProgress(
    IMPORTING,
    async ({ at }) => {
      at(250);
      await vi.advanceTimersByTimeAsync(100);
      at(500);
      await vi.advanceTimersByTimeAsync(100);
    },
    out,
  );
  const drawn = '\u001b[1G';
  const restCleared = '\u001b[0K';
  expect(said()).toBe(
    `${drawn}importing: 250 decisions${restCleared}${drawn}importing: 500 decisions${restCleared}${drawn}${restCleared}`,
  );
});

test('a log sees nothing of short work, and a line every ten seconds of long work', async () => {
  vi.useFakeTimers();
  const { out, said } = stream(null);
  const work = (seconds: number) => () => vi.advanceTimersByTimeAsync(seconds * 1000).then(() => {});
  await withProgress(REPLAYING, work(9), out);
  expect(said()).toBe('');
  await withProgress(REPLAYING, work(25), out);
  expect(said()).toBe('replaying: 0%, 0 of 20 runs\nreplaying: 0%, 0 of 20 runs\n');
});

test('the terminal of a CI service, or one that cannot redraw, is treated as a log', async () => {
  for (const [name, value] of [
    ['CI', 'true'],
    ['TERM', 'dumb'],
  ] as const) {
    vi.stubEnv('CI', '');
    vi.stubEnv('TERM', 'xterm');
    vi.stubEnv(name, value);
    const { out, said } = stream({ columns: 80 });
    await withProgress(IMPORTING, async ({ at }) => at(1), out);
    expect(said()).toBe('');
  }
});

test('what fails leaves no line behind', async () => {
  vi.stubEnv('CI', '');
  vi.stubEnv('TERM', 'xterm');
  const { out, said } = stream({ columns: 80 });
  const failing = withProgress(IMPORTING, async () => Promise.reject(new Error('the disk is full')), out);
  await expect(failing).rejects.toThrow('the disk is full');
  expect(said()).toBe('\u001b[1G\u001b[0K');
  expect(process.listenerCount('SIGINT')).toBe(0);
});

test('Ctrl-C ends the work between two steps, and what is left behind is said', async () => {
  vi.stubEnv('CI', '');
  vi.stubEnv('TERM', 'xterm');
  const { out, said } = stream({ columns: 80 });
  let steps = 0;
  const work = withProgress(
    IMPORTING,
    async ({ at, signal }) => {
      for (;;) {
        at(++steps);
        if (steps === 3) {
          process.emit('SIGINT', 'SIGINT');
          // npm hands it on once more.
          process.emit('SIGINT', 'SIGINT');
        }
        expect(signal.aborted).toBe(steps >= 3);
        await Promise.resolve();
      }
    },
    out,
  );
  const error = await work.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CommandFailed);
  expect(error).toMatchObject({ message: 'interrupted: what was imported stays', exitCode: 130 });
  expect(steps).toBe(4);
  expect(said()).toContain('importing: ending after this step (Ctrl-C again ends it at once)');
  expect(said()).toMatch(/G\S+0K$/);
});
