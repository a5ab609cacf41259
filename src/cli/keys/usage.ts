/** `conduit keys usage`: what each key has called for, and what that cost, as the durable store has it. */
import type { ConduitConfig } from '../../config/resolve.ts';
import { readSince } from '../../evaluate/asked.ts';
import type { DurableReader, Usage } from '../../stores/ports.ts';
import { CommandFailed } from '../command-failed.ts';
import { counted, thousands } from '../terminal/counted.ts';
import { withProgress } from '../terminal/progress.ts';
import { printResult } from '../terminal/result.ts';
import type { Screen } from '../terminal/screen.ts';
import { tableLines } from '../terminal/table.ts';
import { type DurableOptions, withDurableReader } from '../with-durable.ts';
import { note } from './note.ts';

export interface UsageOptions extends DurableOptions {
  since?: string;
  by?: 'day' | 'model';
  json?: boolean;
}

/** What is told in one row: of a key, or of a key on a day or with a model. */
interface Used extends Omit<Usage, 'first' | 'last'> {
  /** Milliseconds since 1970; null where it was never used. */
  first: number | null;
  last: number | null;
}

const DAY_MS = 86_400_000;

export async function usage(name: string | undefined, options: UsageOptions): Promise<void> {
  await withDurableReader(options, async (durable, config) => {
    const { since: text, by } = options;
    const now = Date.now();
    const read = readSince(text, now);
    if (!read.ok) throw new CommandFailed(`--since: ${read.problem}`);
    const since = read.since ?? 0;
    const used = await readUsage(durable, since, name, by);
    const names = config.keys.map((key) => key.name);
    const known = new Set(names);
    if (name !== undefined && used.size === 0 && !known.has(name))
      throw new CommandFailed(
        `NAME: there is no key '${name}', and nothing that was called with one (keys: ${names.join(', ') || 'none'})`,
      );
    if (!by)
      addUnused(
        used,
        names.filter((key) => name === undefined || key === name),
      );
    const rows = [...used.values()].sort(orderBy(by));
    if (since < now - config.stores.retentionMs)
      note([
        `Calls are kept for ${counted(Math.round(config.stores.retentionMs / DAY_MS), 'day')} (stores.retention).`,
      ]);
    await printResult(options, {
      document: documentOf(rows, read.since, options, known),
      text: (screen) => linesOf(rows, by, known, config, screen),
    });
  });
}

/** Who was never heard of could be revoked. */
function addUnused(used: Map<string, Used>, names: readonly string[]): void {
  for (const key of names) if (!used.has(rowOf(key))) used.set(rowOf(key), unused(key));
}

const rowOf = (key: string | null, part: string | number | null = null): string => JSON.stringify([key, part]);

async function readUsage(
  durable: DurableReader,
  since: number,
  name: string | undefined,
  by: UsageOptions['by'],
): Promise<Map<string, Used>> {
  const long = { doing: 'adding up', noun: 'call', interrupted: 'nothing was printed, and nothing changed' };
  return await withProgress(long, async ({ at }) => {
    const used = new Map<string, Used>();
    let calls = 0;
    for await (const part of durable.usageSince(since)) {
      calls += part.calls;
      at(calls);
      if (name !== undefined && part.key !== name) continue;
      const row = rowOf(part.key, by === 'day' ? part.day : by === 'model' ? part.model : null);
      used.set(row, together(used.get(row), part));
    }
    return used;
  });
}

function together(one: Used | undefined, other: Used): Used {
  if (!one) return { ...other };
  return {
    ...one,
    calls: one.calls + other.calls,
    promptTokens: one.promptTokens + other.promptTokens,
    completionTokens: one.completionTokens + other.completionTokens,
    cachedTokens: one.cachedTokens + other.cachedTokens,
    costUsd: one.costUsd + other.costUsd,
    estimated: one.estimated + other.estimated,
    first: earliest(one.first, other.first),
    last: one.last === null ? other.last : Math.max(one.last, other.last ?? 0),
  };
}

const earliest = (one: number | null, other: number | null): number | null =>
  one === null ? other : other === null ? one : Math.min(one, other);

const unused = (key: string | null): Used => ({
  ...{ day: 0, key, model: null, calls: 0, promptTokens: 0, completionTokens: 0, cachedTokens: 0 },
  ...{ costUsd: 0, estimated: 0, first: null, last: null },
});

/** Days of a key follow one another; else what cost most comes first. */
const orderBy =
  (by: UsageOptions['by']) =>
  (one: Used, other: Used): number => {
    const byName = (one.key ?? '').localeCompare(other.key ?? '');
    if (by === 'day') return byName || one.day - other.day;
    const byCost = other.costUsd - one.costUsd || other.calls - one.calls;
    return by === 'model' ? byName || byCost : byCost || byName;
  };

const totalOf = (rows: readonly Used[]): Used => rows.reduce(together, unused(null));

function documentOf(rows: readonly Used[], since: number | null, { by }: UsageOptions, known: ReadonlySet<string>) {
  const amounts = (row: Used) => ({
    calls: row.calls,
    prompt_tokens: row.promptTokens,
    completion_tokens: row.completionTokens,
    cached_tokens: row.cachedTokens,
    cost_usd: row.costUsd,
    estimated_calls: row.estimated,
    first_at: inSeconds(row.first),
    last_at: inSeconds(row.last),
  });
  return {
    object: 'list',
    since: inSeconds(since),
    by: by ?? null,
    data: rows.map((row) => ({
      object: 'key.usage',
      key: row.key,
      in_config: row.key !== null && known.has(row.key),
      ...(by === 'day' && { day: dayText(row.day * DAY_MS) }),
      ...(by === 'model' && { model: row.model }),
      ...amounts(row),
    })),
    total: amounts(totalOf(rows)),
  };
}

const inSeconds = (time: number | null): number | null => (time === null ? null : Math.floor(time / 1000));
const dayText = (time: number): string => new Date(time).toISOString().slice(0, 10);

function linesOf(
  rows: readonly Used[],
  by: UsageOptions['by'],
  known: ReadonlySet<string>,
  { keys }: ConduitConfig,
  screen: Screen,
): string[] {
  if (rows.length === 0) return ['nothing was called'];
  const isPart = by !== undefined;
  const total = totalOf(rows);
  const cells = (row: Used, key: string): string[] => [
    key,
    ...(by === 'day' ? [row === total ? '' : dayText(row.day * DAY_MS)] : []),
    ...(by === 'model' ? [row === total ? '' : (row.model ?? '–')] : []),
    thousands(row.calls),
    ...[row.promptTokens, row.cachedTokens, row.completionTokens].map(shortly),
    row.costUsd.toFixed(4),
    ...(isPart
      ? []
      : [row.first === null ? 'never' : dayText(row.first), row.last === null ? 'never' : dayText(row.last)]),
  ];
  const columns = [
    { head: 'key' },
    ...(by ? [{ head: by }] : []),
    ...['calls', 'tokens in', 'of them cached', 'tokens out', 'USD'].map((head) => ({ head, numeric: true })),
    ...(isPart ? [] : [{ head: 'first use' }, { head: 'last use' }]),
  ];
  const table = rows.map((row) => cells(row, keyText(row.key, known, keys.length > 0)));
  return [
    ...tableLines(columns, rows.length > 1 ? [...table, cells(total, 'total')] : table, screen),
    ...(total.estimated > 0
      ? ['', `${counted(total.estimated, 'call')} told no usage: tokens and cost are estimated`]
      : []),
  ];
}

/** In four digits, as `10.29M`: programs get all of them. */
const shortly = (count: number): string =>
  count.toLocaleString('en', { notation: 'compact', maximumSignificantDigits: 4 });

/** Whether the config still has it. */
function keyText(key: string | null, known: ReadonlySet<string>, areThereKeys: boolean): string {
  if (key === null) return '(no key)';
  return known.has(key) || !areThereKeys ? key : `${key} (revoked)`;
}
