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
import type { SharedHealth, Snapshot } from '../stores/ports.ts';
import { consoleLog } from './console-log.ts';
import { foldLog } from './fold-log.ts';
import { sqlOf } from './object-sql.ts';

/** How soon what has come is folded: an isolate that starts reads so much of the log itself. */
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

export class ConduitState extends DurableObject implements LogVerbs, SharedVerbs {
  #logTables: LogTables | undefined;
  #sharedTables: SharedTables | undefined;
  readonly #packer = createDecisionPacker();
  /** When the alarm rings, as far as this instance knows. */
  #wakesAt = Number.POSITIVE_INFINITY;

  get #log(): LogTables {
    this.#logTables ??= openLogTables(sqlOf(this.ctx.storage));
    return this.#logTables;
  }

  get #shared(): SharedTables {
    this.#sharedTables ??= openSharedTables(sqlOf(this.ctx.storage));
    return this.#sharedTables;
  }

  async remember(kept: PackedKept, { retentionMs }: LogTerms): Promise<Answer<null>> {
    const answer = answered(() => {
      if (this.#log.fact('retention_ms') !== retentionMs) this.#log.putFact('retention_ms', retentionMs);
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

  async readSnapshots(halfLifeMs: number | null): Promise<Answer<Snapshot[]>> {
    const fades = halfLifeMs ?? NEVER_FADES;
    let isBehind = false;
    const answer = answered(() => {
      if (this.#log.fact('half_life_ms') !== fades) {
        this.#log.putFact('half_life_ms', fades);
        isBehind = this.#log.oldest() !== null;
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

  async add(counter: string, amount: number, ttlMs: number): Promise<Answer<number>> {
    return answered(() => this.#shared.add(counter, amount, ttlMs, Date.now()));
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
    // What is forgotten must have been learned by then.
    const isAll = isFolded && this.#forget();
    const oldest = this.#log.oldest();
    if (!isAll) await this.#wakeBy(Date.now() + SOON_MS);
    else if (oldest !== null) await this.#wakeBy(Date.now() + FORGET_MS);
  }

  #fold(halfLifeMs: number): Promise<boolean> {
    return foldLog({
      tables: this.#log,
      packer: this.#packer,
      router: this.ctx.id.name ?? '',
      halfLifeMs: halfLifeMs === NEVER_FADES ? null : halfLifeMs,
      log: consoleLog,
      most: FOLDED_AT_ONCE,
      pause: () => new Promise((resolve) => setTimeout(resolve, 0)),
    });
  }

  /** False where there is more. */
  #forget(): boolean {
    const retentionMs = this.#log.fact('retention_ms');
    if (retentionMs === null) return true;
    return this.#log.forget(Date.now() - retentionMs, FORGOTTEN_AT_ONCE) < FORGOTTEN_AT_ONCE;
  }

  /** Where nobody asks for what is learned, as of requests that name their model, there is only to forget. */
  #wakeToFold(): Promise<void> {
    const isLearnedFrom = this.#log.fact('half_life_ms') !== null;
    return this.#wakeBy(Date.now() + (isLearnedFrom ? FOLD_MS : FORGET_MS));
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
