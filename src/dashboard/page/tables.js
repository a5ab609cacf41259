// The tables: models, the latest decisions, signals, and what another policy would have done.
import { byId, el, fill, headOf, svg, tableOf } from './dom.js';
import { ago, count, ms, percent, points, shortName, timeOf, usd, words } from './format.js';
import { colourOf, latestDecisions, modelsOf } from './state.js';

const swatch = (state, model) =>
  el('span', { class: 'swatch', style: { background: `var(${colourOf(state, model)})` } });
const named = (state, model) =>
  el('span', { class: 'name' }, swatch(state, model), el('span', { title: model }, shortName(model)));

/** An interval in [0, 1] as a small picture beside its numbers. */
export function intervalMark({ mean, low, high }, colour) {
  const x = (value) => 2 + 76 * Math.min(1, Math.max(0, value));
  return svg(
    'svg',
    { class: 'interval', width: 80, height: 12, viewBox: '0 0 80 12', 'aria-hidden': 'true' },
    svg('line', { x1: 2, x2: 78, y1: 6, y2: 6, stroke: 'var(--line)', 'stroke-width': 2, 'stroke-linecap': 'round' }),
    svg('line', {
      x1: x(low),
      x2: x(high),
      y1: 6,
      y2: 6,
      stroke: colour,
      'stroke-width': 4,
      'stroke-linecap': 'round',
      opacity: 0.45,
    }),
    svg('circle', { cx: x(mean), cy: 6, r: 3.5, fill: colour }),
  );
}

const MODELS = [
  ['Model', ''],
  ['Share', ''],
  ['Requests', 'number'],
  ['Quality believed, 95%', ''],
  ['USD a request', 'number'],
  ['First byte', 'number wide'],
  ['95%', 'number wide'],
  ['Whole answer', 'number wide'],
  ['Failed', 'number'],
  ['State', ''],
];

export function drawModels(state) {
  const { learned, activity, now } = state.told;
  const { arms, requests } = activity.summary;
  const byModel = new Map(learned.arms.map((arm) => [arm.model, arm]));
  const rows = modelsOf(state).map((model) => {
    const arm = byModel.get(model);
    const seen = arms[model];
    const share = requests > 0 ? (seen?.requests ?? 0) / requests : 0;
    const colour = `var(${colourOf(state, model)})`;
    return el(
      'tr',
      {},
      el('th', { scope: 'row' }, named(state, model)),
      el(
        'td',
        {},
        el('span', { class: 'share' }, el('i', { style: { width: `${100 * share}%`, background: colour } })),
        percent(share),
      ),
      el('td', { class: 'number' }, count(seen?.requests ?? 0)),
      el(
        'td',
        {},
        arm && arm.pulls > 0
          ? [
              points(arm.quality.mean),
              el('span', { class: 'dim' }, ` ${percent(arm.quality.low)}–${percent(arm.quality.high)}`),
              intervalMark(arm.quality, colour),
            ]
          : el('span', { class: 'dim' }, 'nothing known yet'),
      ),
      el('td', { class: 'number' }, arm ? usd(arm.cost_usd) : '–'),
      el('td', { class: 'number wide' }, ms(seen?.first_byte_ms?.p50)),
      el('td', { class: 'number wide dim' }, ms(seen?.first_byte_ms?.p95)),
      el('td', { class: 'number wide' }, ms(seen?.total_ms?.p50)),
      el(
        'td',
        { class: `number ${seen?.failures > 0 ? 'bad' : 'dim'}` },
        seen?.attempts > 0 ? percent(seen.failures / seen.attempts, seen.failures > 0 ? 1 : 0) : '–',
      ),
      el('td', {}, stateOf(arm, now)),
    );
  });
  fill(byId('models'), headOf(MODELS), el('tbody', {}, rows));
  byId('models-note').textContent =
    guaranteeText(learned) ??
    `${count(learned.observations)} answers learned from, ${count(learned.labels)} of them rated or followed up`;
}

function stateOf(arm, now) {
  if (!arm) return el('span', { class: 'tag' }, 'not in this router now');
  if (arm.resting) {
    const seconds = Math.max(0, Math.round(arm.resting_until - now / 1000));
    const until = seconds > 0 ? `, tried again in ${seconds} s` : ', being tried';
    return el('span', { class: 'tag warn' }, `resting: ${words(arm.resting_reason)}${until}`);
  }
  if (arm.changed_at !== null && now / 1000 - arm.changed_at < 7 * 86_400)
    return el('span', { class: 'tag accent' }, `changed ${ago(now - 1000 * arm.changed_at)}`);
  return el('span', { class: 'dim' }, 'in use');
}

function guaranteeText({ guarantee }) {
  if (!guarantee) return null;
  const { baseline, quality, confidence, holds_by } = guarantee;
  const reserve =
    holds_by >= 0
      ? `holds, with ${holds_by.toFixed(1)} answers in reserve`
      : 'not proven yet: the baseline answers until it is';
  return `Guarantee: at least ${percent(quality)} of ${shortName(baseline)}’s quality, ${percent(confidence)} sure; ${reserve}`;
}

const DECISIONS = [
  ['Time', ''],
  ['Model', ''],
  ['Why', ''],
  ['Chance', 'number wide'],
  ['Ended', ''],
  ['USD', 'number wide'],
  ['First byte', 'number wide'],
  ['Whole', 'number wide'],
  ['Reward', 'number'],
];

/** Rows that are there stay the same elements, so that focus and selection survive. */
const rows = new Map();

export function drawDecisions(state, open) {
  const table = byId('decisions');
  const latest = latestDecisions(state);
  if (latest.length === 0) {
    rows.clear();
    fill(table, el('caption', { class: 'blank' }, 'No decision yet.'));
    return;
  }
  if (!table.tBodies[0]) fill(table, headOf(DECISIONS), el('tbody'));
  const body = table.tBodies[0];
  const shown = new Set(latest.map(({ id }) => id));
  for (const [id, { row }] of rows) {
    if (shown.has(id)) continue;
    row.remove();
    rows.delete(id);
  }
  let place = body.firstElementChild;
  for (const decision of latest) {
    const text = JSON.stringify(decision);
    const known = rows.get(decision.id);
    if (known?.text === text) {
      if (known.row === place) place = place.nextElementSibling;
      else body.insertBefore(known.row, place);
      continue;
    }
    if (known) {
      fillRow(known.row, state, decision, open);
      known.text = text;
      if (known.row === place) place = place.nextElementSibling;
      else body.insertBefore(known.row, place);
      continue;
    }
    const row = el('tr', { onclick: () => open(decision.id) });
    fillRow(row, state, decision, open);
    rows.set(decision.id, { row, text });
    body.insertBefore(row, place);
  }
}

/** Another router has others. */
export function forgetDecisions() {
  rows.clear();
  fill(byId('decisions'));
}

function fillRow(row, state, decision, open) {
  const { id, at, model, chosen, reason, propensity, outcome, reward } = decision;
  const hadFocus = row.contains(document.activeElement);
  const button = el(
    'button',
    {
      type: 'button',
      'aria-label': `Decision at ${timeOf(at)}, ${model}`,
      onclick: (event) => {
        event.stopPropagation();
        open(id);
      },
    },
    timeOf(at),
  );
  fill(
    row,
    el('td', {}, button),
    el('td', {}, named(state, model)),
    el(
      'td',
      {},
      el('span', { class: reason === 'exploit' ? 'tag' : 'tag accent' }, model === chosen ? words(reason) : 'fallback'),
    ),
    el('td', { class: 'number wide' }, percent(propensity, propensity < 0.1 ? 1 : 0)),
    el('td', { class: outcomeKind(outcome) }, outcome === 'none' ? 'nobody asked' : words(outcome)),
    el('td', { class: 'number wide' }, decision.cost_usd === null ? '–' : usd(decision.cost_usd)),
    el('td', { class: 'number wide' }, ms(decision.first_byte_ms)),
    el('td', { class: 'number wide' }, ms(decision.total_ms)),
    el('td', { class: `number ${reward === null ? 'dim' : ''}` }, reward === null ? '–' : percent(reward)),
  );
  if (hadFocus) button.focus();
}

export const outcomeKind = (outcome) =>
  outcome === 'completed' ? 'dim' : outcome === 'client_abort' || outcome === 'none' ? '' : 'bad';

export function drawSignals(state) {
  const { worth, activity } = state.told;
  const seen = new Map(activity.summary.signals.map((one) => [one.signal, one]));
  const signs = new Map(worth.signs.map((one) => [one.signal, one]));
  const explicit = [...seen.values()].filter(({ signal, count: times }) => !signs.has(signal) && times > 0);
  const known = [...signs.values()]
    .filter(({ signal }) => signal !== 'fine')
    .map((sign) => ({ ...sign, count: seen.get(sign.signal)?.count ?? 0 }))
    .sort((one, other) => other.count - one.count || Math.abs(Math.log(other.ratio)) - Math.abs(Math.log(one.ratio)));
  const said = explicit.filter(({ signal }) => ['thumbs', 'rating', 'score', 'task_success'].includes(signal));
  const others = explicit.filter((one) => !said.includes(one));
  fill(
    byId('signals'),
    headOf([
      ['Signal', ''],
      ['Seen', 'number'],
      ['Worth', ''],
    ]),
    el(
      'tbody',
      {},
      said.map(({ signal, count: times, mean }) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row' }, words(signal)),
          el('td', { class: 'number' }, count(times)),
          el('td', {}, `${percent(mean)} on average`),
        ),
      ),
      known.map((sign) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row', class: sign.count > 0 ? null : 'dim' }, words(sign.signal)),
          el(
            'td',
            { class: `number ${sign.count > 0 ? '' : 'dim'}` },
            sign.signal === 'silence' ? '' : count(sign.count),
          ),
          el('td', {}, worthMark(sign), worthText(sign)),
        ),
      ),
      others.map(({ signal, count: times }) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row' }, words(signal)),
          el('td', { class: 'number' }, count(times)),
          el('td', { class: 'dim' }, 'no verdict'),
        ),
      ),
    ),
  );
  const off = worth.off.length > 0 ? `; off: ${worth.off.map(words).join(', ')}` : '';
  byId('signals-note').textContent =
    `against what each has proved worth: a follow-up counts ${percent(worth.followed)} of a rating${off}`;
}

/** To the right where it speaks for an answer, to the left where against it, on a log scale; the tick is where it began. */
function worthMark({ ratio, at_first: first }) {
  const x = (value) => 40 + 36 * Math.max(-1, Math.min(1, Math.log(value) / Math.log(20)));
  if (!(ratio > 0)) return null;
  const colour = ratio >= 1 ? 'var(--good)' : 'var(--bad)';
  return svg(
    'svg',
    { width: 80, height: 14, viewBox: '0 0 80 14', 'aria-hidden': 'true', class: 'worth' },
    svg('line', { x1: 40, x2: 40, y1: 1, y2: 13, stroke: 'var(--line-strong)' }),
    svg('line', { x1: 40, x2: x(ratio), y1: 7, y2: 7, stroke: colour, 'stroke-width': 6 }),
    first > 0
      ? svg('line', { x1: x(first), x2: x(first), y1: 2, y2: 12, stroke: 'var(--muted)', 'stroke-width': 1.5 })
      : null,
  );
}

function worthText({ ratio }) {
  if (!(ratio > 0)) return el('span', { class: 'dim' }, 'never comes');
  const times = ratio >= 1 ? ratio : 1 / ratio;
  if (times < 1.05) return el('span', { class: 'dim' }, 'says nothing');
  return el('span', { class: 'worth-text' }, `${times.toFixed(times < 10 ? 1 : 0)}× ${ratio >= 1 ? 'for' : 'against'}`);
}

export function drawReport(state) {
  const box = byId('report');
  const note = byId('report-note');
  if (!state.report) {
    note.textContent = '';
    fill(
      box,
      el(
        'p',
        { class: 'blank' },
        state.told.log.read < 50
          ? 'Told from the log once there are some decisions in it.'
          : 'The report is being made.',
      ),
    );
    return;
  }
  const { at, report } = state.report;
  const { decisions, labels, baseline } = report;
  note.textContent = `estimated from ${count(decisions.judged)} decisions, ${percent(labels.share)} of them labelled, against always ${shortName(baseline)}; 95% intervals; made ${timeOf(at)}`;
  const between = ({ mean, low, high }, format) => [
    format(mean),
    el('span', { class: 'dim' }, ` ${format(low)} to ${format(high)}`),
  ];
  const told = report.targets.filter(({ estimates }) => estimates);
  const untold = report.targets.filter(({ estimates }) => !estimates);
  const dash = el('span', { class: 'dim' }, '–');
  const body = told.map(({ name, estimates, versus_baseline: versus, effective_size: size }) => {
    const isOwn = name === 'as logged';
    const isBaseline = name === `always ${baseline}`;
    return el(
      'tr',
      {},
      el(
        'th',
        { scope: 'row' },
        isOwn ? 'as it was' : name,
        isOwn ? el('span', { class: 'tag accent beside' }, 'now') : null,
      ),
      el('td', {}, between(estimates.quality.doubly_robust, points)),
      el('td', {}, between(estimates.cost_usd.doubly_robust, usd)),
      el(
        'td',
        {},
        isBaseline
          ? el('span', { class: 'dim' }, 'the baseline')
          : versus?.savings_share
            ? between(versus.savings_share, percentOf)
            : dash.cloneNode(true),
      ),
      el('td', {}, versus ? between(versus.quality_difference, signedPoints) : dash.cloneNode(true)),
      el('td', { class: 'number dim' }, count(size)),
    );
  });
  fill(
    box,
    told.length > 0
      ? tableOf(
          [
            ['Policy or preference', ''],
            ['Quality', ''],
            ['USD a request', ''],
            ['Saved', ''],
            ['Points against the baseline', ''],
            ['Worth decisions', 'number'],
          ],
          body,
        )
      : null,
    untold.length > 0
      ? el(
          'p',
          { class: 'untold' },
          el('b', {}, 'The log cannot tell of '),
          untold.map(({ name, effective_size: size }) => `${name} (${count(size)})`).join(', '),
          `. It hardly ever chose so: in brackets how many decisions of each it is worth, and it takes ${report.least_effective_size}. More requests by lot (explore.floor) would tell.`,
        )
      : null,
  );
}

const percentOf = (value) => percent(value);
const signedPoints = (value) => `${value > 0 ? '+' : ''}${(100 * value).toFixed(1)}`.replace('-', '−');
