// The charts over time, drawn by uPlot.
import { byId, el, fill, tableOf } from './dom.js';
import { minuteOf, ms, percent, points as pointsOf, shortName, wilson } from './format.js';
import { colourOf, modelsOf, timesOf, WINDOW } from './state.js';

/** Has each colour as the theme makes it: what a property itself holds is both of them. */
const probe = el('i', { hidden: true });

/** A colour of the style sheet as a canvas takes it, `rgb(…)`. */
function css(name) {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}
/** What a canvas takes: it knows no color-mix. */
const faded = (colour, part) => colour.replace(/^rgb\((.*)\)$/, `rgba($1, ${part})`);

/** Whether uPlot cannot be had: then there are the tables. */
let isMissing = false;

/** Not before the first paint, which needs none of it. */
export function fetchUplot(redraw) {
  const end = (missing) => () => {
    isMissing = missing;
    redraw();
  };
  const script = el('script', { src: 'dashboard/uplot.js', onload: end(false), onerror: end(true) });
  requestAnimationFrame(() => setTimeout(() => document.head.append(script)));
}

/** By the name of the chart: the plot, and what it was drawn for. */
const drawn = new Map();

function axes(range, format, isRatio) {
  const stroke = css('--muted');
  const grid = { stroke: css('--line'), width: 1 };
  const font = '11px ui-sans-serif, system-ui, sans-serif';
  return [
    {
      stroke,
      font,
      grid: { show: false },
      ticks: { show: false },
      size: 26,
      gap: 6,
      space: range === 'hour' ? 64 : 100,
      values: (_plot, splits) => splits.map((at) => minuteOf(at * 1000, range)),
    },
    {
      stroke,
      font,
      grid,
      ticks: { show: false },
      size: 48,
      gap: 6,
      space: 34,
      ...(isRatio ? { incrs: [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5] } : {}),
      values: (_plot, splits) => splits.map(format),
    },
  ];
}

/**
 * Draws or redraws a chart. `series` and `bands` as uPlot takes them; they are made anew where `key` is another one than before.
 * `hover` is told the place under the pointer, or null.
 */
function draw(name, { key, range, widthMs = 0, data, series, bands = [], scale, format, isRatio = false, hover }) {
  if (!globalThis.uPlot) {
    const why = 'This gateway does not serve uPlot, which draws charts: open the table below.';
    return drawEmpty(name, isMissing ? why : '');
  }
  const box = byId(`${name}-chart`);
  const before = drawn.get(name);
  if (before?.key === key) {
    before.hover = hover;
    before.plot.setData(data);
    return;
  }
  before?.plot.destroy();
  fill(box);
  const size = { width: box.clientWidth, height: box.clientHeight };
  /** @type {{ key: string, hover: (at: number | null) => void, plot?: uPlot }} */
  const entry = { key, hover };
  /** @type {uPlot.Options} */
  const options = {
    ...size,
    padding: [8, 6, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: { x: { time: true, range: (_plot, first, last) => [first, last + widthMs / 1000] }, y: scale },
    axes: axes(range, format, isRatio),
    series: [{}, ...series],
    bands,
    hooks: { setCursor: [(plot) => entry.hover(plot.cursor.idx ?? null)] },
  };
  entry.plot = new uPlot(options, data, box);
  entry.plot.root.setAttribute('aria-hidden', 'true');
  drawn.set(name, entry);
}

function drawEmpty(name, text) {
  drawn.get(name)?.plot.destroy();
  drawn.delete(name);
  fill(byId(`${name}-chart`), el('p', { class: 'empty' }, text));
  fill(byId(`${name}-legend`));
}

/** To another theme or width: everything anew. */
export function forgetCharts() {
  for (const { plot } of drawn.values()) plot.destroy();
  drawn.clear();
}

export function resizeCharts() {
  for (const [name, { plot }] of drawn) {
    const { clientWidth: width, clientHeight: height } = byId(`${name}-chart`);
    if (width > 0 && (plot.width !== width || plot.height !== height)) plot.setSize({ width, height });
  }
}

/** A line ends where nothing is known; what stands alone between two gaps is a point. */
const LONE_POINTS = {
  show: true,
  size: 5,
  filter: (plot, series) => {
    const values = plot.data[series];
    return values.flatMap((value, i) =>
      value !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null ? [i] : [],
    );
  },
};

const legendItem = (colour, name, value) =>
  el('li', {}, el('span', { class: 'swatch', style: { background: colour } }), name, el('b', {}, value));

/** For each model the labels of the last buckets up to each, added up. */
export function rolling({ points }, times, model, window) {
  const labelled = times.map((at) => points.get(at)?.arms[model]?.labelled ?? null);
  return times.map((_, i) => {
    const sum = { weight: 0, good: 0 };
    for (let k = Math.max(0, i - window + 1); k <= i; k++) {
      sum.weight += labelled[k]?.weight ?? 0;
      sum.good += labelled[k]?.good ?? 0;
    }
    return sum.weight >= 1 ? wilson(sum) : null;
  });
}

export function drawQuality(state) {
  const { range } = state.told.activity;
  const times = timesOf(state);
  const models = modelsOf(state);
  const told = models.map((model) => rolling(state, times, model, WINDOW[range]));
  if (!told.some((one) => one.some(Boolean))) {
    drawEmpty(
      'quality',
      'Nothing is known of any answer’s quality in this time. Send feedback, or let people go on: what they do next counts too.',
    );
    return [];
  }
  const of = (one, what) => one.map((at) => at?.[what] ?? null);
  const data = [
    times.map((at) => at / 1000),
    ...told.flatMap((one) => [of(one, 'high'), of(one, 'mean'), of(one, 'low')]),
  ];
  const all = told.flat().filter(Boolean);
  // What is known of too little would press all else into a corner: its band is cut off.
  const seen = all.map(({ mean, low, high }) => (high - low < 0.3 ? low : mean));
  const least = Math.max(0, Math.min(0.9, Math.floor(10 * Math.min(...seen) - 0.2) / 10));
  const colours = models.map((model) => css(colourOf(state, model)));
  const edge = { show: true, width: 0, stroke: 'transparent', points: { show: false } };
  draw('quality', {
    key: [range, models, colours, least].join(),
    range,
    data,
    series: models.flatMap((_, m) => [edge, { stroke: colours[m], width: 2, points: LONE_POINTS }, edge]),
    bands: models.map((_, m) => ({ series: [3 * m + 1, 3 * m + 3], fill: faded(colours[m], 0.13) })),
    scale: { range: () => [least, 1] },
    format: (value) => percent(value),
    isRatio: true,
    hover(at) {
      const i = at ?? times.length - 1;
      fill(
        byId('quality-legend'),
        at === null ? null : el('li', {}, minuteOf(times[i], range)),
        models.map((model, m) => {
          if (!told[m].some(Boolean)) return null;
          const known = at === null ? told[m].findLast(Boolean) : told[m][i];
          const between = known && at !== null ? ` (${percent(known.low)}–${percent(known.high)})` : '';
          const text = known ? pointsOf(known.mean) + between : '–';
          return legendItem(`var(${colourOf(state, model)})`, shortName(model), text);
        }),
      );
    },
  });
  drawn.get('quality')?.hover(null);
  return [
    ['Time', ...models.map(shortName)],
    ...times.map((at, i) => [
      minuteOf(at, range),
      ...told.map((one) =>
        one[i] ? `${pointsOf(one[i].mean)} (${percent(one[i].low)} to ${percent(one[i].high)})` : '–',
      ),
    ]),
  ];
}

const errorsIn = (point) => {
  const { upstream_error = 0, upstream_drop = 0, timeout = 0 } = point?.outcomes ?? {};
  return upstream_error + upstream_drop + timeout;
};

export function drawShares(state) {
  const { range } = state.told.activity;
  const times = timesOf(state);
  const models = modelsOf(state);
  const requests = models.map((model) => times.map((at) => state.points.get(at)?.arms[model]?.requests ?? 0));
  const totals = times.map((_, i) => requests.reduce((sum, one) => sum + one[i], 0));
  if (!totals.some(Boolean)) {
    drawEmpty('shares', 'No requests in this time.');
    return [];
  }
  const share = (m, i) => (totals[i] > 0 ? requests[m][i] / totals[i] : null);
  // Stacked: each series is the sum of its own and all below it, the highest drawn first.
  const order = models.map((_, m) => m);
  const sums = order.map((m) =>
    times.map((_, i) => (totals[i] > 0 ? order.slice(0, m + 1).reduce((sum, k) => sum + share(k, i), 0) : null)),
  );
  const colours = models.map((model) => css(colourOf(state, model)));
  const surface = css('--surface');
  draw('shares', {
    key: [range, models, colours].join(),
    range,
    // A bar begins where its time does.
    widthMs: state.told.activity.bucket_ms,
    data: [times.map((at) => at / 1000), ...order.toReversed().map((m) => sums[m])],
    series: order.toReversed().map((m) => ({
      stroke: surface,
      width: 1,
      fill: colours[m],
      paths: globalThis.uPlot?.paths.bars({ size: [0.86, 60], align: 1 }),
      points: { show: false },
    })),
    scale: { range: () => [0, 1] },
    format: (value) => percent(value),
    isRatio: true,
    hover(at) {
      const sum = (m) => requests[m].reduce((total, one) => total + one, 0);
      const all = totals.reduce((total, one) => total + one, 0);
      fill(
        byId('shares-legend'),
        at === null
          ? null
          : el(
              'li',
              {},
              minuteOf(times[at], range),
              el('b', {}, `${totals[at]} requests, ${errorsIn(state.points.get(times[at]))} failed`),
            ),
        models.map((model, m) =>
          sum(m) > 0
            ? legendItem(
                `var(${colourOf(state, model)})`,
                shortName(model),
                percent(at === null ? sum(m) / all : share(m, at)),
              )
            : null,
        ),
      );
    },
  });
  drawn.get('shares')?.hover(null);
  return [
    ['Time', 'Requests', 'Failed', ...models.map(shortName)],
    ...times.map((at, i) => [
      minuteOf(at, range),
      String(totals[i]),
      String(errorsIn(state.points.get(at))),
      ...models.map((_, m) => percent(share(m, i))),
    ]),
  ];
}

/** @type {[name: string, kind: string, part: string, colour: string, dash: number[]][]} */
const LATENCIES = [
  ['First byte, median', 'first_byte_ms', 'p50', '--arm-0', []],
  ['First byte, 95%', 'first_byte_ms', 'p95', '--arm-0', [5, 4]],
  ['Whole answer, median', 'total_ms', 'p50', '--arm-7', []],
  ['Whole answer, 95%', 'total_ms', 'p95', '--arm-7', [5, 4]],
];

export function drawLatency(state) {
  const { range } = state.told.activity;
  const times = timesOf(state);
  const values = LATENCIES.map(([, kind, part]) => times.map((at) => state.points.get(at)?.[kind]?.[part] ?? null));
  if (!values.flat().some((value) => value !== null)) {
    drawEmpty('latency', 'No answer was timed in this time.');
    return [];
  }
  const colours = LATENCIES.map(([, , , colour]) => css(colour));
  draw('latency', {
    key: [range, colours].join(),
    range,
    data: [times.map((at) => at / 1000), ...values],
    series: LATENCIES.map(([, , , , dash], i) => ({
      stroke: colours[i],
      width: dash.length > 0 ? 1.4 : 2,
      dash,
      points: LONE_POINTS,
    })),
    scale: { range: (_plot, _low, high) => [0, Math.max(10, 1.1 * (high ?? 0))] },
    format: (value) =>
      value === 0 ? '0' : value < 1000 ? `${Math.round(value)} ms` : `${Number((value / 1000).toFixed(1))} s`,
    hover(at) {
      const { summary } = state.told.activity;
      fill(
        byId('latency-legend'),
        at === null ? null : el('li', {}, minuteOf(times[at], range)),
        ['First byte', 'Whole answer'].map((name, pair) => {
          const [, kind, , colour] = LATENCIES[2 * pair];
          const value = (part) => (at === null ? summary[kind]?.[['p50', 'p95'][part]] : values[2 * pair + part][at]);
          return el(
            'li',
            {},
            el('span', { class: 'swatch', style: { background: `var(${colour})` } }),
            name,
            el('b', {}, ms(value(0))),
            '95%',
            el('b', {}, ms(value(1))),
          );
        }),
      );
    },
  });
  drawn.get('latency')?.hover(null);
  return [
    ['Time', ...LATENCIES.map(([name]) => name)],
    ...times.map((at, i) => [minuteOf(at, range), ...values.map((one) => ms(one[i]))]),
  ];
}

/** What a chart shows as a table, the latest first, for whoever cannot see it. Only while it is open. */
export function showTable(details, [head, ...rows]) {
  if (!details.open) return;
  const scroll = details.querySelector('.scroll');
  if (!head) return fill(scroll, el('p', { class: 'blank' }, 'Nothing yet.'));
  const body = rows.toReversed().map(([time, ...cells]) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, time),
      cells.map((cell) => el('td', {}, cell)),
    ),
  );
  fill(
    scroll,
    tableOf(
      head.map((text) => [text, '']),
      body,
    ),
  );
}
