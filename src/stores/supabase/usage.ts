/** What was used by calls, added up from pages of a view: PostgREST adds nothing up by itself, unless a project is set up so. */
import { firstIdAt } from '../decision-record.ts';
import type { Usage } from '../ports.ts';
import type { SupabaseCalls } from './client.ts';

interface Row {
  decision_id: string;
  created_at: string;
  key: string | null;
  model: string | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  cached_tokens: number | null;
  cost_usd: number | null;
  estimated: boolean | null;
}

const COLUMNS = 'decision_id,created_at,key,model,prompt_tokens,completion_tokens,cached_tokens,cost_usd,estimated';
const DAY_MS = 86_400_000;

/** Rows that are asked for at once: more than a project gives by its own settings are not sent. */
const ROWS = 1_000;
/** Milliseconds. Longer than what Supabase itself gives a statement. */
const PAGE_MS = 10_000;

export async function* usageIn({ ask }: Pick<SupabaseCalls, 'ask'>, time: number): AsyncGenerator<Usage> {
  const page = (behind: string) =>
    ask(
      (client) =>
        client.from('usage_by_key').select(COLUMNS).gt('decision_id', behind).order('decision_id').limit(ROWS),
      PAGE_MS,
    );
  // A time alone is less than every id that begins with it.
  for (let behind = firstIdAt(time); ; ) {
    const rows = (await page(behind)) as Row[];
    const last = rows.at(-1);
    // A page that is short may be what the project gives at once: only an empty one is the end.
    if (!last) return;
    yield* addedUp(rows);
    behind = last.decision_id;
  }
}

function addedUp(rows: readonly Row[]): Iterable<Usage> {
  const parts = new Map<string, Usage>();
  for (const row of rows) {
    const at = Date.parse(row.created_at);
    const { key, model } = row;
    const day = Math.floor(at / DAY_MS);
    const name = JSON.stringify([day, key, model]);
    const part = parts.get(name) ?? {
      day,
      key,
      model,
      calls: 0,
      promptTokens: 0,
      completionTokens: 0,
      cachedTokens: 0,
      costUsd: 0,
      estimated: 0,
      first: at,
      last: at,
    };
    parts.set(name, part);
    part.calls++;
    part.promptTokens += row.prompt_tokens ?? 0;
    part.completionTokens += row.completion_tokens ?? 0;
    part.cachedTokens += row.cached_tokens ?? 0;
    part.costUsd += row.cost_usd ?? 0;
    part.estimated += row.estimated ? 1 : 0;
    part.first = Math.min(part.first, at);
    part.last = Math.max(part.last, at);
  }
  return parts.values();
}
