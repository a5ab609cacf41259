/** The secret by which conversations are known again, where the config names none. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Stores } from '../../src/config/resolve.ts';
import { secretFor } from '../../src/storage/secret.ts';

const SECRET = /^[0-9a-f]{64}$/;

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'conduit-secret-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const storesIn = (folder: string): Stores => ({
  state: 'memory',
  durable: 'embedded',
  folder,
  asked: false,
  retentionMs: 864e5,
  supabase: null,
});

function secretIn(folder: string): { secret: string; logged: object[] } {
  const logged: object[] = [];
  const write = (fields: object, message: string): void => {
    logged.push({ message, ...fields });
  };
  const log = { debug: write, info: write, warn: write, error: write };
  return { secret: secretFor(storesIn(folder), log), logged };
}

/** Another process, which prints its secret. `limit`: what a shell sets before it. */
async function processIn(folder: string, limit = 'true'): Promise<{ secret: string; problems: string }> {
  const source = JSON.stringify(join(import.meta.dirname, '../../src/storage/secret.ts'));
  const script = `import { secretFor } from ${source};
    const log = { error: ({ problem }) => console.error(problem) };
    process.stdout.write(secretFor(${JSON.stringify(storesIn(folder))}, log));`;
  const { stdout, stderr } = await promisify(execFile)('sh', [
    '-c',
    `${limit}; exec "$@"`,
    'sh',
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    '--input-type=module-typescript',
    '--eval',
    script,
  ]);
  return { secret: stdout, problems: stderr };
}

describe('the secret', () => {
  test('is the same at every start, for its own user alone, and leaves nothing beside it', () => {
    const folder = newFolder();
    const { secret } = secretIn(folder);
    expect(secret).toMatch(SECRET);
    expect(secretIn(folder)).toEqual({ secret, logged: [] });
    expect(statSync(join(folder, 'secret')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['secret']);
  });

  test('is one for all processes that start at once', async () => {
    const folder = newFolder();
    const made = await Promise.all(Array.from({ length: 5 }, () => processIn(folder)));
    expect(new Set(made.map(({ secret }) => secret))).toEqual(new Set([readFileSync(join(folder, 'secret'), 'utf8')]));
    expect(readdirSync(folder)).toEqual(['secret']);
  });

  test('is made anew where a full disk has left an empty file', () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'secret'), '');
    const { secret, logged } = secretIn(folder);
    expect(secret).toMatch(SECRET);
    expect(logged).toEqual([]);
    expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe(secret);
    expect(readdirSync(folder)).toEqual(['secret']);
  });

  test('leaves no empty file on a disk without room, and is kept once there is room again', async () => {
    const folder = newFolder();
    // No byte more may go into any file.
    const without = await processIn(folder, 'ulimit -f 0');
    expect(without.secret).toMatch(SECRET);
    expect(without.problems).toMatch(/^EFBIG/);
    expect(readdirSync(folder)).toEqual([]);
    const { secret } = secretIn(folder);
    expect(secretIn(folder).secret).toBe(secret);
  });

  test('that cannot be kept is one for this process, and the log says why in a line', () => {
    const folder = join(newFolder(), 'a file');
    writeFileSync(folder, '');
    const { secret, logged } = secretIn(folder);
    expect(secret).toMatch(SECRET);
    expect(logged).toEqual([
      {
        message: 'the secret cannot be kept: conversations are not known again after a restart',
        problem: expect.stringMatching(/^E[A-Z]+: .+$/),
        folder,
      },
    ]);
  });
});
