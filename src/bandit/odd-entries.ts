/** Open entries that do not fit into the arrays, ready for JSON and out of it. */
import type { Evidence } from './evidence.ts';
import type { OpenEntries } from './open-entries.ts';

/** Its slot, its names, its numbers and its context. */
export type OddEntry = [slot: number, names: string[], numbers: Written[], x: Written[]];

/** JSON has no NaN, no infinity and no −0: they are written as text. */
type Written = number | string | null;

export function writeOdd({ odd }: OpenEntries): OddEntry[] {
  return [...odd].map(([slot, entry]) => [
    slot,
    NAMES.map((name) => entry[name]),
    NUMBERS.map((name) => written(entry[name])),
    entry.x.map(written),
  ]);
}

export function readOdd(entries: readonly OddEntry[]): OpenEntries['odd'] {
  return new Map(
    entries.map(([slot, names, numbers, x]) => {
      const fields = [
        ...NAMES.map((name, i) => [name, `${names[i]}`]),
        // Of a release before there are fewer.
        ...NUMBERS.map((name, i) => [name, read(numbers[i] ?? null)]),
      ];
      return [slot, { ...Object.fromEntries(fields), earlier: null, worthBefore: null, x: x.map(read) } as Evidence];
    }),
  );
}

const NAMES = ['decisionId', 'router', 'arm', 'encoder'] as const satisfies readonly (keyof Evidence)[];
const NUMBERS = [
  'revision',
  'at',
  'quality',
  'weight',
  'shown',
  'next',
  'share',
  'promptTokensEstimate',
  'promptTokens',
  'completionTokens',
  'costUsd',
  'firstByteMs',
  'totalMs',
  'cachedShare',
] as const satisfies readonly (keyof Evidence)[];

const written = (value: number | null): Written =>
  Object.is(value, -0) ? '-0' : value === null || Number.isFinite(value) ? value : String(value);
const read = (value: Written): number | null => (typeof value === 'string' ? Number(value) : value);
