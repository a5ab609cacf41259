/** The embedded durable store with a real folder, and real processes that share it, are killed, or find it spoilt. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DecidedSignal, DecisionRecord } from '../../src/stores/decision-record.ts';
import { type EmbeddedStore, FolderInUse, FolderUnusable, openEmbeddedStore } from '../../src/stores/embedded.ts';
import { openEmbeddedReader } from '../../src/stores/embedded-reader.ts';
import { type Kept, LOG_START, PINNED_LOG, type ReadKept, StoreUnavailable } from '../../src/stores/ports.ts';
import { durableReaderSuite } from './durable-reader-suite.ts';
import { durableStoreSuite } from './durable-store-suite.ts';
import { finishedDecision, START } from './finished-decision.ts';

type Five<Item> = [Item, Item, Item, Item, Item];
const thumbsUp: DecidedSignal = { signal: 'thumbs', source: 'explicit', value: 1, weight: 1, at: START };
/** As the process that writes names them. */
const writtenId = (batch: number, place: number): string =>
  `dec_${batch.toString(16).padStart(12, '0')}${place.toString(16).padStart(20, '0')}`;

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'conduit-embedded-'));

durableStoreSuite({
  name: 'embedded',
  async create() {
    const folder = await newFolder();
    let store = await openEmbeddedStore({ folder });
    return {
      store,
      async reopen() {
        await store.close();
        store = await openEmbeddedStore({ folder });
        return store;
      },
      async close() {
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});

durableReaderSuite({
  name: 'embedded',
  async create() {
    const folder = await newFolder();
    const store = await openEmbeddedStore({ folder });
    const reader = openEmbeddedReader({ folder })!;
    return {
      store,
      reader,
      async close() {
        await reader.close();
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});

describe('a reader of the embedded store', () => {
  const opened = async (make: (database: DatabaseSync) => void): Promise<unknown> => {
    const folder = await newFolder();
    try {
      const database = new DatabaseSync(join(folder, 'conduit.sqlite'));
      make(database);
      database.close();
      return openEmbeddedReader({ folder });
    } catch (error) {
      return error;
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  test('finds nothing kept in a database that a gateway is only just making', async () => {
    expect(await opened(() => {})).toBeNull();
    expect(await opened((database) => database.exec('pragma journal_mode = wal'))).toBeNull();
    expect(
      await opened((database) => database.exec('create table schema_version (version integer not null)')),
    ).toBeNull();
  });

  test('refuses what is of another release, or of something else', async () => {
    const version = (n: number) => (database: DatabaseSync) =>
      database.exec(`create table schema_version (version integer not null); insert into schema_version values (${n})`);
    expect(await opened(version(1))).toMatchObject({ reason: 'older' });
    expect(await opened(version(99))).toMatchObject({ reason: 'newer' });
    expect(await opened((database) => database.exec('create table notes (text text)'))).toMatchObject({
      reason: 'foreign',
    });
  });
});

describe('the folder of the embedded store', () => {
  let folder: string;
  let open: EmbeddedStore[];
  let writers: ChildProcess[];

  beforeEach(async () => {
    folder = await newFolder();
    open = [];
    writers = [];
  });
  afterEach(async () => {
    for (const writer of writers) writer.kill('SIGKILL');
    for (const store of open) await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  const openStore = async (more: { folder?: string; timeoutMs?: number } = {}): Promise<EmbeddedStore> => {
    const store = await openEmbeddedStore({ folder, ...more });
    open.push(store);
    return store;
  };
  const failure = (more: { folder?: string } = {}): Promise<unknown> =>
    openStore(more).then(
      () => null,
      (error: unknown) => error,
    );
  /** A process that writes there, and its lines. */
  const startWriter = async () => {
    const script = join(import.meta.dirname, 'embedded-writer.ts');
    const writer = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    writers.push(writer);
    const lines: string[] = [];
    const reader = createInterface(writer.stdout);
    reader.on('line', (line) => lines.push(line));
    await once(reader, 'line');
    const kill = async (): Promise<void> => {
      writer.kill('SIGKILL');
      await once(writer, 'close');
    };
    return { writer, lines, kill };
  };
  const batch = (cursor: number, count = 1) => ({
    log: 'auto',
    after: cursor === 1 ? null : String(cursor - 1),
    cursor: String(cursor),
    kept: Array.from({ length: count }, () => ({ decision: finishedDecision(), names: [] })),
  });

  test('is made where it is missing, for its user alone', async () => {
    folder = join(folder, 'not', 'there');
    const store = await openStore();
    await store.ingest(batch(1));
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o077, name).toBe(0);
    expect(await readdir(folder)).toContain('conduit.sqlite');
  });

  test('is refused to a second store of the same process, which breaks nothing', async () => {
    const store = await openStore();
    await store.ingest(batch(1));
    for (let i = 0; i < 2; i++) expect(await failure()).toBeInstanceOf(FolderInUse);
    expect((await store.ingest(batch(2))).outcome).toBe('ingested');
    const { writer } = await startSecond(folder);
    expect(await once(writer, 'close')).toEqual([1, null]);
  });

  test('is refused to a second process, with the number of the first and what to do', async () => {
    const { writer, kill } = await startWriter();
    const error = await failure();
    expect(error).toBeInstanceOf(FolderInUse);
    expect(error).toMatchObject({ folder, pid: writer.pid });
    expect((error as Error).message).toContain(folder);
    expect((error as Error).message).toContain('`stores.folder`');
    expect((error as Error).message).toContain('`server.workers`');
    await kill();
    // The operating system has let go of it.
    await openStore();
  });

  test('is free again after a close', async () => {
    for (let i = 0; i < 3; i++) {
      const store = await openStore();
      expect(Number(await readFile(join(folder, 'pid'), 'utf8'))).toBe(process.pid);
      await store.close();
    }
    expect((await readdir(folder)).sort()).toEqual(['conduit.sqlite', 'lock']);
  });

  test('can be read by others with SQLite while it is in use', async () => {
    const store = await openStore();
    await store.ingest(batch(1, 3));
    const reader = new DatabaseSync(join(folder, 'conduit.sqlite'), { readOnly: true });
    expect(reader.prepare('select sum(decisions) as decisions from routing_analytics').get()).toEqual({ decisions: 3 });
    await store.ingest(batch(2, 2));
    expect(reader.prepare('select count(*) as calls from usage_by_key').get()).toEqual({ calls: 5 });
    reader.close();
  });

  describe('read by another process', () => {
    test('has nothing to read before anything was kept, and stays as it is', async () => {
      expect(openEmbeddedReader({ folder })).toBe(null);
      expect(openEmbeddedReader({ folder: join(folder, 'none') })).toBe(null);
      expect(await readdir(folder)).toEqual([]);
    });

    test('keeps its journal small, however long somebody reads', async () => {
      const store = await openStore();
      const reader = openEmbeddedReader({ folder })!;
      let read = LOG_START;
      let largest = 0;
      for (let i = 1; i <= 60; i++) {
        expect((await store.ingest(batch(i, 250))).outcome).toBe('ingested');
        read = (await reader.readKept('auto', read, 250)).cursor;
        let calls = 0;
        for await (const part of reader.usageSince(0)) calls += part.calls;
        expect(calls).toBe(250 * i);
        largest = Math.max(largest, (await stat(join(folder, 'conduit.sqlite-wal'))).size);
      }
      await reader.close();
      // Its limit is 500 pages of 8 kB, and a batch.
      expect(largest).toBeLessThan(12_000_000);
      expect((await stat(join(folder, 'conduit.sqlite'))).size).toBeGreaterThan(largest);
    });

    test('loses nothing where it is closed and opened again meanwhile', async () => {
      const store = await openStore();
      await store.ingest(batch(1, 30));
      const reader = openEmbeddedReader({ folder })!;
      await store.close();
      expect((await reader.readKept('auto', LOG_START, 100)).kept).toHaveLength(30);
      const again = await openStore();
      await again.ingest(batch(2, 5));
      expect((await reader.readKept('auto', LOG_START, 100)).kept).toHaveLength(35);
      await reader.close();
      expect((await again.readKept('auto', LOG_START, 100)).kept).toHaveLength(35);
    });

    const readFailure = (): unknown => {
      try {
        return openEmbeddedReader({ folder });
      } catch (error) {
        return error;
      }
    };

    test('says what is wrong with a database of another release or of something else, and leaves it alone', async () => {
      await (await openStore()).close();
      const change = (sql: string): void => {
        const file = new DatabaseSync(join(folder, 'conduit.sqlite'));
        file.exec(sql);
        file.close();
      };
      change('delete from schema_version where version = (select max(version) from schema_version)');
      expect(readFailure()).toMatchObject({ reason: 'older', message: expect.stringContaining('start this release') });
      change('insert into schema_version values (1000)');
      expect(readFailure()).toMatchObject({ reason: 'newer' });
      change('drop table schema_version');
      expect(readFailure()).toMatchObject({ reason: 'foreign' });
      expect(readFailure()).toBeInstanceOf(FolderUnusable);
    });

    test('says so where it is no database, or damaged', async () => {
      const path = join(folder, 'conduit.sqlite');
      await writeFile(path, 'a diary, for a change '.repeat(1_000));
      expect(readFailure()).toMatchObject({ reason: 'foreign' });
      await rm(path);
      const store = await openStore();
      await store.ingest(batch(1, 2_000));
      await store.close();
      const file = await readFile(path);
      // The schema stays whole.
      file.fill(0xa5, Math.floor(file.length / 3), file.length);
      await writeFile(path, file);
      const reader = openEmbeddedReader({ folder })!;
      await expect(reader.readKept('auto', LOG_START, 10_000)).rejects.toThrow(StoreUnavailable);
      await reader.close();
    });
  });

  test('takes a batch later where another program has just been writing in the file', async () => {
    const store = await openStore();
    const other = new DatabaseSync(join(folder, 'conduit.sqlite'));
    other.exec('begin immediate');
    await expect(store.ingest(batch(1))).rejects.toThrow(StoreUnavailable);
    other.exec('rollback');
    other.close();
    expect((await store.ingest(batch(1))).outcome).toBe('ingested');
  });

  test('loses nothing that was acknowledged to a process that is killed at any moment', async () => {
    let acknowledged = 0;
    for (let round = 0; round < 6; round++) {
      const { lines, kill } = await startWriter();
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 250));
      await kill();
      acknowledged = Math.max(acknowledged, ...lines.map((line) => Number(line.replace(/^(open|kept) /, '')) || 0));

      const file = new DatabaseSync(join(folder, 'conduit.sqlite'));
      expect(file.prepare('pragma integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
      file.close();
      const store = await openStore();
      const cursor = Number(await store.cursorOf('auto'));
      expect(cursor).toBeGreaterThanOrEqual(acknowledged);
      // All of each batch up to the cursor, and nothing beyond.
      const { kept } = await store.readKept('auto', LOG_START, 1_000_000);
      expect(kept).toHaveLength(50 * cursor);
      const versions = new Map(kept.map(({ decision }) => [decision.id, decision.version]));
      for (let i = 1; i < cursor; i++) expect(versions.get(writtenId(i, 0))).toBe(2);
      if (cursor > 0) {
        expect(versions.get(writtenId(cursor, 49))).toBe(1);
        const [latest] = await store.readLatest(1);
        expect([latest?.decision.id, latest?.names]).toEqual([
          writtenId(cursor, 49),
          [`name:${writtenId(cursor, 49)}`],
        ]);
      }
      await store.close();
    }
    expect(acknowledged).toBeGreaterThan(0);
  });

  test('says what is wrong with a file that is not SQLite’s, and leaves it alone', async () => {
    const path = join(folder, 'conduit.sqlite');
    const text = 'This is somebody’s diary. '.repeat(1_000);
    await writeFile(path, text);
    const error = await failure();
    expect(error).toBeInstanceOf(FolderUnusable);
    expect(error).toMatchObject({ reason: 'foreign', folder });
    expect(await readFile(path, 'utf8')).toBe(text);
    // Nor is the folder held.
    await rm(path);
    await openStore();
  });

  test('says what is wrong with a database of something else, and leaves it alone', async () => {
    const other = new DatabaseSync(join(folder, 'conduit.sqlite'));
    other.exec('create table diary (day text)');
    other.close();
    expect(await failure()).toMatchObject({ reason: 'foreign' });
    const after = new DatabaseSync(join(folder, 'conduit.sqlite'));
    expect(after.prepare('select name from sqlite_master').all()).toEqual([{ name: 'diary' }]);
    after.close();
  });

  test('says what is wrong with a database of a later release', async () => {
    await (await openStore()).close();
    const file = new DatabaseSync(join(folder, 'conduit.sqlite'));
    file.exec('insert into schema_version values (1000)');
    file.close();
    expect(await failure()).toMatchObject({ reason: 'newer' });
  });

  test('says what is wrong with a damaged file', async () => {
    const store = await openStore();
    await store.ingest(batch(1, 100));
    await store.close();
    const path = join(folder, 'conduit.sqlite');
    const file = await readFile(path);
    file.fill(0xa5, 100, file.length);
    await writeFile(path, file);
    expect(await failure()).toMatchObject({ reason: 'damaged' });
  });

  test('that is damaged deep inside refuses what lies there, and the process lives on', async () => {
    const store = await openStore();
    await store.ingest(batch(1, 2_000));
    const { cursor } = await store.readKept('auto', LOG_START, 1);
    await store.close();
    const path = join(folder, 'conduit.sqlite');
    const file = await readFile(path);
    // The schema stays whole.
    file.fill(0xa5, Math.floor(file.length / 3), file.length);
    await writeFile(path, file);
    const damaged = await openStore().catch((error: unknown) => error);
    if (damaged instanceof Error) expect(damaged).toBeInstanceOf(FolderUnusable);
    else await expect((damaged as EmbeddedStore).readKept('auto', cursor, 10_000)).rejects.toThrow(StoreUnavailable);
  });

  test('says what is wrong where nothing can be written', async () => {
    const path = join(folder, 'file');
    await writeFile(path, '');
    expect(await failure({ folder: path })).toMatchObject({ reason: 'not writable', folder: path });
    expect(await failure({ folder: join(path, 'below') })).toMatchObject({ reason: 'not writable' });
    // Whoever may do everything may also write there.
    if (process.getuid?.() === 0) return;
    const locked = join(folder, 'locked');
    await mkdir(locked);
    await chmod(locked, 0o500);
    expect(await failure({ folder: locked })).toMatchObject({ reason: 'not writable' });
  });

  test('gives the latest decisions of all logs, page by page, the latest first, as they are now and with their names', async () => {
    const store = await openStore();
    const named = (decision: DecisionRecord): Kept => ({ decision, names: [`talk:${decision.id}`, 'completion:ä👍'] });
    const [one, two, three, four, five] = Array.from({ length: 5 }, () => finishedDecision()) as Five<DecisionRecord>;
    const pinned = finishedDecision({ router: null });
    expect(await store.readLatest(10)).toEqual([]);
    const take = async (log: string, cursor: string, ...kept: Kept[]) =>
      store.ingest({ log, after: await store.cursorOf(log), cursor, kept });
    await take('auto', '1', named(two), named(one), named(three));
    await take(PINNED_LOG, '1', named(pinned));
    await take('auto', '2', { decision: four, names: [] }, named(five));
    // Feedback comes with the same names, or with none.
    const changed = { ...one, version: 2, reward: 1, signals: [thumbsUp] };
    const again = { ...two, version: 2, reward: 1, signals: [thumbsUp] };
    await take('auto', '3', named(changed), { decision: again, names: [] });
    const latest = await store.readLatest(4);
    const rest = await store.readLatest(4, latest.at(-1)?.decision.id);
    expect([...latest, ...rest].map(({ counted: _, ...one }: ReadKept) => one)).toEqual([
      named(pinned),
      named(five),
      { decision: four, names: [] },
      named(three),
      named(again),
      named(changed),
    ]);
  });

  test('keeps the names of the latest decisions, and no others', async () => {
    const store = await openStore();
    const decisions = Array.from({ length: 24_000 }, () => finishedDecision({ candidates: [], attempts: [], x: [] }));
    for (let from = 0; from < decisions.length; from += 4_000) {
      const kept = decisions
        .slice(from, from + 4_000)
        .map((decision) => ({ decision, names: [`talk:${decision.id}`] }));
      await store.ingest({ log: 'auto', after: await store.cursorOf('auto'), cursor: String(from), kept });
    }
    let before: string | undefined;
    let named = 0;
    for (let count = 1; count > 0; ) {
      const latest: Kept[] = await store.readLatest(4_000, before);
      count = latest.filter(({ names }) => names.length > 0).length;
      named += count;
      before = latest.at(-1)?.decision.id;
    }
    expect(named).toBeGreaterThanOrEqual(10_000);
    expect(named).toBeLessThanOrEqual(20_000);
  });

  test('is not grown for good by what has been forgotten', async () => {
    const store = await openStore();
    await store.ingest(batch(1, 3_000));
    expect(await store.forget(START + 1e9)).toBe(1_000);
    while ((await store.forget(START + 1e9)) > 0);
    for (let i = 0; i < 5; i++) await store.forget(0);
    await store.close();
    expect((await stat(join(folder, 'conduit.sqlite'))).size).toBeLessThan(1_000_000);
  });

  async function startSecond(taken: string) {
    const script = join(import.meta.dirname, 'embedded-writer.ts');
    const writer = spawn(process.execPath, [script, taken], { stdio: 'ignore' });
    writers.push(writer);
    return { writer };
  }
});
