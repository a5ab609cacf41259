/**
 * The Durable Object: keeps one router's log and looks after it by itself, or keeps what all isolates share. Which of them it
 * is its name says, and with it whoever asks.
 */
import { DurableObject } from 'cloudflare:workers';
import { foldFromBytes } from '../bandit/fold-bytes.ts';
import { type LogTables, openLogTables } from '../stores/durable-object/log-tables.ts';
import { createDecisionPacker } from '../stores/durable-object/packed-decision.ts';
import { openSharedTables, type SharedTables } from '../stores/durable-object/shared-tables.ts';
import type {
  Answer,
  FoundBytes,
  LogTerms,
  LogVerbs,
  PackedDecision,
  PackedKept,
  PackedSlice,
  SharedVerbs,
} from '../stores/durable-object/verbs.ts';
import type { Addition, DurableStore, SharedHealth, Snapshot } from '../stores/ports.ts';
import { createSupabaseStore } from '../stores/supabase.ts';
import { configOf, logLevelOf, type WorkerEnvironment } from './config.ts';
import { createConsoleLog } from './console-log.ts';
import { drainLog } from './drain-log.ts';
import { foldLog } from './fold-log.ts';
import { sqlOf } from './object-sql.ts';

/** How soon what has come is folded, and kept elsewhere, too: an isolate that starts reads so much of the log itself. */
const FOLD_MS = 60_000;
/** In one alarm: some seconds of a processor, of the thirty that one may take. */
const FOLDED_AT_ONCE = 100_000;
const FORGOTTEN_AT_ONCE = 1_000;
/** Where there is more to fold or to forget. */
const SOON_MS = 1_000;
/** How often it is looked for what is to be forgotten. */
const FORGET_MS = 6 * 60 * 60 * 1_000;
/** As the fact that evidence never fades is kept. */
const NEVER_FADES = 0;
const fadingIn = (fact: number): number | null => (fact === NEVER_FADES ? null : fact);
/** How soon a durable store that fails is asked again: twice as long each time, up to so long. */
const RETRY_MS = { first: 60_000, longest: 15 * 60_000 };
/** What the durable store has not got is kept past its time, but for a database of half of what an object may have. */
const MOST_HELD_BYTES = 5e9;

interface Behind {
  sink: DurableStore;
  retentionMs: number;
}

export class ConduitState extends DurableObject<WorkerEnvironment> implements LogVerbs, SharedVerbs {
  #logTables: LogTables | undefined;
  #sharedTables: SharedTables | undefined;
  readonly #packer = createDecisionPacker();
  readonly #console = createConsoleLog(() => logLevelOf(this.env));
  /** When the alarm rings, as far as this instance knows. */
  #wakesAt = Number.POSITIVE_INFINITY;
  /** As this instance was told last. */
  #terms: LogTerms | undefined;
  #behind: Behind | undefined;
  /** How often in a row the durable store has failed. */
  #failures = 0;

  get #log(): LogTables {
    this.#logTables ??= openLogTables(sqlOf(this.ctx.storage));
    return this.#logTables;
  }

  /** The log's. */
  get #name(): string {
    return this.#log.fact('name') ?? '';
  }

  get #shared(): SharedTables {
    this.#sharedTables ??= openSharedTables(sqlOf(this.ctx.storage));
    return this.#sharedTables;
  }

  async remember(kept: PackedKept, terms: LogTerms): Promise<Answer<null>> {
    const answer = answered(() => {
      this.#goBy(terms);
      this.#log.remember(kept);
      return null;
    });
    await this.#wakeToFold();
    return answer;
  }

  async revise(decision: PackedDecision): Promise<Answer<'written' | 'changed'>> {
    const answer = answered(() => this.#log.revise(decision));
    await this.#wakeToFold();
    return answer;
  }

  async revive(kept: PackedKept): Promise<Answer<null>> {
    return answered(() => {
      this.#log.revive(kept);
      return null;
    });
  }

  async recall(decisionId: string): Promise<Answer<Uint8Array | null>> {
    return answered(() => this.#log.recall(decisionId));
  }

  async lookUp(names: readonly string[]): Promise<Answer<FoundBytes | null>> {
    return answered(() => this.#log.lookUp(names));
  }

  async readSince(cursor: string, limit: number): Promise<Answer<PackedSlice>> {
    return answered(() => this.#log.readSince(cursor, limit));
  }

  async readKept(cursor: string, limit: number): Promise<Answer<PackedSlice>> {
    return answered(() => this.#log.readKept(cursor, limit));
  }

  async readSnapshots(halfLifeMs: number | null, terms: LogTerms): Promise<Answer<Snapshot[]>> {
    const fades = halfLifeMs ?? NEVER_FADES;
    let isBehind = false;
    const answer = answered(() => {
      this.#goBy(terms);
      isBehind = terms.isDrained && this.#log.fact('recovery_tried_at') === null;
      if (this.#log.fact('half_life_ms') !== fades) {
        this.#log.putFact('half_life_ms', fades);
        isBehind ||= this.#log.oldest() !== null;
      }
      const all = this.#log.readSnapshots();
      // They may take megabytes: the one before is of use only where the latest is not.
      const sound = all.findIndex(({ bytes }) => foldFromBytes(bytes) !== null);
      return sound < 0 ? all : all.slice(0, sound + 1);
    });
    if (isBehind) await this.#wakeBy(Date.now() + SOON_MS);
    return answer;
  }

  async putSnapshot(snapshot: Snapshot): Promise<Answer<boolean>> {
    return answered(() => this.#log.putSnapshot(snapshot));
  }

  async dropSnapshots(): Promise<Answer<null>> {
    return answered(() => {
      this.#log.dropSnapshots();
      return null;
    });
  }

  async restart(snapshot: Snapshot): Promise<Answer<null>> {
    return answered(() => {
      this.#log.restart(snapshot);
      return null;
    });
  }

  async isWell(): Promise<Answer<boolean>> {
    return answered(() => this.#log.fact('sink_fails') !== 1);
  }

  async add(counter: string, amount: number, ttlMs: number): Promise<Answer<number>> {
    return answered(() => this.#shared.add(counter, amount, ttlMs, Date.now()));
  }

  async addAll(additions: readonly Addition[]): Promise<Answer<number[]>> {
    return answered(() => this.#shared.addAll(additions, Date.now()));
  }

  async putHealth(name: string, health: SharedHealth, ttlMs: number): Promise<Answer<null>> {
    return answered(() => {
      this.#shared.putHealth(name, health, ttlMs, Date.now());
      return null;
    });
  }

  async readHealth(): Promise<Answer<Map<string, SharedHealth>>> {
    return answered(() => this.#shared.readHealth(Date.now()));
  }

  async lease(name: string, holder: string, ttlMs: number): Promise<Answer<boolean>> {
    return answered(() => this.#shared.lease(name, holder, ttlMs, Date.now()));
  }

  async secret(proposed: string): Promise<Answer<string>> {
    return answered(() => this.#shared.secret(proposed));
  }

  /** Only a log's object has one. Where it throws, the platform lets it ring again. */
  async alarm(): Promise<void> {
    this.#wakesAt = Number.POSITIVE_INFINITY;
    const halfLifeMs = this.#log.fact('half_life_ms');
    const isFolded = halfLifeMs === null || (await this.#fold(halfLifeMs));
    const drained = await this.#drain(halfLifeMs);
    // What is forgotten must have been learned by then.
    const isAll = isFolded && drained !== 'more' && this.#forget();
    if (!isAll) await this.#wakeBy(Date.now() + SOON_MS);
    else if (drained === 'failed') await this.#wakeBy(Date.now() + this.#retryMs());
    else if (this.#log.oldest() !== null) await this.#wakeBy(Date.now() + FORGET_MS);
  }

  #fold(halfLifeMs: number): Promise<boolean> {
    return foldLog({
      tables: this.#log,
      packer: this.#packer,
      router: this.#name,
      halfLifeMs: fadingIn(halfLifeMs),
      log: this.#console,
      most: FOLDED_AT_ONCE,
      pause: () => new Promise((resolve) => setTimeout(resolve, 0)),
    });
  }

  #goBy(terms: LogTerms): void {
    const { name, retentionMs, isDrained } = terms;
    const before = this.#terms;
    if (before?.name === name && before.retentionMs === retentionMs && before.isDrained === isDrained) return;
    if (this.#log.fact('name') !== name) this.#log.putFact('name', name);
    if (this.#log.fact('retention_ms') !== retentionMs) this.#log.putFact('retention_ms', retentionMs);
    if ((this.#log.fact('is_drained') === 1) !== isDrained) this.#log.putFact('is_drained', isDrained ? 1 : 0);
    this.#terms = terms;
  }

  /** Never rejects: what fails is asked again, and nobody waits for it. */
  async #drain(halfLifeMs: number | null): Promise<'all' | 'more' | 'failed'> {
    if (this.#log.fact('is_drained') !== 1) return 'all';
    try {
      const { sink, retentionMs } = this.#openBehind();
      const name = this.#name;
      const isAll = await drainLog({
        tables: this.#log,
        packer: this.#packer,
        name,
        router: halfLifeMs === null ? null : { name, halfLifeMs: fadingIn(halfLifeMs) },
        sink,
        retentionMs,
        now: Date.now,
        log: this.#console,
      });
      this.#failures = 0;
      if (this.#log.fact('sink_fails') === 1) {
        this.#log.putFact('sink_fails', 0);
        this.#console.info({ log: name }, 'the durable store is back, and gets what it missed');
      }
      return isAll ? 'all' : 'more';
    } catch (error) {
      this.#failures++;
      // Once, not once a try.
      if (this.#log.fact('sink_fails') !== 1) {
        this.#log.putFact('sink_fails', 1);
        const { message } = error as Error;
        this.#console.error(
          { log: this.#name, problem: message },
          'the durable store fails: what it misses waits until it is back',
        );
      }
      return 'failed';
    }
  }

  /** Throws where the config names none. */
  #openBehind(): Behind {
    if (!this.#behind) {
      const { supabase, durable, retentionMs } = configOf(this.env).stores;
      if (durable !== 'supabase' || !supabase) throw new Error('the config of this deployment names no durable store');
      this.#behind = { sink: createSupabaseStore(supabase), retentionMs };
    }
    return this.#behind;
  }

  #retryMs(): number {
    return Math.min(RETRY_MS.longest, RETRY_MS.first * 2 ** (this.#failures - 1));
  }

  /** False where there is more. */
  #forget(): boolean {
    const retentionMs = this.#log.fact('retention_ms');
    if (retentionMs === null) return true;
    const isHeld = this.#log.fact('is_drained') === 1 && this.ctx.storage.sql.databaseSize < MOST_HELD_BYTES;
    return this.#log.forget(Date.now() - retentionMs, FORGOTTEN_AT_ONCE, !isHeld) < FORGOTTEN_AT_ONCE;
  }

  /** Where nobody asks for what is learned, as of requests that name their model, there is only to forget. */
  #wakeToFold(): Promise<void> {
    const isSoon = this.#log.fact('half_life_ms') !== null || this.#log.fact('is_drained') === 1;
    return this.#wakeBy(Date.now() + (isSoon ? FOLD_MS : FORGET_MS));
  }

  async #wakeBy(time: number): Promise<void> {
    if (this.#wakesAt <= time) return;
    const present = await this.ctx.storage.getAlarm();
    if (present === null || present > time) await this.ctx.storage.setAlarm(time);
    this.#wakesAt = Math.min(present ?? time, time);
  }
}

/** Whatever goes wrong in the tables undoes all that was asked. */
function answered<Value>(work: () => Value): Answer<Value> {
  try {
    return { value: work() };
  } catch (error) {
    return { failure: (error as Error).message };
  }
}
