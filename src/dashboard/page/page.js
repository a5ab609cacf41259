// The dashboard: puts what is told into its places.
import { drawLatency, drawQuality, drawShares, fetchUplot, forgetCharts, resizeCharts, showTable } from './charts.js';
import { openDecision } from './decision.js';
import { all, byId, el, fill, say } from './dom.js';
import { ago, count, dateOf } from './format.js';
import { drawMap } from './map.js';
import { createState, isYoung, latestDecisions, take, WINDOW_WORDS } from './state.js';
import { follow } from './stream.js';
import { drawDecisions, drawModels, drawReport, drawSignals, forgetDecisions } from './tables.js';
import { drawTiles } from './tiles.js';

const asked = new URLSearchParams(location.search);
let router = asked.get('router');
const RANGES = ['minutes', 'hour', 'day', 'month'];
/** Nobody has chosen one as long as it is not in the address. */
let chosen = RANGES.includes(asked.get('range'));
let range = chosen ? asked.get('range') : 'hour';
let state = createState();
let following = null;
let paused = false;
let due = false;
/** Whether somebody has chosen what is not drawn yet: that is, though the page is paused. */
let owed = true;
const tables = {};

const live = (name, text) => {
  byId('live').dataset.state = name;
  say(byId('live-text'), text);
};

function start() {
  following?.close();
  owed = true;
  if (state.told) forgetDecisions();
  const { report, colours } = state;
  state = { ...createState(), report: report?.report.router === router ? report : null, colours };
  const current = state;
  const query = new URLSearchParams(router === null ? {} : { router });
  if (chosen) query.set('range', range);
  history.replaceState(null, '', `${location.pathname}${query.size > 0 ? `?${query}` : ''}${location.hash}`);
  following = follow(router, range, {
    snapshot: (told) => heard(current, told, true),
    change: (told) => heard(current, told, false),
    report(told) {
      current.report = told;
      redraw();
    },
    live: () => !paused && live('live', 'Live'),
    lost: () => !paused && live('lost', 'Reconnecting'),
    out: () => location.reload(),
    gone() {
      router = null;
      start();
    },
  });
}

function heard(current, told, isWhole) {
  if (current !== state) return;
  take(state, told, isWhole);
  router = told.learned.name;
  if (!chosen && range === 'hour' && isYoung(state)) {
    range = 'minutes';
    showRange();
    start();
    return;
  }
  redraw();
}

/** At most once a frame, and not while somebody reads in peace. */
function redraw() {
  if ((paused && !owed) || due || !state.told) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    if (paused && !owed) return;
    owed = false;
    draw();
  });
}

function draw() {
  const { told } = state;
  drawChoice(told);
  const isEmpty = told.log.whole && told.activity.decisions.length === 0 && state.decisions.size === 0;
  byId('start').hidden = !isEmpty;
  byId('grid').hidden = isEmpty;
  if (isEmpty) drawStart(told);
  drawTiles(state);
  drawNotice(told);
  if (isEmpty) return;
  say(
    byId('quality-note'),
    `by what was said and seen of answers, added up over the last ${WINDOW_WORDS[range]}; 95% bands`,
  );
  tables.quality = drawQuality(state);
  tables.shares = drawShares(state);
  tables.latency = drawLatency(state);
  for (const details of all('.as-table')) showTable(details, tables[details.dataset.of]);
  drawMap(state);
  drawModels(state);
  drawDecisions(state, open);
  drawSignals(state);
  drawReport(state);
  say(
    byId('foot'),
    `${count(told.log.read)} entries of the log read. Prompts and answers are not kept, and never shown.`,
  );
}

function drawChoice({ routers, learned, prefer, signed_in_as: name }) {
  const select = byId('router');
  if (select.options.length !== routers.length || routers.some((one, i) => select.options[i].value !== one)) {
    fill(
      select,
      routers.map((one) => el('option', { value: one }, one)),
    );
  }
  if (select.value !== learned.name) select.value = learned.name;
  const preference = typeof prefer === 'string' ? prefer : 'numbers of its own';
  say(byId('policy'), `${learned.policy}, prefers ${preference}`);
  document.title = `${learned.name} · Conduit`;
  byId('sign-out').hidden = name === null;
  byId('sign-out').title = name === null ? '' : `Signed in with the key ${name}`;
}

function drawNotice({ log, activity, now }) {
  const notice = byId('notice');
  const latest = latestDecisions(state)[0];
  const isQuiet = activity.summary.requests === 0 && latest;
  const text =
    log.trouble ??
    (log.whole
      ? isQuiet
        ? `No requests in this time. The latest was ${ago(now - latest.at)}, ${dateOf(latest.at)}: choose a longer time above.`
        : ''
      : `Reading the log: ${count(log.read)} entries so far. Numbers grow until it is read.`);
  notice.hidden = text === '';
  say(notice, text);
}

function drawStart({ learned }) {
  say(byId('start-model'), learned.name);
  const base = new URL('v1', location.href).href;
  say(
    byId('start-code'),
    `curl ${base}/chat/completions \\\n  -H 'content-type: application/json' -H 'authorization: Bearer YOUR_KEY' \\\n  -d '{"model": "${learned.name}", "messages": [{"role": "user", "content": "Hello"}]}'`,
  );
}

function open(id) {
  history.replaceState(null, '', `${location.pathname}${location.search}#${id}`);
  void openDecision(state, id);
}

byId('router').addEventListener('change', ({ target }) => {
  router = target.value;
  start();
});
const inputs = all('#ranges input');
function showRange() {
  for (const input of inputs) input.checked = input.value === range;
}
showRange();
for (const input of inputs) {
  input.addEventListener('change', () => {
    range = input.value;
    chosen = true;
    start();
  });
}
byId('pause').addEventListener('click', ({ currentTarget }) => {
  paused = !paused;
  currentTarget.setAttribute('aria-pressed', String(paused));
  live(paused ? 'paused' : 'live', paused ? 'Paused' : 'Live');
  if (following) redraw();
  else start();
});
byId('find').addEventListener('submit', (event) => {
  event.preventDefault();
  open(String(new FormData(event.target).get('id')).trim());
});
for (const details of all('.as-table')) {
  details.addEventListener('toggle', () => showTable(details, tables[details.dataset.of] ?? []));
}
byId('drawer-close').addEventListener('click', () => byId('drawer').close());
byId('drawer').addEventListener('click', ({ target, currentTarget }) => {
  // What lies around it belongs to the dialog itself.
  if (target === currentTarget) currentTarget.close();
});
byId('drawer').addEventListener('close', () => history.replaceState(null, '', location.pathname + location.search));
byId('sign-out').addEventListener('click', async () => {
  await fetch('dashboard/session', { method: 'DELETE' });
  location.reload();
});

const dark = matchMedia('(prefers-color-scheme: dark)');
const theme = () => document.documentElement.dataset.theme ?? (dark.matches ? 'dark' : 'light');
function sayTheme() {
  const other = theme() === 'dark' ? 'Light' : 'Dark';
  say(byId('theme-text'), other);
  byId('theme').setAttribute('aria-label', `${other} theme`);
}
function themed() {
  sayTheme();
  forgetCharts();
  owed = true;
  redraw();
}
byId('theme').addEventListener('click', () => {
  const next = theme() === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem('conduit-theme', next);
  } catch {
    // Then it is for this visit alone.
  }
  themed();
});
dark.addEventListener('change', themed);
sayTheme();

/** A page that nobody looks at holds none of the few connections that a browser has for one host. */
const HIDDEN_MS = 30_000;
let hiding = 0;
document.addEventListener('visibilitychange', () => {
  clearTimeout(hiding);
  if (!document.hidden) {
    // Whoever has paused it comes back to what was there.
    if (!following && !paused) start();
    return;
  }
  hiding = setTimeout(() => {
    following?.close();
    following = null;
  }, HIDDEN_MS);
});

let resized = 0;
addEventListener('resize', () => {
  cancelAnimationFrame(resized);
  resized = requestAnimationFrame(() => {
    resizeCharts();
    if (state.told) drawMap(state);
  });
});

fetchUplot(redraw);
if (location.hash.startsWith('#dec_')) open(location.hash.slice(1));
start();
