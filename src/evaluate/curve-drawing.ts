/** Draws learning curves as an SVG that needs nothing beside itself, on a ground of its own, light or dark. */
import type { CurvePoint } from './learning-curve.ts';

export interface Drawing {
  title: string;
  curves: readonly { name: string; points: readonly CurvePoint[] }[];
  /** Drawn as level lines. */
  references: readonly { name: string; reward: number }[];
}

const WIDTH = 860;
const HEIGHT = 470;
const PLOT = { left: 64, right: 664, top: 70, bottom: 414 };
const LEGEND = 48;
const LINE_HEIGHT = 15;

/** Okabe & Ito's colours, which the colour-blind can tell apart, without those that one of the two grounds would swallow. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b8860b', '#56b4e9', '#8a63d2', '#7f7f7f'];
const DARK_COLOURS = ['#4fa8e0', '#ff8a3d', '#2fc49a', '#e49ac4', '#e0b040', '#8fd0f5', '#b497f0', '#b0b0b0'];
const DASHES = ['', '7 4', '2 3'];

export function drawCurves({ title, curves, references }: Drawing): string {
  const rewards = [
    ...curves.flatMap(({ points }) => points.map(({ reward }) => reward)),
    ...references.map(({ reward }) => reward),
  ];
  const y = scaleOf(Math.min(...rewards), Math.max(...rewards), PLOT.bottom, PLOT.top, 6);
  const last = Math.max(...curves.flatMap(({ points }) => points.map(({ request }) => request)), 1);
  const x = scaleFrom(1, Math.max(2, last), PLOT.left, PLOT.right);
  const decimals = Math.max(0, -Math.floor(Math.log10(y.step) + 1e-9));
  const parts = [
    `<rect class="ground" width="${WIDTH}" height="${HEIGHT}" rx="6"/>`,
    label(PLOT.left, 28, title, 'title'),
    ...y.ticks.flatMap((tick) => [
      line('grid', PLOT.left, y.at(tick), PLOT.right, y.at(tick)),
      label(PLOT.left - 8, y.at(tick) + 4, tick.toFixed(decimals), 'tick end'),
    ]),
    ...ticksOf(0, last, 6).ticks.flatMap((tick) =>
      tick < 1 || tick > last
        ? []
        : [
            line('axis', x(tick), PLOT.bottom, x(tick), PLOT.bottom + 5),
            label(x(tick), PLOT.bottom + 19, tick.toLocaleString('en'), 'tick middle'),
          ],
    ),
    line('axis', PLOT.left, PLOT.bottom, PLOT.right, PLOT.bottom),
    label((PLOT.left + PLOT.right) / 2, PLOT.bottom + 42, 'requests', 'middle'),
    `<text class="middle" transform="translate(18 ${(PLOT.top + PLOT.bottom) / 2}) rotate(-90)">mean score</text>`,
    ...references.map(({ reward }) => line('reference', PLOT.left, y.at(reward), PLOT.right, y.at(reward))),
    ...curves.map(({ points }, i) => {
      const path = points.map(({ request, reward }) => `${round(x(request))},${round(y.at(reward))}`).join(' ');
      return `<polyline class="curve ${classOf(i)}"${dashOf(i)} points="${path}"/>`;
    }),
    ...labelsOf(references, y.at),
    ...legendOf(curves),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
${parts.join('\n')}
</svg>
`;
}

const STYLE = `
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #333 }
.title { font-size: 15px; font-weight: 600 } .tick { fill: #666; font-size: 11px } .end { text-anchor: end } .middle { text-anchor: middle }
.ground { fill: #fff } .grid { stroke: #e6e6e6 } .axis { stroke: #888 } .leader { stroke: #bbb }
.reference { stroke: #777; stroke-dasharray: 3 4 } .curve { fill: none; stroke-width: 2; stroke-linejoin: round }
${COLOURS.map((colour, i) => `.${classOf(i)} { stroke: ${colour} }`).join(' ')}
@media (prefers-color-scheme: dark) {
text { fill: #ddd } .tick { fill: #aaa } .ground { fill: #16181d } .grid { stroke: #2c2f36 } .axis { stroke: #888 } .leader { stroke: #555 } .reference { stroke: #999 }
${DARK_COLOURS.map((colour, i) => `.${classOf(i)} { stroke: ${colour} }`).join(' ')}
}`;

function classOf(i: number): string {
  return `c${i % COLOURS.length}`;
}

function dashOf(i: number): string {
  const dash = DASHES[Math.floor(i / COLOURS.length) % DASHES.length]!;
  return dash === '' ? '' : ` stroke-dasharray="${dash}"`;
}

/** Beside their lines, on the right, moved apart where they would lie upon each other. */
function labelsOf(references: Drawing['references'], at: (reward: number) => number): string[] {
  const places = references.map(({ name, reward }) => ({ name, reward, line: at(reward), y: at(reward) }));
  places.sort((a, b) => a.line - b.line);
  for (let i = 1; i < places.length; i++) places[i]!.y = Math.max(places[i]!.y, places[i - 1]!.y + LINE_HEIGHT);
  // Those that were pushed over the edge push back.
  let lowest = PLOT.bottom;
  for (let i = places.length - 1; i >= 0; i--) {
    places[i]!.y = Math.min(places[i]!.y, lowest);
    lowest = places[i]!.y - LINE_HEIGHT;
  }
  return places.flatMap(({ name, reward, line: from, y }) => [
    line('leader', PLOT.right + 2, from, PLOT.right + 14, y),
    label(PLOT.right + 18, y + 4, `${name} ${reward.toFixed(3)}`),
  ]);
}

/** One row under the title. */
function legendOf(curves: Drawing['curves']): string[] {
  let left = PLOT.left;
  return curves.flatMap(({ name }, i) => {
    const from = left;
    left += 40 + name.length * 6.5;
    return [
      `<line class="curve ${classOf(i)}"${dashOf(i)} x1="${round(from)}" y1="${LEGEND}" x2="${round(from + 22)}" y2="${LEGEND}"/>`,
      label(from + 28, LEGEND + 4, name),
    ];
  });
}

interface Scale {
  at(value: number): number;
  ticks: number[];
  step: number;
}

/** Whole steps that hold all values. */
function scaleOf(least: number, most: number, from: number, to: number, about: number): Scale {
  const { ticks, step } = ticksOf(least, most, about);
  return { at: scaleFrom(ticks[0]!, ticks.at(-1)!, from, to), ticks, step };
}

function scaleFrom(least: number, most: number, from: number, to: number): (value: number) => number {
  return (value) => from + ((value - least) / (most - least)) * (to - from);
}

/** Steps of 1, 2 or 5 times a power of ten, the first at or below the least value, the last at or above the most. */
function ticksOf(least: number, most: number, about: number): { ticks: number[]; step: number } {
  const span = Math.max(most - least, 1e-3);
  const power = 10 ** Math.floor(Math.log10(span / about));
  const step = ([1, 2, 5, 10].find((factor) => factor * power * about >= span) ?? 10) * power;
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(most / step - 1e-9));
  return { ticks: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step), step };
}

function line(kind: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${kind}" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`;
}

function label(x: number, y: number, text: string, kind?: string): string {
  return `<text${kind ? ` class="${kind}"` : ''} x="${round(x)}" y="${round(y)}">${escaped(text)}</text>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
