/** From LiteLLM's groups, aliases and fallbacks to routers: each name that clients send goes on being answered. */
import type { Path } from '../../config/path.ts';
import type { Arm } from './arms.ts';
import type { Notes } from './notes.ts';
import { isMapping, settingsOf, textOf } from './values.ts';

export interface WrittenRouter {
  models: string[];
  answers_to?: string[];
  policy?: 'fixed';
  prefer?: 'cost' | 'speed';
  fallbacks?: number;
}

export interface RoutersPlan {
  routers: Map<string, WrittenRouter>;
  comments: Map<string, string>;
  hasFixed: boolean;
}

/** What LiteLLM's settings say of routing, wherever they stand. */
export interface RoutingSettings {
  prefer: 'cost' | 'speed' | null;
  aliases: Named[];
  fallbacks: Named[];
  /** Where a prompt is too long: Conduit knows by itself which models cannot take it. */
  contextFallbacks: Named[];
  /** For groups without fallbacks of their own. */
  defaultFallbacks: { path: Path; to: unknown } | null;
}

export interface Named {
  path: Path;
  from: string;
  to: unknown;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
/** Conduit would take `${` for a variable. */
const ANSWERED = /^(?:(?!\$\{)[^\s\p{Cc},])+$/u;
/** Of further models tried after the first one. */
const MOST_FALLBACKS = 10;
const USUAL_FALLBACKS = 2;

export function routersOf(
  groups: ReadonlyMap<string, readonly Arm[]>,
  starters: readonly Arm[],
  settings: RoutingSettings,
  placeOf: (group: string) => Path,
  notes: Notes,
): RoutersPlan {
  const plan: RoutersPlan = { routers: new Map(), comments: new Map(), hasFixed: false };
  const chat = new Map(
    [...groups]
      .map(([group, arms]) => [group, arms.filter(({ isChat }) => isChat)] as const)
      .filter(([, arms]) => arms.length > 0),
  );
  const aliases = aliasesOf(settings.aliases, groups, chat, placeOf, notes);
  const reach = fallbacksOf(settings, groups, chat, aliases, notes);
  const names = new Map<string, string>();
  for (const group of inOrder(chat.keys())) {
    names.set(group, routerName(group, chat, new Set(names.values())));
    const own = chat.get(group)!;
    const arms = [...new Set([...byOrder(own), ...(reach.get(group) ?? [])])].slice(0, MOST_FALLBACKS + 1);
    const name = names.get(group)!;
    const answers = [...(name === group ? [] : [group]), ...(aliases.get(group) ?? [])].filter((one) =>
      ANSWERED.test(one),
    );
    const isFixed = arms.length > own.length || own.some(({ order }) => order !== null);
    plan.routers.set(name, {
      models: arms.map(({ model }) => model.id),
      ...(answers.length > 0 && { answers_to: answers }),
      ...(isFixed && arms.length > 1 && { policy: 'fixed' as const }),
      ...(!isFixed && arms.length > 1 && settings.prefer && { prefer: settings.prefer }),
      ...(arms.length - 1 > USUAL_FALLBACKS && { fallbacks: arms.length - 1 }),
    });
    plan.hasFixed ||= isFixed && arms.length > 1;
    if (arms.length > own.length && own.length > 1)
      notes.changed(
        placeOf(group),
        `the first of its ${own.length} deployments that can answers; LiteLLM dealt requests out among them`,
      );
    if (!isFixed && arms.length > 1)
      notes.changed(
        placeOf(group),
        `the router ${name} learns which of its ${arms.length} models to use: LiteLLM dealt requests out`,
      );
  }
  addAuto(plan, chat, starters, settings, notes);
  return plan;
}

/** Names with a `*` are looked at last, the longest first. */
function inOrder(groups: Iterable<string>): string[] {
  const all = [...groups];
  const exact = all.filter((group) => !group.includes('*'));
  return [...exact, ...all.filter((group) => group.includes('*')).sort((a, b) => b.length - a.length)];
}

const byOrder = (arms: readonly Arm[]): Arm[] =>
  arms.toSorted((a, b) => (a.order ?? Number.MAX_SAFE_INTEGER) - (b.order ?? Number.MAX_SAFE_INTEGER));

function routerName(group: string, groups: ReadonlyMap<string, unknown>, taken: ReadonlySet<string>): string {
  if (NAME.test(group)) return group;
  const plain = group
    .replaceAll('*', 'any')
    .replace(/[^A-Za-z0-9._:-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 56);
  const base = plain || 'router';
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!taken.has(name) && !groups.has(name)) return name;
  }
}

/** Each alias once, for the group that it means. */
function aliasesOf(
  named: readonly Named[],
  groups: ReadonlyMap<string, unknown>,
  chat: ReadonlyMap<string, unknown>,
  placeOf: (group: string) => Path,
  notes: Notes,
): Map<string, string[]> {
  const aliases = new Map<string, string[]>();
  for (const group of groups.keys()) {
    if (chat.has(group) && !ANSWERED.test(group))
      notes.leftOut(placeOf(group), 'a name with a blank, a comma or ${: clients must send the router’s name');
  }
  const seen = new Set<string>();
  for (const { path, from, to } of named) {
    const target = textOf(isMapping(to) ? to.model : to);
    if (target === null || !chat.has(target)) notes.leftOut(path, 'names no model_name that has become a router');
    else if (groups.has(from) || seen.has(from)) notes.leftOut(path, 'a model_name, or another alias, has this name');
    else if (!ANSWERED.test(from)) notes.leftOut(path, 'a name with a blank, a comma or ${');
    else {
      seen.add(from);
      aliases.set(target, [...(aliases.get(target) ?? []), from]);
      if (isMapping(to) && to.hidden === true)
        notes.changed(path, `answers_to of the router for ${target}; such names are in no list of models`);
      else notes.mapped(path, `answers_to of the router for ${target}`);
    }
  }
  return aliases;
}

/** The arms that stand in for each group's own, nearest first, those of their own fallbacks behind them. */
function fallbacksOf(
  { fallbacks, contextFallbacks, defaultFallbacks }: RoutingSettings,
  groups: ReadonlyMap<string, unknown>,
  chat: ReadonlyMap<string, readonly Arm[]>,
  aliases: ReadonlyMap<string, readonly string[]>,
  notes: Notes,
): Map<string, Arm[]> {
  const groupNamed = (name: string): string | null =>
    chat.has(name) ? name : ([...aliases].find(([, names]) => names.includes(name))?.[0] ?? null);
  const read = (path: Path, to: unknown): string[] =>
    (Array.isArray(to) ? to : [to]).flatMap((one, index) => {
      const name = textOf(isMapping(one) ? one.model : one);
      const group = name === null ? null : groupNamed(name);
      if (group === null) notes.leftOut([...path, index], 'names no model_name that has become a router');
      else if (isMapping(one) && Object.keys(one).length > 1)
        notes.leftOut([...path, index], 'a fallback gets the same request: only its model is taken');
      return group === null ? [] : [group];
    });
  const direct = new Map<string, string[]>();
  for (const { path, from, to } of [...fallbacks, ...contextFallbacks]) {
    const group = groupNamed(from);
    if (group === null) {
      if (groups.has(from)) notes.leftOut(path, 'no router: other routes than chat completions have no fallbacks');
      else notes.leftOut(path, 'names no model_name that has become a router');
      continue;
    }
    const names = read(path, to);
    if (names.length === 0) continue;
    direct.set(group, [...(direct.get(group) ?? []), ...names]);
    notes.changed(
      path,
      `further models of the router for ${group}, with policy: fixed; they are tried at once, the failed one is not asked again`,
    );
  }
  if (defaultFallbacks) {
    const names = read(defaultFallbacks.path, defaultFallbacks.to);
    const without = [...chat.keys()].filter((group) => !direct.has(group));
    for (const group of without) direct.set(group, names);
    if (names.length > 0)
      notes.changed(
        defaultFallbacks.path,
        `further models of ${without.length} routers that have no fallbacks of their own`,
      );
  }
  const reach = new Map<string, Arm[]>();
  for (const group of chat.keys()) {
    const visited = new Set([group]);
    const queue = [...(direct.get(group) ?? [])];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (visited.has(next)) continue;
      visited.add(next);
      queue.push(...(direct.get(next) ?? []));
    }
    visited.delete(group);
    reach.set(
      group,
      [...visited].flatMap((name) => byOrder(chat.get(name)!)),
    );
  }
  return reach;
}

/** What LiteLLM has nothing like: one name behind which Conduit learns. */
function addAuto(
  plan: RoutersPlan,
  chat: ReadonlyMap<string, readonly Arm[]>,
  starters: readonly Arm[],
  { prefer }: RoutingSettings,
  notes: Notes,
): void {
  const all = chat.size > 0 ? [...chat.values()].flat() : starters;
  const seen = new Set<string>();
  const distinct = all.filter(({ sameAs }) => !seen.has(sameAs) && seen.add(sameAs));
  const priced = distinct.filter(({ isPriced }) => isPriced);
  if (plan.routers.has('auto') || (chat.size > 0 && priced.length < 2) || priced.length === 0) return;
  plan.routers.set('auto', { models: priced.map(({ model }) => model.id), ...(prefer && { prefer }) });
  plan.comments.set(
    'auto',
    'new: clients that send model: auto get the model that has proved best for such requests at its price',
  );
  if (priced.length < distinct.length)
    notes.changed(
      ['model_list'],
      `the new router auto has the ${priced.length} chat models whose price is known; a model without a price would seem free`,
    );
  else
    notes.changed(
      ['model_list'],
      `a new router, auto, learns among all ${priced.length} chat models; no other name is changed by it`,
    );
}

/** `[{ "gpt-4o": ["claude"] }]`, or one mapping of all. */
export function namedLists(value: unknown, path: Path, notes: Notes): Named[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => {
      if (!isMapping(item)) notes.leftOut([...path, index], 'not a mapping of a name to names');
      return settingsOf(item).map(([from, to]) => ({ path: [...path, index, from], from, to }));
    });
  if (!isMapping(value)) notes.leftOut(path, 'not a list of mappings of a name to names');
  return settingsOf(value).map(([from, to]) => ({ path: [...path, from], from, to }));
}
