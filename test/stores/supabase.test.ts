/** The durable store in Supabase, over PostgreSQL and PGlite behind a server of PostgREST's shape: right, and with all that fails. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createSupabaseReader } from '../../src/storage/supabase-reader.ts';
import { type DecisionRecord, labelOf, rounded } from '../../src/stores/decision-record.ts';
import { rowsOf } from '../../src/stores/durable/rows.ts';
import { type Batch, type DurableStore, LOG_START, RejectedBatch, StoreUnavailable } from '../../src/stores/ports.ts';
import { createSupabaseStore } from '../../src/stores/supabase.ts';
import { NO_POSTGRES, type PostgresServer, startPostgresServer } from '../support/postgres-server.ts';
import {
  ALL_GRANTED,
  type Database,
  NOTHING_GRANTED,
  openPGlite,
  openPostgres,
  ROLES,
} from '../support/postgrest-database.ts';
import { ANON_KEY, type PostgrestServer, SERVICE_ROLE_KEY, startPostgrestServer } from '../support/postgrest-server.ts';
import { durableReaderSuite } from './durable-reader-suite.ts';
import { durableStoreSuite } from './durable-store-suite.ts';
import { finishedDecision } from './finished-decision.ts';

const FOLDER = join(import.meta.dirname, '../../supabase/migrations');
const MIGRATIONS = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.sql'))
  .sort()
  .map((name) => join(FOLDER, name));
const TABLES = [
  'queries',
  'routing_decisions',
  'responses',
  'feedback',
  'implicit_feedback',
  'model_states',
  'log_cursors',
];
const VIEWS = ['routing_analytics', 'implicit_feedback_analytics', 'combined_feedback_analytics', 'usage_by_key'];
const STARTING_MS = 120_000;

/** A database with the migrations, and what stands before it. */
interface Project {
  database: Database;
  server: PostgrestServer;
  store: DurableStore;
  empty(): Promise<void>;
  close(): Promise<void>;
}

async function openProject(database: Database, grants: string): Promise<Project> {
  await database.run(ROLES + grants);
  for (const file of MIGRATIONS) await database.run(readFileSync(file, 'utf8'));
  const server = await startPostgrestServer(database);
  const store = createSupabaseStore({ url: server.url, serviceRoleKey: SERVICE_ROLE_KEY });
  return {
    database,
    server,
    store,
    empty: () => database.run(`truncate ${TABLES.join(', ')}`),
    async close() {
      await store.close();
      await server.close();
      await database.close();
    },
  };
}

let postgres: PostgresServer;
let databases = 0;
const freshDatabase = (): Promise<string> => postgres.createDatabase(`conduit_${++databases}`);
beforeAll(async () => {
  if (NO_POSTGRES === null) postgres = await startPostgresServer();
}, STARTING_MS);
afterAll(() => postgres?.close());

const ENGINES = [
  // As projects were made for long, where everything in `public` was for everybody, and as they are made since.
  { name: 'PostgreSQL', why: NO_POSTGRES, grants: ALL_GRANTED, open: async () => openPostgres(await freshDatabase()) },
  { name: 'PGlite', why: null, grants: NOTHING_GRANTED, open: openPGlite },
];

const kept = (...decisions: DecisionRecord[]): Batch['kept'] => decisions.map((decision) => ({ decision, names: [] }));
const batch = (decisions: DecisionRecord[], after: string | null = null, cursor = 'hot-1'): Batch => ({
  log: 'auto',
  after,
  cursor,
  kept: kept(...decisions),
});
const idsOf = (list: Batch['kept']): string[] => list.map(({ decision }) => decision.id);
const failureOf = async (work: Promise<unknown>): Promise<Error> =>
  await work.then(
    () => expect.unreachable('it should fail'),
    (error) => error as Error,
  );

// First, while the server has no role of Supabase's.
describe.skipIf(NO_POSTGRES !== null)('the migrations', () => {
  test('apply through psql -f, and through one query of all their statements, also without Supabase’s roles', async () => {
    const [byFile, byQuery] = [await freshDatabase(), await freshDatabase()];
    // In a Supabase project nobody is a superuser.
    const server = openPostgres(postgres.url());
    await server.run(`create role plain login; alter database ${new URL(byFile).pathname.slice(1)} owner to plain`);
    await server.close();
    for (const file of MIGRATIONS) postgres.psql(byFile.replace('postgres@', 'plain@'), file);
    const shapes: unknown[] = [];
    for (const url of [byFile, byQuery]) {
      const database = openPostgres(url);
      if (url === byQuery) for (const file of MIGRATIONS) await database.run(readFileSync(file, 'utf8'));
      shapes.push(
        await database.query(
          `select table_name::text, column_name::text, data_type::text from information_schema.columns
           where table_schema = 'public' order by 1, ordinal_position`,
        ),
      );
      await database.close();
    }
    expect(shapes[0]).toEqual(shapes[1]);
    expect(new Set((shapes[0] as { table_name: string }[]).map(({ table_name }) => table_name))).toEqual(
      new Set(
        [...TABLES, ...VIEWS, 'store_identity', 'conduit_candidate'].filter((name) => name !== 'conduit_candidate'),
      ),
    );
  });

  test('are asked for in words where they are missing', async () => {
    const database = openPostgres(await freshDatabase());
    await database.run(ROLES);
    const server = await startPostgrestServer(database);
    const store = createSupabaseStore({ url: server.url, serviceRoleKey: SERVICE_ROLE_KEY });
    const failure = await failureOf(store.cursorOf('auto'));
    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(failure.message).toContain('apply supabase/migrations');
    await store.close();
    await server.close();
    await database.close();
  });
});

for (const { name, why, grants, open } of ENGINES) {
  describe.skipIf(why !== null)(`over ${name}${why === null ? '' : ` (${why})`}`, () => {
    let project: Project;
    beforeAll(async () => {
      const database = await open();
      project = await openProject(database, grants);
    }, STARTING_MS);
    afterAll(() => project?.close());
    beforeEach(() => project.empty());

    durableReaderSuite({
      name: `Supabase over ${name}`,
      async create() {
        const options = { url: project.server.url, serviceRoleKey: SERVICE_ROLE_KEY };
        const [store, reader] = [createSupabaseStore(options), createSupabaseReader(options)];
        return {
          store,
          reader,
          async close() {
            await reader.close();
            await store.close();
          },
        };
      },
    });

    durableStoreSuite({
      name: `Supabase over ${name}`,
      async create() {
        const open = () => createSupabaseStore({ url: project.server.url, serviceRoleKey: SERVICE_ROLE_KEY });
        let store = open();
        return {
          store,
          async reopen() {
            await store.close();
            store = open();
            return store;
          },
          close: () => store.close(),
        };
      },
    });

    test('gives every number back as it was', async () => {
      const number = fc.oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
        fc.constantFrom(0.1 + 0.2, 1e-7, 5e-324, Number.MAX_VALUE, 1 / 3, 123456789.12345679),
      );
      const time = fc.oneof(fc.integer({ min: 0, max: 4_102_444_800_000 }), fc.constant(1_764_000_000_123));
      const five = (value: number): number => (Math.abs(value) < 1e-15 || Math.abs(value) > 1e7 ? 0 : rounded(value));
      const cases = fc.record({ numbers: fc.array(number, { minLength: 30, maxLength: 30 }), time });
      const sample = fc.sample(cases, 100).map(({ numbers, time }) => {
        const next = (): number => numbers.pop() as number;
        const { outcome, ...rest } = finishedDecision();
        return {
          ...rest,
          created: time,
          propensity: next(),
          uniform: next(),
          reward: next(),
          worthBefore: next(),
          label: { quality: next(), weight: next(), shown: 7, next: 9, share: next() },
          labelBefore: { quality: next(), weight: next(), shown: 0, next: 255, share: next() },
          x: [next(), next(), next()],
          candidates: rest.candidates.slice(1).map((candidate) => ({
            ...candidate,
            propensity: next(),
            quality: { mean: five(next()), low: five(next()), high: five(next()) },
            costUsd: five(next()),
            utility: five(next()),
          })),
          attempts: [{ model: 'a', outcome: 'completed' as const, status: 200, firstByteMs: next(), totalMs: next() }],
          outcome: { ...outcome!, costUsd: next(), promptTokens: Number.MAX_SAFE_INTEGER },
          signals: [{ signal: 'thumb', source: 'explicit' as const, value: next(), weight: 1, at: time }],
        };
      });
      await project.store.ingest(batch(sample));
      for (const { decision } of (await project.store.readKept('auto', LOG_START, 1_000)).kept) {
        const given = sample.find(({ id }) => id === decision.id);
        // JSON knows no −0.
        expect(decision).toEqual(JSON.parse(JSON.stringify(given)));
      }
    });

    test('keeps of what was expected of a candidate what a real holds, rather than refusing it', async () => {
      const [candidate] = finishedDecision().candidates;
      const one = finishedDecision({ candidates: [{ ...candidate!, utility: 1e300, costUsd: 1e-300 }] });
      await project.store.ingest(batch([one]));
      expect((await project.store.recall(one.id))?.candidates).toMatchObject([{ utility: 3e38, costUsd: 0 }]);
    });

    test('keeps texts that PostgreSQL cannot hold with a mark in the place of what it cannot', async () => {
      const one = finishedDecision({
        signals: [
          {
            signal: 'thumb',
            source: 'explicit',
            value: 0,
            weight: 1,
            at: 0,
            comment: 'a\0b \ud800 c \udc00 👍 \\u0000',
          },
        ],
        idempotencyKeys: ['\0'],
        completionId: '\udfff',
      });
      await project.store.ingest(batch([one]));
      const found = await project.store.recall(one.id);
      expect(found?.signals[0]?.comment).toBe('a\ufffdb \ufffd c \ufffd 👍 \\u0000');
      expect([found?.idempotencyKeys, found?.completionId]).toEqual([['\ufffd'], '\ufffd']);
      expect(await project.store.recall('dec_\0')).toBe(null);
    });

    test(
      'teaches what its rewards say of a decision from before there were labels, and goes on with it',
      async () => {
        const database = await open();
        onTestFinished(() => database.close());
        const [tables, ...more] = MIGRATIONS.map((file) => readFileSync(file, 'utf8'));
        await database.run(ROLES + grants + tables);
        const unknown = (): DecisionRecord => {
          const one = finishedDecision({ turn: 0, retry: 0, prefixTokens: null });
          return { ...one, outcome: one.outcome && { ...one.outcome, cachedTokens: null } };
        };
        const [silent, rated] = [unknown(), unknown()];
        const said = (value: number) => ({ signal: 'thumb', source: 'explicit' as const, value, weight: 1, at: DAY });
        const second = { ...rated, version: 2, signals: [said(1)], reward: 1 };
        const third = { ...second, version: 3, signals: [said(0.25)], reward: 0.25 };
        const sent = async (
          after: number | null,
          decisions: DecisionRecord[],
          before: number | null,
        ): Promise<void> => {
          const rows = decisions.map(rowsOf);
          const tables = {
            queries: rows.map(({ query }) => query),
            routing_decisions: rows.map(({ decision }) => ({ ...decision, reward_before: before })),
            responses: rows.map(({ response }) => response),
            feedback: rows.flatMap(({ feedback }) => feedback),
            implicit_feedback: [],
          };
          await database.query('select conduit_ingest($1, $2, $3, $4, $5)', [
            ...['auto', '', after && String(after), String(Number(after) + 1)],
            JSON.stringify(tables),
          ]);
        };
        await sent(null, [silent, rated], null);
        await sent(1, [second], null);
        await sent(2, [third], 1);

        const server = await startPostgrestServer(database);
        onTestFinished(() => server.close());
        const store = createSupabaseStore({ url: server.url, serviceRoleKey: SERVICE_ROLE_KEY });
        onTestFinished(() => store.close());
        // Nothing is taken without its label.
        expect((await failureOf(store.ingest(batch([silent], '3', '4')))).message).toContain(
          'apply supabase/migrations',
        );
        expect((await failureOf(store.readKept('auto', LOG_START, 10))).message).toContain('apply supabase/migrations');
        for (const migration of more) await database.run(migration);

        const [silentThen, ratedThen] = [
          { ...silent, label: labelOf(null), labelBefore: null },
          { ...third, label: labelOf(0.25), labelBefore: labelOf(1) },
        ];
        const { kept: found, cursor } = await store.readKept('auto', LOG_START, 10);
        expect(found.map(({ decision }) => decision)).toEqual([silentThen, ratedThen]);
        expect(await store.recall(rated.id)).toEqual(ratedThen);
        const next = [silentThen, ratedThen].map((one) => ({
          ...one,
          version: one.version + 1,
          label: { ...one.label, next: 2, share: 0.5 },
          labelBefore: one.label,
          turn: 40_000,
        }));
        expect(await store.ingest(batch(next, '3', '4'))).toMatchObject({
          counted: [{ label: labelOf(null) }, { label: labelOf(0.25) }],
        });
        const back = next.map((one) => ({ ...one, turn: 32_767 }));
        expect((await store.readKept('auto', LOG_START, 10)).kept.map(({ decision }) => decision)).toEqual(back);
        const countedUpTo = async (seq: string): Promise<unknown> =>
          (await store.readKept('auto', `${cursor.slice(0, cursor.lastIndexOf('-'))}-${seq}`, 10)).kept.map(
            ({ counted }) => counted,
          );
        expect(await countedUpTo('2')).toEqual([{ label: labelOf(null) }, { label: labelOf(null) }]);
        expect(await countedUpTo('3')).toEqual([{ label: labelOf(null) }, { label: labelOf(1) }]);
        expect(await countedUpTo('4')).toEqual([{ label: labelOf(null) }, { label: labelOf(0.25) }]);
      },
      STARTING_MS,
    );

    test(
      'has what was kept before changes were as it was, and takes nothing until it can keep them',
      async () => {
        const database = await open();
        onTestFinished(() => database.close());
        const [tables, labels, changes] = MIGRATIONS.map((file) => readFileSync(file, 'utf8'));
        await database.run(ROLES + grants + tables + labels);
        const one = finishedDecision({ version: 2, label: labelOf(1), labelBefore: labelOf(null), reward: 1 });
        const { query, decision, response } = rowsOf(one);
        const rows = { queries: [query], routing_decisions: [decision], responses: [response] };
        await database.query('select conduit_ingest($1, $2, $3, $4, $5)', [
          ...['auto', '', null, '1'],
          JSON.stringify({ ...rows, feedback: [], implicit_feedback: [] }),
        ]);
        const server = await startPostgrestServer(database);
        onTestFinished(() => server.close());
        const store = createSupabaseStore({ url: server.url, serviceRoleKey: SERVICE_ROLE_KEY });
        onTestFinished(() => store.close());
        const failure = await failureOf(store.ingest(batch([one], '1', '2')));
        expect(failure.message).toContain('apply supabase/migrations');
        await database.run(changes as string);
        const before = { ...one, outcome: one.outcome && { ...one.outcome, cachedTokens: null }, prefixTokens: null };
        expect((await store.readKept('auto', LOG_START, 10)).kept.map(({ decision }) => decision)).toEqual([before]);
        const next = { ...before, version: 3, worthBefore: 0.1, prefixTokens: 3_000 };
        await store.ingest(batch([next], '1', '2'));
        expect(await store.recall(one.id)).toEqual(next);
      },
      STARTING_MS,
    );

    test('shows a reader everything, however many write meanwhile', async () => {
      const { store } = project;
      const [logs, batches, size] = [4, 12, 3];
      const given: string[] = [];
      let writing = logs;
      // Several logs, one router: each of them may commit before the one that began earlier.
      const write = async (log: string): Promise<void> => {
        let after: string | null = null;
        for (let i = 1; i <= batches; i++) {
          const decisions = Array.from({ length: size }, () => finishedDecision());
          given.push(...decisions.map(({ id }) => id));
          await store.ingest({ ...batch(decisions, after, `hot-${i}`), log });
          after = `hot-${i}`;
        }
        writing--;
      };
      const found: string[] = [];
      const read = async (): Promise<void> => {
        for (let cursor = LOG_START, isLast = false; ; ) {
          const slice = await store.readKept('auto', cursor, 5);
          found.push(...idsOf(slice.kept));
          if (isLast && slice.kept.length === 0) return;
          isLast = writing === 0;
          cursor = slice.cursor;
        }
      };
      await Promise.all([read(), ...Array.from({ length: logs }, (_, i) => write(`log-${i}`))]);
      expect(found).toHaveLength(logs * batches * size);
      expect([...found].sort()).toEqual([...given].sort());
    });

    test('drops the answer of a version that has none any more', async () => {
      const one = finishedDecision();
      await project.store.ingest(batch([one]));
      const bare = { ...one, version: 2, outcome: null, attempts: [], completionId: null };
      await project.store.ingest(batch([bare], 'hot-1', 'hot-2'));
      expect(await project.store.recall(one.id)).toEqual(bare);
    });

    test.for<[string, Partial<DecisionRecord>]>([
      ['a number that is none', { propensity: Number.NaN }],
      ['a time beyond all calendars', { created: 1e20 }],
      ['a name that is missing', { model: null as unknown as string }],
      ['a count with a fraction', { version: 1.5 }],
    ])('tells a batch that will never be taken from one that may: %s', async ([, wrong]) => {
      const fine = finishedDecision();
      const broken = finishedDecision({ ...wrong, completionId: 'secret-of-a-row' });
      const failure = await failureOf(project.store.ingest(batch([fine, broken])));
      expect(failure).toBeInstanceOf(RejectedBatch);
      expect(failure.message).not.toContain('secret-of-a-row');
      expect(await project.store.recall(fine.id)).toBe(null);
      expect((await project.store.ingest(batch([fine]))).outcome).toBe('ingested');
    });

    test('forgets no more than a thousand decisions in one call', async () => {
      const { database, store } = project;
      const old = Array.from({ length: 1_200 }, () => finishedDecision({ created: 1_000 }));
      await store.ingest(batch(old));
      expect([await store.forget(2_000), await store.forget(2_000), await store.forget(2_000)]).toEqual([
        1_000, 200, 0,
      ]);
      for (const table of TABLES.slice(0, 5)) expect(await database.query(`select * from ${table}`)).toEqual([]);
    });

    test('lets the log be read on after decisions were forgotten, and from the start after a restored backup', async () => {
      const { database, store } = project;
      await store.ingest(batch([finishedDecision()]));
      const { cursor } = await store.readKept('auto', LOG_START, 10);
      const ahead = cursor.replace(/\d+$/, (seq) => String(Number(seq) + 1_000));
      const slice = await store.readKept('auto', ahead, 10);
      expect([slice.gap, slice.kept.length, slice.cursor]).toEqual(['other', 1, cursor]);
      expect(await store.snapshots.put('auto', { cursor: ahead, bytes: new Uint8Array(1) })).toBe(false);
      expect(await database.query('select * from model_states')).toEqual([]);
    });

    test('shows in its views what was counted by hand', async () => {
      await project.store.ingest(batch(REPORTED));
      const { query } = project.database;
      const rows = (sql: string) => query(`select ${sql}`);
      expect(
        await rows(`day::text, router, model, decisions::int, explored::int, fallbacks::int, completed::int, failed::int,
          rated::int, mean_reward, cost_usd, prompt_tokens::int, completion_tokens::int, mean_first_byte_ms,
          mean_total_ms, mean_propensity
          from routing_analytics order by day, router, model`),
      ).toEqual([
        {
          day: '2025-11-24',
          router: 'auto',
          model: 'large',
          decisions: 3,
          explored: 1,
          fallbacks: 1,
          completed: 2,
          failed: 1,
          rated: 2,
          mean_reward: 0.75,
          cost_usd: 0.75,
          prompt_tokens: 300,
          completion_tokens: 30,
          mean_first_byte_ms: 200,
          mean_total_ms: 2_000,
          mean_propensity: 0.5,
        },
        {
          day: '2025-11-25',
          router: 'auto',
          model: 'small',
          decisions: 1,
          explored: 0,
          fallbacks: 0,
          completed: 0,
          failed: 0,
          rated: 0,
          mean_reward: null,
          cost_usd: 0.125,
          prompt_tokens: 0,
          completion_tokens: 0,
          mean_first_byte_ms: null,
          mean_total_ms: 3_000,
          mean_propensity: 0.5,
        },
        {
          day: '2025-11-25',
          router: null,
          model: 'large',
          decisions: 1,
          explored: 0,
          fallbacks: 0,
          completed: 0,
          failed: 0,
          rated: 0,
          mean_reward: null,
          cost_usd: 0,
          prompt_tokens: 0,
          completion_tokens: 0,
          mean_first_byte_ms: null,
          mean_total_ms: null,
          mean_propensity: 1,
        },
      ]);
      expect(
        await rows(`day::text, router, model, signal, signals::int, mean_value, mean_weight, decisions::int
          from implicit_feedback_analytics order by signal`),
      ).toEqual([
        { ...DAY_OF_LARGE, signal: 'continued', signals: 3, mean_value: 0.5, mean_weight: 0.5, decisions: 2 },
        { ...DAY_OF_LARGE, signal: 'fan_out', signals: 1, mean_value: null, mean_weight: 0, decisions: 1 },
        { ...DAY_OF_LARGE, signal: 'rephrased', signals: 1, mean_value: 0, mean_weight: 0.5, decisions: 1 },
        { ...DAY_OF_LARGE, signal: 'resumed', signals: 1, mean_value: null, mean_weight: 0, decisions: 1 },
      ]);
      expect(
        await rows(`router, model, decisions::int, explicit::int, implicit::int, "both"::int, mean_explicit,
          mean_implicit, mean_reward from combined_feedback_analytics order by router, model`),
      ).toEqual([
        {
          router: 'auto',
          model: 'large',
          decisions: 3,
          explicit: 1,
          implicit: 2,
          both: 1,
          mean_explicit: 0.5,
          mean_implicit: 0.375,
          mean_reward: 0.75,
        },
        {
          router: 'auto',
          model: 'small',
          decisions: 1,
          explicit: 1,
          implicit: 0,
          both: 0,
          mean_explicit: 0,
          mean_implicit: null,
          mean_reward: null,
        },
        {
          router: null,
          model: 'large',
          decisions: 1,
          explicit: 0,
          implicit: 0,
          both: 0,
          mean_explicit: null,
          mean_implicit: null,
          mean_reward: null,
        },
      ]);
      expect(
        await rows(`key, sum(cost_usd) as cost_usd, count(*)::int as calls, sum(prompt_tokens)::int as prompt_tokens
          from usage_by_key group by key order by key`),
      ).toEqual([
        { key: 'web', cost_usd: 0.875, calls: 4, prompt_tokens: 300 },
        { key: null, cost_usd: null, calls: 1, prompt_tokens: null },
      ]);
    });

    test('shows nobody without the secret key anything, and lets nobody call anything', async () => {
      await project.store.ingest(batch([finishedDecision()]));
      const { url } = project.server;
      const asked = async (path: string, key: string, body?: unknown): Promise<{ status: number; body: unknown }> => {
        const headers = { apikey: key, authorization: `Bearer ${key}` };
        const init = body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) };
        const response = await fetch(`${url}/rest/v1/${path}`, init);
        return { status: response.status, body: await response.json() };
      };
      for (const relation of [...TABLES, ...VIEWS, 'store_identity']) {
        const { status, body } = await asked(`${relation}?select=*`, ANON_KEY);
        expect([relation, status, body]).toEqual([relation, 401, expect.objectContaining({ code: '42501' })]);
        expect((await asked(`${relation}?select=*&limit=5`, SERVICE_ROLE_KEY)).status).toBe(200);
      }
      const functions = await project.database.query(
        `select proname as name, proargnames as names from pg_proc where proname like 'conduit%'`,
      );
      expect(functions).toHaveLength(18);
      for (const { name, names } of functions) {
        const args = Object.fromEntries(((names ?? []) as string[]).map((one) => [one, null]));
        const { body } = await asked(`rpc/${name}`, ANON_KEY, args);
        expect([name, body]).toEqual([name, expect.objectContaining({ code: '42501' })]);
      }
      // Were somebody to grant it by mistake, there still is no policy.
      await project.database.run('grant select on queries, usage_by_key to anon');
      expect((await asked('queries?select=*', ANON_KEY)).body).toEqual([]);
      await project.database.run('grant select on routing_decisions, responses to anon');
      expect((await asked('usage_by_key?select=*', ANON_KEY)).body).toEqual([]);
      await project.database.run('revoke all on queries, routing_decisions, responses, usage_by_key from anon');
      const rows = await asked('queries?select=key,call&order=created_at.desc&limit=1&key=eq.web', SERVICE_ROLE_KEY);
      expect(rows.body).toEqual([{ key: 'web', call: 'chat/completions' }]);
    });

    describe('when Supabase fails', () => {
      afterEach(async () => {
        Object.assign(project.server.faults, { frozen: false, status: null, diskFull: false, readOnly: false });
        Object.assign(project.server.faults, { slowMs: 0, cutOff: 0 });
      });

      test('says what to do, and never the key', async () => {
        const { url, faults } = project.server;
        const told = async (work: Promise<unknown>): Promise<string> => {
          const failure = await failureOf(work);
          expect(failure).toBeInstanceOf(StoreUnavailable);
          expect(failure.message).not.toMatch(/service-role-key-of-a-test|wrong-key|anon-key/);
          return failure.message;
        };
        const with_ = (serviceRoleKey: string) => createSupabaseStore({ url, serviceRoleKey });
        expect(await told(with_('wrong-key').logs())).toMatch(/does not accept the key: .*service_role_key/);
        expect(await told(with_(ANON_KEY).ingest(batch([finishedDecision()])))).toMatch(
          /must be the secret or service_/,
        );
        expect(await told(with_('wrong-key\nof two lines').logs())).toMatch(/characters that no key has/);
        faults.readOnly = true;
        expect(await told(project.store.ingest(batch([finishedDecision()])))).toMatch(/read-only.*stores\.retention/);
        faults.readOnly = false;
        faults.diskFull = true;
        expect(await told(project.store.ingest(batch([finishedDecision()])))).toMatch(/disk is full/);
        faults.diskFull = false;
        for (const [status, words] of [
          [500, 'status 500'],
          [503, 'status 503'],
          [429, 'asked too often'],
          [540, 'paused: restore it'],
          [402, 'plan allows'],
        ] as const) {
          faults.status = status;
          expect(await told(project.store.recall('dec_1'))).toContain(words);
        }
        faults.status = 413;
        expect(await failureOf(project.store.ingest(batch([finishedDecision()])))).toBeInstanceOf(RejectedBatch);
      });

      test('is refused a connection, and goes on once it has one', async () => {
        await project.server.refuse();
        // The first may go by a connection that was there before.
        await failureOf(project.store.logs());
        const failure = await failureOf(project.store.logs());
        await project.server.listen();
        expect(failure).toBeInstanceOf(StoreUnavailable);
        expect(failure.message).toMatch(/cannot be reached: .*ECONNREFUSED/);
        expect(await project.store.logs()).toEqual([]);
      });

      test('waits no longer than its limit for one that has frozen', async () => {
        project.server.faults.frozen = true;
        const failure = await failureOf(project.store.recall('dec_1'));
        expect(failure).toBeInstanceOf(StoreUnavailable);
        expect(failure.message).toContain('did not answer within 2 s');
      });

      test('ends what waits when it is closed', async () => {
        const { url, faults } = project.server;
        faults.frozen = true;
        const store = createSupabaseStore({ url, serviceRoleKey: SERVICE_ROLE_KEY });
        const waiting = failureOf(store.ingest(batch([finishedDecision()])));
        await store.close();
        expect((await waiting).message).toBe('the store is closed');
        expect((await failureOf(store.logs())).message).toBe('the store is closed');
      });

      test('counts a batch once whose answer was cut off after it was taken, and that is sent again', async () => {
        const { server, store } = project;
        const sent = batch([finishedDecision(), finishedDecision()]);
        server.faults.cutOff = 1;
        expect(await failureOf(store.ingest(sent))).toBeInstanceOf(StoreUnavailable);
        expect(await store.ingest(sent)).toEqual({ outcome: 'moved', cursor: 'hot-1' });
        expect((await store.readKept('auto', LOG_START, 10)).kept).toMatchObject(sent.kept);
      });

      test('takes each decision once from two that drain the same log', async () => {
        const { url } = project.server;
        const decisions = Array.from({ length: 60 }, () => finishedDecision());
        const drain = async (size: number): Promise<void> => {
          const store = createSupabaseStore({ url, serviceRoleKey: SERVICE_ROLE_KEY });
          let at = await store.cursorOf('auto');
          while (at !== 'hot-60') {
            const from = Number(at?.slice(4) ?? 0);
            const part = decisions.slice(from, from + size);
            const cursor = `hot-${from + part.length}`;
            const done = await store.ingest({ log: 'auto', after: at, cursor, kept: kept(...part) });
            at = done.outcome === 'moved' ? done.cursor : cursor;
          }
          await store.close();
        };
        await Promise.all([drain(4), drain(7), drain(5)]);
        const { kept: found } = await project.store.readKept('auto', LOG_START, 100);
        expect(found.map(({ decision }) => decision.id)).toEqual(decisions.map(({ id }) => id));
      });
    });
  });
}

describe.skipIf(NO_POSTGRES !== null)('the queries of docs/supabase.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/supabase.md'), 'utf8');
  const queries = [...page.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql]) => sql as string);

  test('run as they stand there', async () => {
    const database = openPostgres(await freshDatabase());
    onTestFinished(() => database.close());
    await database.run(ROLES);
    for (const file of MIGRATIONS) await database.run(readFileSync(file, 'utf8'));
    const server = await startPostgrestServer(database);
    const store = createSupabaseStore({ url: server.url, serviceRoleKey: SERVICE_ROLE_KEY });
    await store.ingest(batch(REPORTED));
    await store.close();
    await server.close();
    expect(queries.length).toBeGreaterThan(5);
    for (const sql of queries) await database.run(sql);
  });
});

describe('the limits of calls', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('give a batch ten seconds, and a recalled decision two', async () => {
    vi.useFakeTimers();
    const frozen: typeof fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason));
      });
    const store = createSupabaseStore({ url: 'http://localhost:1', serviceRoleKey: 'key', fetch: frozen });
    const failures = [store.recall('dec_1'), store.ingest(batch([]))].map(failureOf);
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await failures[0])?.message).toContain('within 2 s');
    await vi.advanceTimersByTimeAsync(8_000);
    expect((await failures[1])?.message).toContain('within 10 s');
  });
});

/** For the views. */
const DAY = Date.UTC(2025, 10, 24);
const DAY_OF_LARGE = { day: '2025-11-24', router: 'auto', model: 'large' };
const reported = (more: Partial<DecisionRecord>): DecisionRecord =>
  finishedDecision({ created: DAY, chosen: 'large', model: 'large', propensity: 0.5, ...more });
const answered = (kind: 'completed' | 'timeout' | 'client_abort', tokens: number | null, costUsd: number) => ({
  kind,
  finishReason: null,
  promptTokens: tokens === null ? null : tokens * 10,
  completionTokens: tokens,
  cachedTokens: null,
  costUsd,
  estimated: false,
});
const attempted = (firstByteMs: number | null, totalMs: number): DecisionRecord['attempts'] => [
  { model: 'large', outcome: 'completed', status: 200, firstByteMs, totalMs },
];
const implicit = (signal: string, value: number, weight: number): DecisionRecord['signals'][number] => ({
  signal,
  source: 'implicit',
  value,
  weight,
  at: DAY,
});
const REPORTED: DecisionRecord[] = [
  reported({
    reason: 'warmup',
    outcome: answered('completed', 10, 0.5),
    attempts: attempted(100, 1_000),
    reward: 1,
    signals: [
      implicit('continued', 1, 0.5),
      { signal: 'thumb', source: 'explicit', value: 1, weight: 1, at: DAY },
      { signal: 'rating', source: 'explicit', value: 0, weight: 1, at: DAY },
      implicit('continued', 0.5, 0.5),
    ],
  }),
  reported({
    reason: 'fallback',
    created: DAY + 86_399_999,
    outcome: answered('completed', 20, 0.25),
    attempts: attempted(300, 2_000),
    reward: 0.5,
    signals: [implicit('continued', 0, 0.5), implicit('rephrased', 0, 0.5), implicit('fan_out', 1, 0)],
  }),
  reported({
    reason: 'exploit',
    outcome: answered('timeout', null, 0),
    attempts: attempted(null, 3_000),
    signals: [implicit('resumed', 1, 0)],
  }),
  reported({
    reason: 'exploit',
    created: DAY + 86_400_000,
    model: 'small',
    outcome: answered('client_abort', null, 0.125),
    attempts: attempted(null, 3_000),
    signals: [{ signal: 'thumb', source: 'explicit', value: 0, weight: 1, at: DAY }],
  }),
  reported({
    router: null,
    key: null,
    reason: 'pinned',
    created: DAY + 90_000_000,
    propensity: 1,
    outcome: null,
    attempts: [],
  }),
];
