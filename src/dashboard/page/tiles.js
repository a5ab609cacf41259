// The row of numbers at the top.
import { byId, el, fill, svg } from './dom.js';
import { count, percent, points, shortName, usd, wilson } from './format.js';
import { timesOf } from './state.js';

const tile = (name, value, under, { kind = '', extra = null } = {}) =>
  el(
    'div',
    { class: 'tile' },
    el('dt', {}, name),
    el('dd', { class: `value ${value === '–' ? 'none' : kind}` }, value),
    el('dd', { class: 'under' }, under, extra),
  );

export function drawTiles(state) {
  const { activity, learned, baseline } = state.told;
  const { summary } = activity;
  const { requests, outcomes } = summary;
  const errors = outcomes.upstream_error + outcomes.upstream_drop + outcomes.timeout;
  const { weight } = summary.labelled;
  const quality = weight >= 1 ? wilson(summary.labelled) : null;
  const perRequest = requests > 0 ? `${usd(summary.usd / requests)} a request` : 'nothing spent';
  fill(
    byId('tiles'),
    tile(
      'Requests',
      count(requests),
      `${count(summary.prompt_tokens)} tokens in, ${count(summary.completion_tokens)} out`,
      {
        extra: spark(state),
      },
    ),
    tile('Spend', usd(summary.usd), perRequest),
    savedTile(state, shortName(baseline)),
    tile(
      'Quality',
      quality ? points(quality.mean) : '–',
      quality
        ? `${percent(quality.low)}–${percent(quality.high)}, ${count(weight)} ${weight < 1.5 ? 'rating’s' : 'ratings’'} worth`
        : weight > 0
          ? 'hardly anything known in this time'
          : 'no feedback in this time',
    ),
    tile(
      'Errors',
      requests > 0 ? percent(errors / requests, errors > 0 ? 2 : 0) : '–',
      errorText(requests, errors, summary.mended),
      {
        kind: errors / Math.max(1, requests) > 0.01 ? 'bad' : '',
      },
    ),
    budgetTile(learned.budget),
  );
}

function errorText(requests, errors, mended) {
  if (requests === 0) return 'no requests in this time';
  const mendedText = mended > 0 ? `${count(mended)} mended by a fallback` : '';
  if (errors === 0) return mendedText || 'every request was answered';
  return `${count(errors)} failed${mendedText ? `, ${mendedText}` : ''}`;
}

/** What cost a multiple of the baseline is told so: a saving of −500% is nothing that anybody can picture. */
function savedOrTimes(share, between, baseline, kind, how) {
  if (share >= -1)
    return tile(`Saved against ${baseline}`, percent(share), `${between((value) => percent(value))}${how}`, { kind });
  const times = (value) => `${(1 - value).toFixed(1 - value < 10 ? 1 : 0)}×`;
  return tile(`Cost against ${baseline}`, times(share), `${between(times)}${how}`);
}

/** By the report where it can tell, since that is fair to what was chosen; else by what was expected of the baseline. */
function savedTile({ told, report }, baseline) {
  const against = report?.report.targets.find(({ name }) => name === 'as logged')?.versus_baseline;
  const share = against?.savings_share;
  if (share) {
    const kind = share.low > 0 ? 'good' : share.high < 0 ? 'bad' : '';
    const between = (format) => `${format(share.low)} to ${format(share.high)}`;
    return savedOrTimes(share.mean, between, baseline, kind, `; ${usd(against.savings_usd.mean)} a request`);
  }
  const { saved } = told.activity.summary;
  if (!saved || !(saved.alone_usd > 0)) return tile(`Saved against ${baseline}`, '–', 'nothing to compare yet');
  const between = (format) =>
    saved.low === null ? '' : `${format(saved.low / saved.alone_usd)} to ${format(saved.high / saved.alone_usd)}, `;
  return savedOrTimes(saved.usd / saved.alone_usd, between, baseline, '', 'by expected costs');
}

function budgetTile({ usd_today, usd_per_day, usd_per_request, average_usd }) {
  if (usd_per_day !== null) {
    const left = Math.max(0, usd_per_day - usd_today);
    const used = Math.min(1, usd_today / usd_per_day);
    return tile('Budget left today', usd(left), `of ${usd(usd_per_day)}, UTC`, {
      kind: left === 0 ? 'bad' : '',
      extra: meter(used),
    });
  }
  if (usd_per_request !== null) {
    const isOver = average_usd !== null && average_usd > usd_per_request;
    return tile('Average against ceiling', usd(average_usd), `of ${usd(usd_per_request)} a request`, {
      kind: isOver ? 'bad' : '',
      extra: average_usd === null ? null : meter(Math.min(1, average_usd / usd_per_request)),
    });
  }
  return tile('Spent today', usd(usd_today), 'no budget set');
}

const meter = (part) => el('div', { class: 'meter' }, el('i', { style: { width: `${100 * part}%` } }));

function spark(state) {
  const totals = timesOf(state).map((at) =>
    Object.values(state.points.get(at)?.arms ?? {}).reduce((sum, arm) => sum + arm.requests, 0),
  );
  const most = Math.max(...totals);
  if (!(most > 0)) return null;
  const path = totals
    .map(
      (total, i) =>
        `${i === 0 ? 'M' : 'L'}${((84 * i) / (totals.length - 1)).toFixed(1)} ${(25 - (23 * total) / most).toFixed(1)}`,
    )
    .join('');
  return svg(
    'svg',
    { class: 'spark', width: 84, height: 26, viewBox: '0 0 84 26', 'aria-hidden': 'true' },
    svg('path', { d: path, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.5, 'stroke-linejoin': 'round' }),
  );
}
