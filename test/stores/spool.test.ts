/** Decisions on disk while the store that they are for is away. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openSpool, type Spool, type Spooled } from '../../src/stores/spool.ts';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'conduit-spool-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const filesIn = (folder: string): string[] =>
  readdirSync(join(folder, 'spool')).filter((name) => name.endsWith('.waiting'));

const spooled = (id: string, version = 1, text = ''): Spooled => ({
  id,
  version,
  log: 'auto',
  texts: Buffer.from('auto'),
  bytes: Buffer.from(text || `${id} ${version}`),
  names: ['0a1b', '2c3d'],
});

async function adopted(spool: Spool, room = () => 1_000): Promise<Spooled[]> {
  const all: Spooled[] = [];
  await spool.adopt(room, (some) => all.push(...some));
  return all;
}

/** Another process that puts so many decisions on disk, says so, and then waits to be killed. */
async function processWith(folder: string, count: number): Promise<ChildProcess> {
  const script = join(folder, 'spooling.ts');
  writeFileSync(
    script,
    `import { openSpool } from ${JSON.stringify(join(import.meta.dirname, '../../src/stores/spool.ts'))};
    const spool = openSpool({ folder: ${JSON.stringify(folder)} });
    const bytes = Buffer.from('bytes');
    for (let i = 0; i < ${count}; i++) {
      await spool.put({ id: String(i), version: 1, log: 'auto', texts: bytes, bytes, names: [] });
    }
    process.send('done');
    setInterval(() => {}, 1_000);`,
  );
  const child = fork(script, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise((resolve) => child.once('message', resolve));
  return child;
}

describe('what waits on disk', () => {
  test('makes no folder and no file until something waits, and leaves none when nothing does', async () => {
    const folder = newFolder();
    const spool = openSpool({ folder });
    expect(await adopted(spool)).toEqual([]);
    spool.remove('a');
    await spool.flushed();
    expect(readdirSync(folder)).toEqual([]);
    await spool.put(spooled('a'));
    expect(filesIn(folder)).toHaveLength(1);
    spool.remove('a');
    expect(await spool.close()).toBe(0);
    expect(readdirSync(join(folder, 'spool'))).toEqual([]);
  });

  test('is there for its own user alone', async () => {
    const folder = join(newFolder(), 'kept');
    const spool = openSpool({ folder });
    await spool.put(spooled('a'));
    for (const path of [folder, join(folder, 'spool')]) expect(statSync(path).mode & 0o777).toBe(0o700);
    const files = readdirSync(join(folder, 'spool'));
    expect(files.length).toBeGreaterThan(1);
    for (const name of files) expect(statSync(join(folder, 'spool', name)).mode & 0o777).toBe(0o600);
    await spool.close();
  });

  test('is taken up by the next process, in order, each decision in its latest version, and once', async () => {
    const folder = newFolder();
    const first = openSpool({ folder });
    for (const id of ['c', 'a', 'b']) await first.put(spooled(id));
    await first.put(spooled('c', 2));
    await first.put(spooled('a', 0));
    first.remove('b');
    expect(await first.close()).toBe(2);
    const [second, third] = [openSpool({ folder }), openSpool({ folder })];
    expect(await adopted(second)).toEqual([spooled('c', 2), spooled('a')]);
    expect(await adopted(third)).toEqual([]);
    expect(await second.close()).toBe(2);
    expect(await adopted(third)).toEqual([spooled('c', 2), spooled('a')]);
    await third.close();
    expect(filesIn(folder)).toHaveLength(1);
  });

  test('of a process that was killed is there, and of one that lives is nobody else’s', async () => {
    const folder = newFolder();
    const child = await processWith(folder, 500);
    const spool = openSpool({ folder });
    expect(await adopted(spool)).toEqual([]);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    expect((await adopted(spool)).map(({ id }) => id)).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
    expect(await spool.close()).toBe(500);
    expect(filesIn(folder)).toHaveLength(1);
  });

  test('stays where it is as long as there is no room for it', async () => {
    const folder = newFolder();
    const first = openSpool({ folder });
    await Promise.all(Array.from({ length: 300 }, (_, i) => first.put(spooled(String(i)))));
    await first.close();
    const second = openSpool({ folder });
    let room = 120;
    const taken: string[] = [];
    await second.adopt(
      () => room,
      (some) => {
        room -= some.length;
        taken.push(...some.map(({ id }) => id));
      },
    );
    expect(taken).toHaveLength(120);
    room = 1_000;
    expect((await adopted(second)).map(({ id }) => id)).toEqual(Array.from({ length: 180 }, (_, i) => String(i + 120)));
    await second.close();
  });

  test('many at once are on disk in a few steps, and no turn of the event loop is long', async () => {
    const spool = openSpool({ folder: newFolder() });
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    await Promise.all(Array.from({ length: 5_000 }, (_, i) => spool.put(spooled(String(i)))));
    clearInterval(counting);
    expect(turns).toBeGreaterThan(10);
    expect(await spool.close()).toBe(5_000);
  });

  test('a file that is none is put aside, and the others are read', async () => {
    const folder = newFolder();
    const first = openSpool({ folder });
    await first.put(spooled('a'));
    await first.close();
    writeFileSync(join(folder, 'spool', '00.waiting'), 'x'.repeat(10_000));
    const second = openSpool({ folder });
    const taken: Spooled[] = [];
    const adopt = () =>
      second.adopt(
        () => 1_000,
        (some) => taken.push(...some),
      );
    await expect(adopt()).rejects.toThrow('damaged and put aside');
    expect(taken.map(({ id }) => id)).toEqual(['a']);
    expect(readdirSync(join(folder, 'spool'))).toContain('00.waiting.damaged');
    await adopt();
    await second.close();
  });

  test('of a file that is damaged all is put aside, what is beside it too', async () => {
    const folder = newFolder();
    mkdirSync(join(folder, 'spool'));
    for (const beside of ['', '-wal', '-shm'])
      writeFileSync(join(folder, 'spool', `00.waiting${beside}`), 'x'.repeat(10_000));
    const spool = openSpool({ folder });
    await expect(adopted(spool)).rejects.toThrow('damaged and put aside');
    const names = readdirSync(join(folder, 'spool'));
    expect(names).toContain('00.waiting.damaged-shm');
    expect(names.filter((one) => !one.includes('.damaged'))).toEqual([]);
  });

  test('a file that cannot be read for a moment stays, is told of once, and is read later', async () => {
    const folder = newFolder();
    const first = openSpool({ folder });
    await first.put(spooled('b'));
    await first.close();
    const [name] = filesIn(folder) as [string];
    const path = join(folder, 'spool', name);
    renameSync(path, join(folder, 'elsewhere'));
    mkdirSync(path);
    const second = openSpool({ folder });
    await expect(adopted(second)).rejects.toThrow('cannot be read now');
    expect(await adopted(second)).toEqual([]);
    rmdirSync(path);
    renameSync(join(folder, 'elsewhere'), path);
    expect((await adopted(second)).map(({ id }) => id)).toEqual(['b']);
    await second.close();
  });

  test('a folder that cannot be written to is told to who wanted to write', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'spool'), 'a file');
    const spool = openSpool({ folder });
    await expect(spool.put(spooled('a'))).rejects.toThrow();
    await spool.flushed();
    rmSync(join(folder, 'spool'));
    mkdirSync(join(folder, 'spool'));
    await spool.put(spooled('a'));
    expect(await spool.close()).toBe(1);
  });
});
