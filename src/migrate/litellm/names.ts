/** What LiteLLM's settings say of names: which others a group has, and which groups stand in for it. */
import type { Path } from '../../config/path.ts';
import type { Arm } from './arm.ts';
import type { Combination } from './combinations.ts';
import type { Notes } from './notes.ts';
import { isMapping, settingsOf, textOf } from './values.ts';

/** What LiteLLM's settings say of routing, wherever they stand. */
export interface RoutingSettings {
  prefer: 'cost' | 'speed' | null;
  aliases: Named[];
  fallbacks: Named[];
  /** Where a prompt is too long: Conduit knows by itself which models cannot take it. */
  contextFallbacks: Named[];
  /** For groups without fallbacks of their own. */
  defaultFallbacks: { path: Path; to: unknown } | null;
  combinations: Combination[];
}

export interface Named {
  path: Path;
  from: string;
  to: unknown;
}

/** Conduit would take `${` for a variable. */
export const ANSWERED = /^(?:(?!\$\{)[^\s\p{Cc},])+$/u;
export const byOrder = (arms: readonly Arm[]): Arm[] =>
  arms.toSorted((a, b) => (a.order ?? Number.MAX_SAFE_INTEGER) - (b.order ?? Number.MAX_SAFE_INTEGER));

/** Each alias once, for the group that it means. */
export function aliasesOf(
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
export function fallbacksOf(
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
