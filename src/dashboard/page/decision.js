// Why a request went where it went: one decision in a drawer.
import { byId, el, fill, say, tableOf } from './dom.js';
import { dateOf, ms, percent, points, shortName, timeOf, usd, words } from './format.js';
import { colourOf } from './state.js';
import { intervalMark, outcomeKind } from './tables.js';

/** Where another has taken over nothing is known any more of why the first was drawn. */
const REASONS = {
  explore: 'to learn more of it, though another looked as good or better',
  exploit: 'since it was likely the best for this request',
  warmup: 'since little was known of it yet',
  sticky: 'since this conversation was with it already',
  guarantee: 'since the guarantee asked for the baseline',
  budget: 'since the budget left no other choice',
  'only-eligible': 'since no other could be asked',
  pinned: 'since the request named it',
};

/** Shows a decision; gives a promise that is done when it is there. */
export async function openDecision(state, id) {
  const drawer = byId('drawer');
  const body = byId('drawer-body');
  say(byId('drawer-title'), 'Decision');
  fill(body, el('p', { class: 'blank' }, 'One moment …'));
  if (!drawer.open) drawer.showModal();
  const response = await fetch(`dashboard/decisions/${encodeURIComponent(id)}`, {
    headers: { accept: 'application/json' },
  }).catch(() => null);
  if (response?.status === 401) return location.reload();
  if (!response?.ok) {
    const why =
      response?.status === 404
        ? 'No decision is known by this id. Decisions are kept for as long as the stores’ retention says.'
        : 'The decision cannot be read now. Try again.';
    fill(body, el('p', { class: 'blank', role: 'alert' }, why));
    return;
  }
  fill(body, shown(state, await response.json()));
}

function shown(state, decision) {
  const { outcome, conversation, draw } = decision;
  return [
    el('p', { class: 'because' }, because(decision)),
    el('p', { class: 'mono dim' }, decision.id),
    el(
      'dl',
      { class: 'facts' },
      fact('Decided', dateOf(decision.created * 1000)),
      fact('Router', decision.router ?? 'none: the request named its model'),
      decision.key === null ? null : fact('Key', decision.key),
      fact('Chance of this draw', percent(decision.propensity, 1)),
      fact('Reward', decision.reward === null ? 'nothing known yet' : points(decision.reward)),
      outcome
        ? [
            fact('Ended', `${words(outcome.kind)}${outcome.finish_reason ? `, ${words(outcome.finish_reason)}` : ''}`),
            fact('Cost', `${usd(outcome.cost_usd)}${outcome.estimated ? ', estimated' : ''}`),
            fact(
              'Tokens',
              `${outcome.prompt_tokens ?? '–'} in${outcome.cached_tokens ? ` (${outcome.cached_tokens} cached)` : ''}, ${outcome.completion_tokens ?? '–'} out`,
            ),
          ]
        : null,
      fact(
        'In the conversation',
        conversation.turn === 0
          ? 'its first question'
          : `after ${conversation.turn} ${conversation.turn === 1 ? 'answer' : 'answers'}${conversation.retry > 0 ? `, ${conversation.retry} of them to the same question` : ''}`,
      ),
    ),
    el('h3', {}, 'Candidates'),
    scroll('Candidates', candidates(state, decision)),
    el('h3', {}, 'Attempts'),
    decision.attempts.length > 0
      ? scroll('Attempts', attempts(decision))
      : el('p', { class: 'dim' }, 'Nobody was asked: the client had left.'),
    el('h3', {}, 'Signals'),
    decision.signals.length > 0
      ? scroll('Signals', signals(decision))
      : el('p', { class: 'dim' }, 'Nothing was said or seen of this answer so far.'),
    el('h3', {}, 'What reproduces the draw'),
    el(
      'dl',
      { class: 'facts' },
      fact('Features', `${draw.x.length} numbers of encoder ${draw.encoder}`),
      fact('Uniform', String(draw.uniform)),
      fact('Learned up to', draw.cursor),
    ),
  ];
}

export function because({ chosen, model, reason }) {
  const why = REASONS[reason];
  const drawn = `${shortName(chosen)} was drawn${why ? ` ${why}` : ''}.`;
  if (model === chosen) return drawn;
  return reason === 'fallback'
    ? `${drawn} It did not answer, and ${shortName(model)} did.`
    : `${drawn} It did not answer, nor did ${shortName(model)}, which was asked last.`;
}

const fact = (name, value) => el('div', {}, el('dt', {}, name), el('dd', {}, value));
const scroll = (name, table) => el('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': name }, table);

function candidates(state, { candidates: all, chosen }) {
  const inOrder = [...all].sort((one, other) => other.propensity - one.propensity || other.utility - one.utility);
  return tableOf(
    [
      ['Model', ''],
      ['Chance', ''],
      ['Quality expected', ''],
      ['USD', 'number'],
      ['First byte', 'number'],
      ['Whole', 'number'],
      ['Utility', 'number'],
    ],
    inOrder.map((one) => {
      const colour = `var(${colourOf(state, one.model)})`;
      return el(
        'tr',
        { class: one.model === chosen ? 'taken' : one.eligible ? null : 'out' },
        el(
          'th',
          { scope: 'row' },
          el(
            'span',
            { class: 'name' },
            el('span', { class: 'swatch', style: { background: colour } }),
            shortName(one.model),
            one.model === chosen ? el('span', { class: 'tag accent' }, 'drawn') : null,
          ),
        ),
        one.eligible
          ? el(
              'td',
              {},
              el(
                'span',
                { class: 'share' },
                el('i', { style: { width: `${100 * one.propensity}%`, background: colour } }),
              ),
              percent(one.propensity, 1),
            )
          : el('td', {}, el('span', { class: 'tag warn reason' }, `ruled out: ${words(one.ruled_out ?? '')}`)),
        el(
          'td',
          {},
          points(one.quality.mean),
          el('span', { class: 'dim' }, ` ${percent(one.quality.low)}–${percent(one.quality.high)}`),
          intervalMark(one.quality, colour),
        ),
        el('td', { class: 'number' }, usd(one.cost_usd)),
        el('td', { class: 'number' }, ms(one.first_byte_ms)),
        el('td', { class: 'number' }, ms(one.total_ms)),
        el('td', { class: 'number' }, one.utility === null ? '–' : one.utility.toFixed(3).replace('-', '−')),
      );
    }),
  );
}

function attempts({ attempts: all }) {
  return tableOf(
    [
      ['Model', ''],
      ['Ended', ''],
      ['Status', 'number'],
      ['First byte', 'number'],
      ['Whole', 'number'],
    ],
    all.map((one) =>
      el(
        'tr',
        {},
        el('th', { scope: 'row' }, shortName(one.model)),
        el('td', { class: outcomeKind(one.outcome) }, words(one.outcome)),
        el('td', { class: 'number' }, one.status === null ? '–' : String(one.status)),
        el('td', { class: 'number' }, ms(one.first_byte_ms)),
        el('td', { class: 'number' }, ms(one.total_ms)),
      ),
    ),
  );
}

function signals({ signals: all }) {
  const reward = (value) => (value === null ? '–' : percent(value));
  return tableOf(
    [
      ['Signal', ''],
      ['From', ''],
      ['At', ''],
      ['Says', 'number'],
      ['Weight', 'number'],
      ['Reward', 'number'],
    ],
    all.map((one) =>
      el(
        'tr',
        {},
        el('th', { scope: 'row' }, words(one.signal)),
        el('td', {}, one.source === 'explicit' ? 'said' : 'seen'),
        el('td', {}, timeOf(one.at * 1000)),
        el('td', { class: 'number' }, one.weight > 0 ? percent(one.value) : '–'),
        el('td', { class: 'number' }, one.weight.toFixed(2)),
        el('td', { class: 'number' }, `${reward(one.reward_before)} → ${reward(one.reward_after)}`),
      ),
    ),
  );
}
