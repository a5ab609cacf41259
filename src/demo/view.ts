/** Draws the demo as text: pure functions from a scene to lines of at most 80 columns. */
import { KINDS, type Kind, MODELS, type SimulatedModel } from './models.ts';
import { averageQuality, bestFixedModel } from './prompts.ts';
import type { Money, Qualities, Reactions } from './tally.ts';

export interface Learned {
  mean: number;
  low: number;
  high: number;
}

export interface Scene {
  url: string;
  seconds: number;
  requests: number;
  inFlight: number;
  failures: number;
  lastFailure: string | null;
  /** How many answers the shares and qualities are about. */
  latest: number;
  /** By the model's name, in [0, 1]. */
  shares: Readonly<Record<string, number>>;
  sharesByKind: Readonly<Record<Kind, Readonly<Record<string, number>>>>;
  /** As `GET /v1/routers/auto` tells it, by the model's name. */
  learned: Readonly<Record<string, Learned>>;
  qualities: Qualities | null;
  curve: readonly number[];
  money: Money;
  reactions: Reactions;
  visitors: number;
}

/** What is set off from the rest, and how. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

const NAME = 14;
const BAR = 14;
const CELL = 11;
const COLUMNS = 80;

/** How to join in: said once, above the frame. */
export function drawInvitation(url: string, style: Style): string[] {
  return [
    style.bold('Conduit demo: models, prices, people and answers are SIMULATED.'),
    'No language model is called and nothing leaves this machine.',
    style.bold(`Watch it learn in a browser: ${url}/dashboard`),
    `Join in at the base URL ${url}/v1 with any API key:`,
    '',
    style.dim('# shell'),
    `curl ${url}/v1/chat/completions \\`,
    `  -d '{"model":"auto","messages":[{"role":"user","content":"Hello"}]}'`,
    style.dim('// JavaScript, after npm install openai'),
    `import OpenAI from 'openai';`,
    `const ai = new OpenAI({ baseURL: '${url}/v1', apiKey: 'any' });`,
    `const messages = [{ role: 'user', content: 'Hello' }];`,
    `const answer = await ai.chat.completions.create({ model: 'auto', messages });`,
    'console.log(answer.choices[0].message.content);',
    '',
  ];
}

/** The frame that is drawn again and again. */
export function drawFrame(scene: Scene, style: Style): string[] {
  const { latest, qualities } = scene;
  const best = bestFixedModel();
  const lines = [
    `${style.bold('Conduit demo (simulated)')}  ${clock(scene.seconds)}  ${style.bold(thousands(scene.requests))} requests, ${scene.inFlight} in flight, ${failureText(scene, style)}`,
    '',
    style.dim(
      `${'simulated/'.padEnd(NAME)}${`share of last ${latest}`.padStart(BAR + 6)}  learned quality    true  USD per M tokens`,
    ),
    ...MODELS.map((model) => armLine(model, scene, style)),
    '',
    style.dim(
      `${'% of each kind'.padEnd(NAME)}${KINDS.map((kind) => kind.padStart(CELL)).join('')}   of those answers`,
    ),
    ...MODELS.map(
      ({ name }) =>
        name.padEnd(NAME) + KINDS.map((kind) => shareCell(scene.sharesByKind[kind][name] ?? 0, style)).join(''),
    ),
    '',
  ];
  if (qualities) {
    const { served, bestFixed, random } = qualities;
    const told = served >= bestFixed - 0.005 ? style.good(points(served)) : points(served);
    lines.push(
      `quality   served ${style.bold(told)}   best fixed (${best.name}) ${points(bestFixed)}   random ${points(random)}`,
    );
    if (scene.curve.length > 0)
      lines.push(`          ${sparkline(scene.curve, random)}  ${style.dim(`100 answers each, ▁ random, █ 100`)}`);
  }
  lines.push(moneyLine(scene.money, style));
  const { up, down, regenerated, continued, left } = scene.reactions;
  lines.push(
    `thumbs    ${thousands(up)} up, ${thousands(down)} down; ${thousands(regenerated)} regenerated, ${thousands(continued)} went on, ${thousands(left)} left`,
    `join in   ${scene.url}/v1 had ${thousands(scene.visitors)} requests from outside  ${style.dim('Ctrl-C ends')}`,
    `dashboard ${scene.url}/dashboard`,
  );
  return lines;
}

/** The scene in one line, for where nothing can be redrawn. */
export function drawLine(scene: Scene): string {
  const { qualities, money } = scene;
  const shares = MODELS.map(({ name }) => `${name} ${percent(scene.shares[name] ?? 0)}`).join(' ');
  const quality = qualities
    ? `quality ${points(qualities.served)} (best fixed ${points(qualities.bestFixed)}, random ${points(qualities.random)})`
    : 'no answers yet';
  return `[simulated] ${clock(scene.seconds)} ${scene.requests} requests, ${scene.failures} failed; ${quality}; saved ${savedText(money)}; ${shares}`;
}

export function drawSummary(scene: Scene, style: Style): string[] {
  const { up, down, regenerated, left } = scene.reactions;
  const { qualities } = scene;
  const best = bestFixedModel();
  const lines = [
    style.bold(`Conduit demo (simulated) ended after ${clock(scene.seconds)}`),
    `${thousands(scene.requests)} requests, ${failureText(scene, style)}; ${up + down} thumbs, ${regenerated} regenerated, ${left} left`,
  ];
  if (qualities)
    lines.push(
      `quality of the last ${scene.latest}: ${points(qualities.served)}; ${best.name} alone ${points(qualities.bestFixed)}; random ${points(qualities.random)}`,
    );
  lines.push(moneyLine(scene.money, style));
  if (scene.lastFailure) lines.push(`last failure: ${scene.lastFailure}`);
  return lines;
}

function armLine(model: SimulatedModel, scene: Scene, style: Style): string {
  const share = scene.shares[model.name] ?? 0;
  const learned = scene.learned[model.name];
  const told = learned ? `${points(learned.mean)}  ${points(learned.low)} to ${points(learned.high)}` : 'nothing yet';
  return [
    model.name.padEnd(NAME),
    ` ${style.good(bar(share, BAR))}${percent(share).padStart(5)}`,
    `  ${told.padEnd(17)}`,
    `  ${points(averageQuality(model))}`,
    `  ${`${model.price.input} in, ${model.price.output} out`}`,
  ].join('');
}

/** The best fixed model is the dearest here, so that one comparison answers both questions. */
function moneyLine(money: Money, style: Style): string {
  const best = bestFixedModel();
  return `money     billed ${style.bold(usd(money.spent))}  by ${best.name} alone ${usd(money.alone[best.name]!)} (dearest)  saved ${style.bold(savedText(money))}`;
}

/** In percent of what the best fixed model alone would have cost. */
function savedText({ spent, alone }: Money): string {
  const would = alone[bestFixedModel().name]!;
  return would > 0 ? percent(1 - spent / would) : '0%';
}

function failureText({ failures, lastFailure }: Scene, style: Style): string {
  if (failures === 0) return '0 failed';
  return style.bad(`${failures} failed: ${(lastFailure ?? '').slice(0, 20)}`);
}

const shareCell = (share: number, style: Style): string => {
  const cell = String(Math.round(100 * share)).padStart(CELL);
  return share >= 0.5 ? style.good(cell) : share < 0.1 ? style.dim(cell) : cell;
};

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** `share` in [0, 1] of `width` columns, to an eighth of a column. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  return ('█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7]).padEnd(width);
}

const LEVELS = '▁▂▃▄▅▆▇█';
const MOST_POINTS = 26;

/** Each value between `low` and 1 as a block; long curves keep their ends and leave out points in between evenly. */
export function sparkline(values: readonly number[], low: number): string {
  const step = Math.max(1, (values.length - 1) / (MOST_POINTS - 1));
  const shown = Array.from({ length: Math.min(values.length, MOST_POINTS) }, (_, i) => values[Math.round(i * step)]!);
  const level = (value: number): number => Math.floor(((value - low) / Math.max(1e-9, 1 - low)) * LEVELS.length);
  return shown.map((value) => LEVELS[Math.min(LEVELS.length - 1, Math.max(0, level(value)))]).join('');
}

/** Quality in points out of 100, as everywhere in this view. */
const points = (quality: number): string => (100 * quality).toFixed(1);
const percent = (part: number): string => `${Math.round(100 * part)}%`;
const thousands = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');
const usd = (amount: number): string => `$${amount.toFixed(amount < 1 ? 3 : 2)}`;
const clock = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

/** The line's first `columns` columns; colour codes take none. */
export function fitted(line: string, columns = COLUMNS): string {
  let width = 0;
  let kept = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with the escape character
  for (const [part] of line.matchAll(/\u001b\[\d+m|./gsu)) {
    if (part.startsWith('\u001b')) kept += part;
    else if (width++ < columns) kept += part;
  }
  return kept;
}
