/** What every durable store must give whoever only reads in it: one suite that each runs with a factory of its own. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';
import { type DurableReader, type DurableStore, LOG_START, PINNED_LOG, type Usage } from '../../src/stores/ports.ts';
import { finishedDecision, START } from './finished-decision.ts';

export interface DurableReaderUnderTest {
  /** In which decisions are kept meanwhile. */
  store: DurableStore;
  reader: DurableReader;
  close(): Promise<void>;
}

export interface DurableReaderSuite {
  name: string;
  /** Opens an empty store, and a reader of it. */
  create(): Promise<DurableReaderUnderTest>;
}

const DAY_MS = 86_400_000;
const DAY = Math.floor(START / DAY_MS);
/** Some time of a day, counted from the day of `START`. */
const on = (day: number, ms = 0): number => (DAY + day) * DAY_MS + ms;
const many = (count: number, more: Partial<DecisionRecord> = {}): DecisionRecord[] =>
  Array.from({ length: count }, () => finishedDecision(more));

/** All parts of a day, a key and a model as one, whatever they came in. */
async function usage(reader: DurableReader, time = 0): Promise<Usage[]> {
  const whole = new Map<string, Usage>();
  for await (const part of reader.usageSince(time)) {
    const name = JSON.stringify([part.day, part.key, part.model]);
    const before = whole.get(name);
    whole.set(name, before ? joined(before, part) : part);
  }
  return [...whole.values()].sort((one, other) => one.first - other.first);
}

const joined = (one: Usage, other: Usage): Usage => ({
  ...one,
  calls: one.calls + other.calls,
  promptTokens: one.promptTokens + other.promptTokens,
  completionTokens: one.completionTokens + other.completionTokens,
  cachedTokens: one.cachedTokens + other.cachedTokens,
  costUsd: one.costUsd + other.costUsd,
  estimated: one.estimated + other.estimated,
  first: Math.min(one.first, other.first),
  last: Math.max(one.last, other.last),
});

export function durableReaderSuite({ name, create }: DurableReaderSuite): void {
  describe(`a reader of the durable store ${name}`, () => {
    let under: DurableReaderUnderTest;
    let ingested = 0;
    beforeEach(async () => {
      under = await create();
    });
    afterEach(() => under.close());

    const ingest = async (...decisions: DecisionRecord[]): Promise<void> => {
      for (let at = 0; at < decisions.length; at += 250) {
        const kept = decisions.slice(at, at + 250).map((decision) => ({ decision, names: [] }));
        const batch = { log: 'any', after: await under.store.cursorOf('any'), cursor: `hot-${++ingested}`, kept };
        expect(await under.store.ingest(batch)).toMatchObject({ outcome: 'ingested' });
      }
    };

    test('sees each log page by page, and what comes to it while it is open', async () => {
      const { reader } = under;
      expect(await reader.logs()).toEqual([]);
      const mine = many(5);
      await ingest(...mine, ...many(2, { router: null }));
      expect((await reader.logs()).sort()).toEqual([PINNED_LOG, 'auto']);
      const first = await reader.readKept('auto', LOG_START, 3);
      expect(first.kept.map(({ decision }) => decision)).toEqual(mine.slice(0, 3));
      const later = finishedDecision({
        signals: [{ signal: 'thumbs', source: 'explicit', value: 1, weight: 1, at: START }],
      });
      await ingest(later);
      const rest = await reader.readKept('auto', first.cursor, 10);
      expect(rest.kept.map(({ decision }) => decision)).toEqual([...mine.slice(3), later]);
      expect(await reader.readKept('auto', rest.cursor, 10)).toEqual({ kept: [], cursor: rest.cursor, gap: null });
    });

    test('adds up what was used by day, key and model, whoever called and whatever became of it', async () => {
      const used = { model: 'openai/large', chosen: 'openai/large' };
      const cheap = { ...finishedDecision().outcome!, cachedTokens: null, costUsd: 0.5, estimated: true };
      await ingest(
        ...many(2, { ...used, created: on(0, 5) }),
        finishedDecision({ ...used, created: on(0, 9), outcome: cheap }),
        finishedDecision({ ...used, created: on(0, 10), key: null }),
        finishedDecision({ ...used, created: on(1), key: 'größe “x”', model: 'local/tiny' }),
        finishedDecision({ ...used, created: on(2, 7), outcome: null, attempts: [], completionId: null }),
      );
      const one = { promptTokens: 240, completionTokens: 300, cachedTokens: 200, costUsd: 0.00123, estimated: 0 };
      const none = { promptTokens: 0, completionTokens: 0, cachedTokens: 0, costUsd: 0, estimated: 0 };
      expect(await usage(under.reader)).toEqual([
        {
          ...{ day: DAY, key: 'web', model: 'openai/large', calls: 3, promptTokens: 720, completionTokens: 900 },
          ...{ cachedTokens: 400, costUsd: expect.closeTo(0.50246, 10), estimated: 1, first: on(0, 5), last: on(0, 9) },
        },
        { day: DAY, key: null, model: 'openai/large', calls: 1, ...one, first: on(0, 10), last: on(0, 10) },
        { day: DAY + 1, key: 'größe “x”', model: 'local/tiny', calls: 1, ...one, first: on(1), last: on(1) },
        { day: DAY + 2, key: 'web', model: 'openai/large', calls: 1, ...none, first: on(2, 7), last: on(2, 7) },
      ]);
    });

    test('leaves out what was used before a time', async () => {
      const created = [on(0), on(0, 1_000), on(1)];
      await ingest(...created.map((time) => finishedDecision({ created: time })));
      for (const [time, calls] of [
        [on(0), 3],
        [on(0, 1), 2],
        [on(0, 1_000), 2],
        [on(1), 1],
        [on(1, 1), 0],
      ] as const) {
        const found = await usage(under.reader, time);
        expect(found.reduce((sum, part) => sum + part.calls, 0)).toBe(calls);
      }
    });

    test('counts a call once, however often it was rated, and all of them, however many there are', async () => {
      const calls = many(2_300, { model: 'local/tiny', created: on(0, 1) });
      await ingest(...calls);
      await ingest(...calls.slice(0, 300).map((call) => ({ ...call, version: 2, reward: 1 })));
      expect(await usage(under.reader)).toMatchObject([{ calls: 2_300, promptTokens: 240 * 2_300 }]);
    });
  });
}
