/** The database of the embedded store itself: a disk that is full, and what its views say. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { DecidedSignal, DecisionRecord } from '../../src/stores/decision-record.ts';
import { type Database, openDatabase } from '../../src/stores/embedded/database.ts';
import { reasonOf } from '../../src/stores/embedded/failures.ts';
import { type OpenFile, openFile } from '../../src/stores/embedded/file.ts';
import { type Kept, LOG_START, type ReadKept } from '../../src/stores/ports.ts';
import { onlyValue } from '../../src/stores/sql.ts';
import { finishedDecision, START } from './finished-decision.ts';

describe('the database of the embedded store', () => {
  let folder: string;
  let file: OpenFile;
  let database: Database;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conduit-embedded-'));
    file = openFile(folder, process.pid);
    database = openDatabase(file.sql);
  });
  afterEach(async () => {
    file.close();
    await rm(folder, { recursive: true });
  });

  const ingest = (decisions: readonly DecisionRecord[]) => {
    const after = database.cursorOf('auto');
    const kept = decisions.map((decision) => ({ decision, names: [`name:${decision.id}`] }));
    return database.ingest({ log: 'auto', after, cursor: String(Number(after) + 1), kept });
  };
  /** As another program reads it. */
  const rows = (query: string) => {
    const reader = new DatabaseSync(join(folder, 'conduit.sqlite'));
    try {
      return reader.prepare(query).all();
    } finally {
      reader.close();
    }
  };

  test('takes nothing of a batch while the disk is full, and goes on when there is room', () => {
    const many = Array.from({ length: 2_000 }, () => finishedDecision());
    ingest(many.slice(0, 10));
    // As SQLite sees a full disk.
    const pages = onlyValue(file.sql.prepare('pragma page_count').rows());
    file.sql.exec(`pragma max_page_count = ${Number(pages) + 20}`);
    for (let i = 0; i < 3; i++) {
      let error: unknown;
      try {
        ingest(many);
      } catch (caught) {
        error = caught;
      }
      expect(reasonOf(error)).toBe('full');
      expect(database.cursorOf('auto')).toBe('1');
      expect(database.recall(many[10]!.id)).toBe(null);
      expect(database.recall(many[9]!.id)).toEqual(many[9]);
    }
    file.sql.exec('pragma max_page_count = 1000000');
    expect(ingest(many).outcome).toBe('ingested');
    expect(database.recall(many[1_999]!.id)).toEqual(many[1_999]);
    expect(rows('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  });

  test('gives no place in the log twice when the last seconds were lost to a power failure', () => {
    const { cursor } = ingest([finishedDecision()]) && database.readKept('auto', LOG_START, 10, LOG_START, () => {});
    const place = Number(cursor.split('-')[1]);
    database = openDatabase(file.sql);
    const next: string[] = [];
    ingest([finishedDecision()]);
    const late = `${cursor.split('-')[0]}-${place + 500}`;
    const read = database.readKept('auto', late, 10, late, (kept) => next.push(kept.decision.id));
    expect(next).toHaveLength(1);
    expect(read.gap).toBe(null);
  });

  test('migrates once', () => {
    expect(rows('select version from schema_version')).toEqual([1, 2, 3, 4].map((version) => ({ version })));
    openDatabase(file.sql);
    expect(rows('select version from schema_version')).toEqual([1, 2, 3, 4].map((version) => ({ version })));
  });

  test('has the decisions of a release before changes were kept as they were, and goes on with them', async () => {
    const script = await readFile(join(import.meta.dirname, 'before-changes.sql'), 'utf8');
    const earlier = await mkdtemp(join(tmpdir(), 'conduit-earlier-'));
    onTestFinished(() => rm(earlier, { recursive: true }));
    const writer = new DatabaseSync(join(earlier, 'conduit.sqlite'));
    writer.exec(script);
    writer.close();
    const opened = openFile(earlier, process.pid);
    onTestFinished(() => opened.close());
    const database = openDatabase(opened.sql);
    const read = (): DecisionRecord[] => {
      const found: DecisionRecord[] = [];
      database.readKept('auto', LOG_START, 10, LOG_START, ({ decision }) => found.push(decision));
      return found;
    };
    const lines = (await readFile(join(import.meta.dirname, 'before-changes.jsonl'), 'utf8')).trim().split('\n');
    const asTheyWere = lines.slice(0, 2).map((line): DecisionRecord => {
      const { decision } = JSON.parse(line) as { decision: DecisionRecord };
      const outcome = decision.outcome && { ...decision.outcome, cachedTokens: null };
      return { ...decision, outcome, prefixTokens: null, worthBefore: null, sketch: null };
    });
    expect(read()).toEqual(asTheyWere);
    const next = asTheyWere.map((one) => ({
      ...one,
      version: one.version + 1,
      worthBefore: 0.125,
      prefixTokens: 2_000,
    }));
    const kept = next.map((decision) => ({ decision, names: [] }));
    expect(database.ingest({ log: 'auto', after: '2', cursor: '3', kept })).toMatchObject({ outcome: 'ingested' });
    expect(read()).toEqual(next);
    const reader = new DatabaseSync(join(earlier, 'conduit.sqlite'));
    onTestFinished(() => reader.close());
    expect(reader.prepare('select cached_tokens from usage_by_key').all()).toEqual([
      { cached_tokens: null },
      { cached_tokens: null },
    ]);
  });

  test('teaches what its rewards say of a decision from before there were labels, and goes on with it', async () => {
    const script = await readFile(join(import.meta.dirname, 'before-labels.sql'), 'utf8');
    const earlier = await mkdtemp(join(tmpdir(), 'conduit-earlier-'));
    onTestFinished(() => rm(earlier, { recursive: true }));
    const writer = new DatabaseSync(join(earlier, 'conduit.sqlite'));
    writer.exec(script);
    writer.close();
    let opened = openFile(earlier, process.pid);
    onTestFinished(() => opened.close());
    let database = openDatabase(opened.sql);
    const read = (seq: number | null = null): Kept[] => {
      const found: ReadKept[] = [];
      const cursor = seq === null ? LOG_START : `${database.id}-${seq}`;
      database.readKept('auto', cursor, 10, cursor, (one) => found.push(one));
      return found;
    };
    const [silent, rated] = read().map(({ decision }) => decision) as [DecisionRecord, DecisionRecord];
    const none = { quality: null, weight: 0, shown: 0, next: 0, share: 0 };
    expect(silent).toMatchObject({ version: 1, reward: null, label: none, labelBefore: null, turn: 0, retry: 0 });
    expect(rated).toMatchObject({
      version: 3,
      reward: 0,
      label: { ...none, quality: 0, weight: 1 },
      labelBefore: { ...none, quality: 1, weight: 1 },
      signals: [{ signal: 'thumbs', value: 0 }],
    });
    expect(database.recall(rated.id)).toEqual(rated);

    const next = [silent, rated].map((one) => ({
      ...one,
      version: one.version + 1,
      label: { ...one.label, next: 2, share: 0.5 },
      labelBefore: one.label,
      turn: 2,
    }));
    const kept = next.map((decision) => ({ decision, names: [] }));
    expect(database.ingest({ log: 'auto', after: '3', cursor: '4', kept })).toMatchObject({
      counted: [{ label: silent.label }, { label: rated.label }],
    });
    opened.close();
    opened = openFile(earlier, process.pid);
    database = openDatabase(opened.sql);
    expect(read().map(({ decision }) => decision)).toEqual(next);
    // As whoever has read up to its second version, to its third, or to all that there was.
    const countedUpTo = (seq: number): unknown => read(seq).map(({ counted }: ReadKept) => counted);
    expect(countedUpTo(1_000_002)).toEqual([{ label: none }, { label: none }]);
    expect(countedUpTo(1_000_003)).toEqual([{ label: none }, { label: { ...none, quality: 1, weight: 1 } }]);
    expect(countedUpTo(1_000_005)).toEqual([{ label: none }, { label: rated.label }]);
    const reader = new DatabaseSync(join(earlier, 'conduit.sqlite'));
    onTestFinished(() => reader.close());
    expect(reader.prepare('select sum(decisions) as decisions from routing_analytics').all()).toEqual([
      { decisions: 3 },
    ]);
  });

  test('shows what was spent, by day, router and model, and by key', () => {
    const day = 86_400_000;
    const usual = { chosen: 'a', model: 'a', reason: 'exploit' as const, propensity: 0.5, router: 'auto' };
    const explicit: DecidedSignal = { signal: 'thumbs', source: 'explicit', value: 1, weight: 1, at: START };
    const implicit = (signal: string, value: number, weight: number): DecidedSignal => ({
      ...explicit,
      source: 'implicit',
      signal,
      value,
      weight,
    });
    const failed = {
      ...finishedDecision().outcome!,
      kind: 'timeout' as const,
      promptTokens: null,
      completionTokens: null,
    };
    ingest([
      finishedDecision({ ...usual, created: START, signals: [explicit, implicit('continued', 1, 0.5)], reward: 1 }),
      finishedDecision({
        ...usual,
        created: START,
        reason: 'explore',
        reward: 0.5,
        propensity: 0.25,
        key: null,
        signals: [implicit('resumed', 1, 0)],
      }),
      finishedDecision({
        ...usual,
        created: START,
        reason: 'fallback',
        outcome: failed,
        signals: [implicit('rephrased', 0, 1), implicit('template', 1, 0)],
      }),
      finishedDecision({ ...usual, created: START + day, model: 'b', outcome: null, attempts: [], completionId: null }),
    ]);
    expect(rows('select * from routing_analytics order by day')).toMatchObject([
      {
        day: '2025-11-24',
        router: 'auto',
        model: 'a',
        decisions: 3,
        explored: 1,
        fallbacks: 1,
        completed: 2,
        failed: 1,
        rated: 2,
        mean_reward: 0.75,
        prompt_tokens: 480,
        completion_tokens: 600,
        mean_first_byte_ms: 210.75,
        mean_propensity: 1.25 / 3,
      },
      { day: '2025-11-25', model: 'b', decisions: 1, completed: 0, failed: 0, cost_usd: 0, mean_reward: null },
    ]);
    expect(rows('select * from implicit_feedback_analytics order by signal')).toMatchObject([
      { day: '2025-11-24', signal: 'continued', signals: 1, mean_value: 1, mean_weight: 0.5, decisions: 1 },
      { signal: 'rephrased', signals: 1, mean_value: 0, mean_weight: 1 },
      // Which says that there is no verdict.
      { signal: 'resumed', signals: 1, mean_value: null, mean_weight: 0 },
      { signal: 'template', signals: 1, mean_value: null, mean_weight: 0 },
    ]);
    expect(rows('select * from combined_feedback_analytics order by model')).toMatchObject([
      { model: 'a', decisions: 3, explicit: 1, implicit: 2, both: 1, mean_explicit: 1, mean_implicit: 0.5 / 1.5 },
      { model: 'b', decisions: 1, explicit: 0, implicit: 0, both: 0, mean_explicit: null, mean_implicit: null },
    ]);
    expect(
      rows('select key, sum(cost_usd) as spent, count(*) as calls from usage_by_key group by 1 order by 1'),
    ).toEqual([
      { key: null, spent: 0.00123, calls: 1 },
      { key: 'web', spent: 0.00246, calls: 3 },
    ]);
  });
});
