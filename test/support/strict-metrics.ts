/**
 * Reads metrics as strictly as the formats allow: Prometheus text 0.0.4, and OpenMetrics 1.0 where it ends in `# EOF`. Throws with
 * the line that breaks a rule.
 */

export interface Family {
  name: string;
  type: string;
  help: string;
  samples: Sample[];
}

export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;
const NUMBER = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]Inf|NaN)$/i;
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped', 'unknown'];

export function readMetrics(text: string, format: 'prometheus' | 'openmetrics'): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const lines = text.slice(0, -1).split('\n');
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('no # EOF at the end');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let current: Family | null = null;
  for (const line of lines) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    if (line === '' && format === 'prometheus') continue;
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment) {
      const [, kind, name = '', rest = ''] = comment;
      if (!NAME.test(name)) fail('no name of a metric');
      if (kind === 'HELP') {
        if (families.has(name)) fail('told twice');
        current = { name, type: '', help: rest, samples: [] };
        families.set(name, current);
      } else {
        if (!current || current.name !== name || current.type !== '')
          fail('a type that stands elsewhere than behind its help');
        if (!TYPES.includes(rest)) fail('no type');
        (current as Family).type = rest;
      }
      continue;
    }
    if (line.startsWith('#')) fail('no comment that is allowed');
    const [, name = '', labelText = '', number = ''] = SAMPLE.exec(line) ?? fail('no sample');
    if (!current?.type) return fail('a sample of nothing');
    if (!NUMBER.test(number)) fail('no number');
    const labels = labelsIn(labelText, fail);
    if (!namesOf(current, format).includes(name)) fail(`a sample that does not belong to ${current.name}`);
    const series = `${name}${JSON.stringify(Object.entries(labels).sort())}`;
    if (seen.has(series)) fail('a series that is there twice');
    seen.add(series);
    const value = Number(number.replace(/inf/i, 'Infinity'));
    if (current.type === 'counter' && !(value >= 0)) fail('a counter below 0');
    current.samples.push({ name, labels, value });
  }
  for (const family of families.values()) {
    if (family.type === '') throw new Error(`${family.name} has no type`);
    if (family.type === 'histogram') checkHistogram(family);
  }
  return families;
}

function labelsIn(text: string, fail: (why: string) => never): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let at = 0; at < text.length; at = LABEL.lastIndex) {
    LABEL.lastIndex = at;
    const [, name = '', value = ''] = LABEL.exec(text) ?? fail('labels that are none');
    if (name in labels) fail('a label that is there twice');
    labels[name] = value.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one));
  }
  return labels;
}

function namesOf({ name, type }: Family, format: 'prometheus' | 'openmetrics'): string[] {
  if (type === 'histogram') return [`${name}_bucket`, `${name}_sum`, `${name}_count`];
  if (type === 'counter' && format === 'openmetrics') return [`${name}_total`];
  return [name];
}

/** Of each series the buckets grow, the last one is all, and count and sum are there. */
function checkHistogram({ name, samples }: Family): void {
  const bySeries = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le, ...labels } = sample.labels;
    if ((le !== undefined) !== sample.name.endsWith('_bucket')) throw new Error(`${name}: a bucket without a bound`);
    const key = JSON.stringify(Object.entries(labels).sort());
    bySeries.set(key, [...(bySeries.get(key) ?? []), sample]);
  }
  for (const [series, all] of bySeries) {
    const buckets = all.filter((one) => one.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels.le?.replace('Inf', 'Infinity')));
    const grows = (values: number[]): boolean =>
      values.every((value, at) => at === 0 || value >= (values[at - 1] as number));
    const count = all.filter((one) => one.name === `${name}_count`);
    const sum = all.filter((one) => one.name === `${name}_sum`);
    const isWhole =
      bounds.at(-1) === Number.POSITIVE_INFINITY && grows(bounds) && grows(buckets.map(({ value }) => value));
    if (!isWhole || count.length !== 1 || sum.length !== 1 || count[0]?.value !== buckets.at(-1)?.value) {
      throw new Error(`${name}${series}: no whole histogram`);
    }
  }
}

/** The value of the one series with these labels; 0 where there is none. */
export function sumOf(
  families: Map<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const found = [...families.values()]
    .flatMap(({ samples }) => samples)
    .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value));
  return found.reduce((sum, { value }) => sum + value, 0);
}
