/** What a completion takes in the durable tables of PostgreSQL, by table and by index. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encoder } from '../src/context/encoder.ts';
import type { DecisionRecord } from '../src/stores/decision-record.ts';
import { LOG_START } from '../src/stores/ports.ts';
import { createSupabaseStore } from '../src/stores/supabase.ts';
import { NO_POSTGRES, startPostgresServer } from '../test/support/postgres-server.ts';
import { openPostgres, ROLES } from '../test/support/postgrest-database.ts';
import { SERVICE_ROLE_KEY, startPostgrestServer } from '../test/support/postgrest-server.ts';
import { finished } from './finished.ts';

const FOLDER = join(import.meta.dirname, '../supabase/migrations');
const DECISIONS = 20_000;
const BATCH = 250;
/** One in so many is rated, some batches later. */
const RATED = 10;
const LATER = 10;
const ARMS = ['openai/gpt-5.4', 'anthropic/claude-haiku-5-5', 'groq/openai/gpt-oss-20b'];
const BETWEEN_MS = 4_321;

/** As a chat's is when it has just ended, of one of twenty applications. */
const fresh = (i: number): DecisionRecord => ({
  ...finished({ arms: ARMS, betweenMs: BETWEEN_MS }).decision,
  key: `app-${i % 20}`,
  encoder: encoder.id,
});

const rated = (decision: DecisionRecord): DecisionRecord => ({
  ...decision,
  version: 2,
  signals: [{ signal: 'thumb', source: 'explicit', value: 1, weight: 1, at: decision.created + 60_000 }],
  reward: 1,
  label: { ...decision.label, quality: 1, weight: 1 },
  labelBefore: decision.label,
});

if (NO_POSTGRES !== null) {
  console.error(NO_POSTGRES);
  process.exit(1);
}
const postgres = await startPostgresServer();
const database = openPostgres(postgres.url());
const server = await startPostgrestServer(database);
const store = createSupabaseStore({ url: server.url, serviceRoleKey: SERVICE_ROLE_KEY });
try {
  await database.run(ROLES);
  for (const name of readdirSync(FOLDER)
    .filter((name) => name.endsWith('.sql'))
    .sort())
    await database.run(readFileSync(join(FOLDER, name), 'utf8'));
  const waiting: DecisionRecord[][] = [];
  const times: number[] = [];
  let after: string | null = null;
  for (let i = 0; i < DECISIONS; i += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, n) => fresh(i + n));
    waiting.push(batch.filter((_, n) => n % RATED === 0).map(rated));
    const due = waiting.length > LATER ? (waiting.shift() as DecisionRecord[]) : [];
    const cursor = String(i + BATCH);
    const kept = [...due, ...batch].map((decision) => ({ decision, names: [] }));
    const start = performance.now();
    await store.ingest({ log: 'auto', after, cursor, kept });
    times.push(performance.now() - start);
    after = cursor;
  }
  const kept = waiting.flat().map((decision) => ({ decision, names: [] }));
  await store.ingest({ log: 'auto', after, cursor: 'last', kept });
  const start = performance.now();
  const read = await store.readKept('auto', LOG_START, 1_000);
  const readMs = performance.now() - start;

  const sizes = await database.query(`
    select c.relname as what, pg_relation_size(c.oid)::int as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'i') and pg_relation_size(c.oid) > 0
    order by 2 desc`);
  const whole = await database.query(`
    select sum(pg_total_relation_size(c.oid))::int as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind = 'r'`);
  const figures = [...sizes, { what: 'all of it', bytes: whole[0]?.bytes }].map(({ what, bytes }) => ({
    what: String(what),
    value: Number(bytes) / DECISIONS,
    unit: 'bytes',
  }));
  const middle = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number;
  figures.push(
    { what: `ingesting ${BATCH} decisions, median`, value: middle(times), unit: 'ms' },
    { what: `reading ${read.kept.length} decisions`, value: readMs, unit: 'ms' },
  );
  if (process.argv.includes('--json')) console.log(JSON.stringify({ figures }));
  else
    for (const { what, value, unit } of figures)
      console.log(`${what.padEnd(42)} ${value.toFixed(1).padStart(8)} ${unit}`);
} finally {
  await store.close();
  await server.close();
  await database.close();
  await postgres.close();
}
