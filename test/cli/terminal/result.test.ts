import { afterEach, expect, test, vi } from 'vitest';
import { printResult } from '../../../src/cli/terminal/result.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** What is written to stdout meanwhile. */
async function printed(work: () => Promise<void>): Promise<string> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation(((chunk: string, done: (error?: Error) => void) => {
    text += chunk;
    done();
    return true;
  }) as typeof process.stdout.write);
  await work();
  return text;
}

const RESULT = { document: { decisions: 2 }, text: () => ['two decisions', 'no more'] };

test('people get the text', async () => {
  expect(await printed(() => printResult({}, RESULT))).toBe('two decisions\nno more\n');
});

test('programs get one JSON document', async () => {
  expect(JSON.parse(await printed(() => printResult({ json: true }, RESULT)))).toEqual({ decisions: 2 });
});

test('a reader that has gone is told of in one line', async () => {
  vi.spyOn(process.stdout, 'write').mockImplementation(((_: string, done: (error?: Error) => void) => {
    done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    return false;
  }) as typeof process.stdout.write);
  await expect(printResult({}, RESULT)).rejects.toThrow('stdout cannot be written (EPIPE)');
});
