/** What is measured, line by line, and what is aimed at. */

/** A group of lines that one run gives together. */
export const GROUPS = ['json', 'first-byte', 'paced', 'memory', 'aborts', 'breaks'] as const;
export type Group = (typeof GROUPS)[number];

/** A number, with a text where that says more, or why there is none. */
export type Figure = { value: number; text?: string } | { failed: string };

export type Figures = Partial<Record<LineId, Figure>>;

export interface Settings {
  rounds: number;
  windowSeconds: number;
  /** How many streams before memory is read the first and the second time. */
  streams: readonly [number, number];
}

export interface Line {
  group: Group;
  label: string | ((settings: Settings) => string);
  better: 'more' | 'less';
  digits: number;
}

const ONE_JSON = 'added first byte, 1 connection, JSON';
const ONE_STREAM = 'added first byte, 1 connection, streams';
const PACED = 'added first byte, 64 paced streams';
const count = (streams: number) => streams.toLocaleString('en');

export const LINES = {
  'json-rate': { group: 'json', label: 'JSON requests a second, 32 connections', better: 'more', digits: 0 },
  'json-cpu': { group: 'json', label: 'CPU a JSON request, µs', better: 'less', digits: 0 },
  'json-p50': { group: 'json', label: `${ONE_JSON}, p50, ms`, better: 'less', digits: 2 },
  'json-p99': { group: 'json', label: `${ONE_JSON}, p99, ms`, better: 'less', digits: 2 },
  'stream-p50': { group: 'first-byte', label: `${ONE_STREAM}, p50, ms`, better: 'less', digits: 2 },
  'stream-p99': { group: 'first-byte', label: `${ONE_STREAM}, p99, ms`, better: 'less', digits: 2 },
  'paced-p50': { group: 'paced', label: `${PACED}, p50, ms`, better: 'less', digits: 2 },
  'paced-p99': { group: 'paced', label: `${PACED}, p99, ms`, better: 'less', digits: 2 },
  'paced-cpu': { group: 'paced', label: 'CPU a paced stream of 20 chunks, µs', better: 'less', digits: 0 },
  'memory-early': {
    group: 'memory',
    label: ({ streams }: Settings) => `resident after ${count(streams[0])} streams, MB`,
    better: 'less',
    digits: 0,
  },
  'memory-late': {
    group: 'memory',
    label: ({ streams }: Settings) => `resident after ${count(streams[1])} streams, MB`,
    better: 'less',
    digits: 0,
  },
  'memory-growth': { group: 'memory', label: 'growth between the two, %', better: 'less', digits: 1 },
  'aborts-early': {
    group: 'aborts',
    label: 'clients gone before the headers, seen upstream within 100 ms',
    better: 'more',
    digits: 2,
  },
  'aborts-late': {
    group: 'aborts',
    label: 'clients gone in mid-stream, seen upstream within 100 ms',
    better: 'more',
    digits: 2,
  },
  'chunks-lost': { group: 'breaks', label: 'chunks lost when the upstream breaks off', better: 'less', digits: 0 },
  'break-told': { group: 'breaks', label: 'what the client sees of the break', better: 'more', digits: 2 },
} as const satisfies Record<string, Line>;

export type LineId = keyof typeof LINES;
export const LINE_IDS = Object.keys(LINES) as LineId[];

export function labelOf(id: LineId, settings: Settings): string {
  const { label } = LINES[id];
  return typeof label === 'string' ? label : label(settings);
}

/** The better of two figures of one line, in which noise of the machine only ever makes things worse. */
export function bestOf(id: LineId, one: Figure | undefined, other: Figure): Figure {
  if (one === undefined || 'failed' in one) return other;
  if ('failed' in other) return one;
  const otherIsBetter = LINES[id].better === 'more' ? other.value > one.value : other.value < one.value;
  return otherIsBetter ? other : one;
}

/** A bound, and where it is not yet all that is wanted, the better one. */
interface Aim {
  bound: number;
  wanted?: number;
}

/** A figure that is held against an aim: a line as it is, or over another target's. */
export interface Comparison {
  line: LineId;
  over?: 'nginx' | 'portkey';
  /** Of Conduit with a pinned model, and with everything on. */
  aims?: { 'conduit-off': Aim; 'conduit-on': Aim };
}

const both = (bound: number) => ({ 'conduit-off': { bound }, 'conduit-on': { bound } });

export const COMPARISONS: readonly Comparison[] = [
  {
    line: 'json-rate',
    over: 'nginx',
    aims: { 'conduit-off': { bound: 0.42 }, 'conduit-on': { bound: 0.3, wanted: 0.4 } },
  },
  {
    line: 'json-rate',
    over: 'portkey',
    aims: { 'conduit-off': { bound: 6 }, 'conduit-on': { bound: 4.5, wanted: 6 } },
  },
  { line: 'json-cpu', over: 'nginx' },
  { line: 'json-p50', aims: { 'conduit-off': { bound: 0.2 }, 'conduit-on': { bound: 0.3 } } },
  { line: 'stream-p50', aims: { 'conduit-off': { bound: 0.2 }, 'conduit-on': { bound: 0.3 } } },
  { line: 'paced-p50', aims: { 'conduit-off': { bound: 1.8 }, 'conduit-on': { bound: 2.2 } } },
  { line: 'paced-cpu', over: 'nginx', aims: { 'conduit-off': { bound: 3 }, 'conduit-on': { bound: 3.5 } } },
  { line: 'paced-cpu', over: 'portkey' },
  { line: 'memory-late', aims: { 'conduit-off': { bound: 180 }, 'conduit-on': { bound: 220 } } },
  { line: 'memory-growth', aims: both(5) },
  { line: 'aborts-early', aims: both(1) },
  { line: 'aborts-late', aims: both(1) },
  { line: 'chunks-lost', aims: both(0) },
  { line: 'break-told', aims: both(1) },
];

export function meets({ line, aims }: Comparison, name: string, value: number): boolean | null {
  const aim = aims?.[name as keyof typeof aims];
  if (!aim) return null;
  return LINES[line].better === 'more' ? value >= aim.bound : value <= aim.bound;
}

export function aimText({ line, aims }: Comparison): string {
  if (!aims) return '';
  const bound = LINES[line].better === 'more' ? 'at least' : 'at most';
  const texts = Object.values(aims).map(({ bound, wanted }) => (wanted ? `${bound}, wanted ${wanted}` : String(bound)));
  return `${bound} ${[...new Set(texts)].join(' / ')}`;
}
