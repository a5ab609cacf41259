/** What changes while a simulation runs. */
import type { Price } from '../../bandit/utility.ts';
import type { Mix } from './prompts.ts';

/** From the row `from` up to but without the row `to`; to the end where that is left out. */
interface Span {
  from: number;
  to?: number;
}

export type Drift =
  /** An arm's quality silently falls: for each prompt this share of it remains, in (0, 1]. */
  | (Span & { kind: 'regression'; arm: string; remains: number })
  /** An arm's price is `times` what it was. */
  | (Span & { kind: 'price'; arm: string; times: number })
  /** An arm is there from this row on. */
  | { kind: 'arrival'; arm: string; from: number }
  /** An arm is gone from this row on. */
  | { kind: 'removal'; arm: string; from: number }
  /** Kinds make up other parts of the traffic. */
  | (Span & { kind: 'mix'; mix: Mix });

const within = (row: number, { from, to = Number.POSITIVE_INFINITY }: Span): boolean => row >= from && row < to;

export function remainsAt(drifts: readonly Drift[], arm: string, row: number): number {
  let remains = 1;
  for (const drift of drifts) {
    if (drift.kind === 'regression' && drift.arm === arm && within(row, drift)) remains *= drift.remains;
  }
  return remains;
}

export function priceAt(drifts: readonly Drift[], arm: string, price: Price, row: number): Price {
  let times = 1;
  for (const drift of drifts)
    if (drift.kind === 'price' && drift.arm === arm && within(row, drift)) times *= drift.times;
  if (times === 1) return price;
  return Object.fromEntries(Object.entries(price).map(([part, usd]) => [part, usd * times])) as unknown as Price;
}

export function isThereAt(drifts: readonly Drift[], arm: string, row: number): boolean {
  for (const drift of drifts) {
    if (drift.kind === 'arrival' && drift.arm === arm && row < drift.from) return false;
    if (drift.kind === 'removal' && drift.arm === arm && row >= drift.from) return false;
  }
  return true;
}

export function mixAt(drifts: readonly Drift[], row: number): Mix {
  let mix: Mix = {};
  for (const drift of drifts) if (drift.kind === 'mix' && within(row, drift)) mix = { ...mix, ...drift.mix };
  return mix;
}

/** Rows, in order, from which on an arm is there or gone or has another price. The first is 0. */
export function changesOfArms(drifts: readonly Drift[]): number[] {
  const rows = new Set([0]);
  for (const drift of drifts) {
    if (drift.kind !== 'price' && drift.kind !== 'arrival' && drift.kind !== 'removal') continue;
    rows.add(drift.from);
    if (drift.kind === 'price' && drift.to !== undefined) rows.add(drift.to);
  }
  return [...rows].sort((a, b) => a - b);
}

/** Throws a RangeError for a drift that cannot be: of an arm that is not known, or one after which no arm is left. */
export function checkDrifts(drifts: readonly Drift[], arms: readonly string[]): void {
  for (const drift of drifts) {
    if (drift.kind !== 'mix' && !arms.includes(drift.arm)) throw new RangeError(`the world has no arm ${drift.arm}`);
    if (drift.kind === 'regression' && !(drift.remains > 0 && drift.remains <= 1)) {
      throw new RangeError(`${drift.remains} of ${drift.arm} cannot remain`);
    }
  }
  for (const row of changesOfArms(drifts)) {
    if (!arms.some((arm) => isThereAt(drifts, arm, row))) throw new RangeError(`no arm is there at row ${row}`);
  }
}
