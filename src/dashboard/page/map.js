// The map of cost and quality: what each model costs a usual request, how good it is, and which are worth their price.
import { byId, el, fill, svg } from './dom.js';
import { points, shortName, usd } from './format.js';
import { colourOf } from './state.js';

const EDGE = { left: 44, right: 16, top: 14, bottom: 34 };

/** Models that no other one beats in both: the cheapest first. */
export function frontierOf(arms) {
  const byCost = [...arms].sort((one, other) => one.cost_usd - other.cost_usd || other.quality.mean - one.quality.mean);
  let best = Number.NEGATIVE_INFINITY;
  return byCost.filter(({ quality }) => {
    const isWorth = quality.mean > best;
    best = Math.max(best, quality.mean);
    return isWorth;
  });
}

export function drawMap(state) {
  const box = byId('map');
  const { arms } = state.told.learned;
  const known = arms.filter(({ pulls }) => pulls > 0);
  if (known.length === 0) {
    fill(box, el('p', { class: 'empty' }, 'No model has answered yet.'));
    return;
  }
  const width = box.clientWidth || 360;
  const height = box.clientHeight || 260;
  const free = placeOfFree(known);
  const costOf = ({ cost_usd }) => (cost_usd > 0 ? cost_usd : free);
  const logs = known.map((arm) => Math.log10(costOf(arm)));
  const room = Math.max(0.15, 0.1 * (Math.max(...logs) - Math.min(...logs)));
  const [from, to] = [Math.min(...logs) - room, Math.max(...logs) + room];
  const low = Math.max(0, Math.floor(10 * Math.min(...known.map(({ quality }) => quality.low)) - 0.3) / 10);
  const high = Math.min(1, Math.ceil(10 * Math.max(...known.map(({ quality }) => quality.high)) + 0.3) / 10);
  const x = (cost) => EDGE.left + ((Math.log10(cost) - from) / (to - from)) * (width - EDGE.left - EDGE.right);
  const y = (quality) => height - EDGE.bottom - ((quality - low) / (high - low)) * (height - EDGE.top - EDGE.bottom);

  const line = (attributes) => svg('line', { 'stroke-width': 1, ...attributes });
  const text = (attributes, content) => svg('text', { fill: 'var(--muted)', 'font-size': 11, ...attributes }, content);
  const step = high - low > 0.55 ? 0.2 : 0.1;
  const rows = Array.from({ length: 11 }, (_, i) => i * step).filter((row) => row >= low - 1e-9 && row <= high + 1e-9);
  const grid = rows.map((quality) => [
    line({ x1: EDGE.left, x2: width - EDGE.right, y1: y(quality), y2: y(quality), stroke: 'var(--line)' }),
    text({ x: EDGE.left - 8, y: y(quality) + 4, 'text-anchor': 'end' }, `${Math.round(100 * quality)}%`),
  ]);
  const ticks = labelledTicks(known, from, to, width).map(({ cost, label }) => [
    line({
      x1: x(cost),
      x2: x(cost),
      y1: height - EDGE.bottom,
      y2: height - EDGE.bottom + 4,
      stroke: 'var(--line-strong)',
    }),
    text({ x: x(cost), y: height - EDGE.bottom + 16, 'text-anchor': 'middle' }, label),
  ]);
  const frontier = frontierOf(known);
  const path = frontier
    .map((arm, i) => `${i === 0 ? 'M' : 'L'}${x(costOf(arm)).toFixed(1)} ${y(arm.quality.mean).toFixed(1)}`)
    .join('');
  const marks = known.map((arm) => {
    const colour = `var(${colourOf(state, arm.model)})`;
    const [cx, cy] = [x(costOf(arm)), y(arm.quality.mean)];
    const radius = 4.5 + 7 * Math.sqrt(arm.share);
    return [
      line({
        x1: cx,
        x2: cx,
        y1: y(arm.quality.low),
        y2: y(arm.quality.high),
        stroke: colour,
        'stroke-width': 2,
        'stroke-linecap': 'round',
      }),
      svg('circle', { cx, cy, r: radius, fill: colour, stroke: 'var(--surface)', 'stroke-width': 2 }),
    ];
  });
  const names = labelsOf(
    known.map((arm) => ({
      x: x(costOf(arm)),
      y: y(arm.quality.mean),
      away: 10 + 7 * Math.sqrt(arm.share),
      name: shortName(arm.model),
    })),
    width,
  ).map(({ at, from, anchor, name }) =>
    text({ x: from, y: at + 4, 'text-anchor': anchor, fill: 'var(--text)', 'font-size': 12, class: 'halo' }, name),
  );
  const told = known.map(
    ({ model, cost_usd, quality }) =>
      `${model}: ${usd(cost_usd)} a request, quality ${points(quality.mean)}, between ${points(quality.low)} and ${points(quality.high)}`,
  );
  fill(
    box,
    svg(
      'svg',
      {
        viewBox: `0 0 ${width} ${height}`,
        role: 'img',
        'aria-label': `${told.join('. ')}. Worth their price: ${frontier.map(({ model }) => shortName(model)).join(', ')}.`,
      },
      grid,
      ticks,
      text({ x: width - EDGE.right, y: height - 3, 'text-anchor': 'end' }, 'USD a request, log scale'),
      svg('path', { d: path, fill: 'none', stroke: 'var(--accent)', 'stroke-width': 1.6, 'stroke-dasharray': '4 4' }),
      marks.flat(),
      names,
    ),
  );
}

/** On a log scale nothing is free: what is stands a step below the cheapest. */
function placeOfFree(arms) {
  const costs = arms.map(({ cost_usd }) => cost_usd).filter((cost) => cost > 0);
  return (costs.length > 0 ? Math.min(...costs) : 1e-6) / 4;
}

/** Where free models stand the scale says $0, and below the cheapest of the others nothing else: no sum is true there. */
export function labelledTicks(arms, from, to, width) {
  const isFree = ({ cost_usd }) => !(cost_usd > 0);
  const ticks = arms.every(isFree) ? [] : ticksIn(from, to, width);
  const told = ticks.map((cost) => ({ cost, label: `$${Number(cost.toPrecision(1))}` }));
  if (!arms.some(isFree)) return told;
  const free = placeOfFree(arms);
  return [{ cost: free, label: '$0' }, ...told.filter(({ cost }) => cost > 2 * free)];
}

/** 1, 2 and 5 of each power of ten, as many as there is room for. */
function ticksIn(from, to, width) {
  const all = [];
  for (let power = Math.floor(from); power <= Math.ceil(to); power++)
    for (const digit of [1, 2, 5]) {
      const cost = digit * 10 ** power;
      if (Math.log10(cost) >= from && Math.log10(cost) <= to) all.push(cost);
    }
  const most = Math.max(2, Math.floor(width / 90));
  const tens = all.filter((cost) => /^1/.test(cost.toExponential()));
  return all.length <= most
    ? all
    : tens.length >= 2
      ? tens.slice(0, most + 1)
      : all.filter((_, i) => i % Math.ceil(all.length / most) === 0);
}

/** Where names stand beside their points, none on top of another: those that would touch are moved apart, up and down. */
function labelsOf(marks, width) {
  const placed = [];
  for (const { x, y, away, name } of [...marks].sort((one, other) => one.y - other.y)) {
    const long = 7 * name.length;
    const isLeft = x + away + long > width - EDGE.right;
    const from = isLeft ? x - away : x + away;
    const [begin, end] = isLeft ? [from - long, from] : [from, from + long];
    let at = y;
    for (const one of placed) if (begin < one.end && end > one.begin && at - one.at < 15) at = one.at + 15;
    placed.push({ at, from, begin, end, anchor: isLeft ? 'end' : 'start', name });
  }
  return placed;
}
