/** From LiteLLM's groups, aliases and fallbacks to routers: each name that clients send goes on being answered. */
import type { Path } from '../../config/path.ts';
import type { Arm } from './arm.ts';
import type { Combination } from './combinations.ts';
import { ANSWERED, aliasesOf, byOrder, fallbacksOf, type RoutingSettings } from './names.ts';
import type { Notes } from './notes.ts';

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

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
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
  const combined = combine(settings.combinations, groups, chat, notes);
  const aliases = aliasesOf(settings.aliases, groups, chat, placeOf, notes);
  const reach = fallbacksOf(settings, groups, chat, aliases, notes);
  const names = new Map<string, string>();
  for (const group of inOrder(chat.keys())) {
    names.set(group, routerName(group, chat, new Set(names.values())));
    const own = chat.get(group)!;
    const combination = combined.get(group);
    // A router among groups falls back on the others of them.
    const further = combination ? [] : (reach.get(group) ?? []);
    const arms = [...new Set([...(combination ? own : byOrder(own)), ...further])];
    const name = names.get(group)!;
    const answers = [...(name === group ? [] : [group]), ...(aliases.get(group) ?? [])].filter((one) =>
      ANSWERED.test(one),
    );
    const isFixed = combination?.isFixed ?? (arms.length > own.length || own.some(({ order }) => order !== null));
    plan.routers.set(name, {
      models: arms.map(({ model }) => model.id),
      ...(answers.length > 0 && { answers_to: answers }),
      ...(isFixed && arms.length > 1 && { policy: 'fixed' as const }),
      ...(!isFixed && arms.length > 1 && settings.prefer && { prefer: settings.prefer }),
      ...(arms.length - 1 > USUAL_FALLBACKS && { fallbacks: Math.min(arms.length - 1, MOST_FALLBACKS) }),
    });
    plan.hasFixed ||= isFixed && arms.length > 1;
    if (arms.length > own.length && own.length > 1)
      notes.changed(
        placeOf(group),
        `the first of its ${own.length} deployments that can answers; LiteLLM dealt requests out among them`,
      );
    if (!combination && !isFixed && arms.length > 1)
      notes.changed(
        placeOf(group),
        `the router ${name} learns which of its ${arms.length} models to use: LiteLLM dealt requests out`,
      );
  }
  addAuto(plan, chat, starters, settings, notes);
  return plan;
}

/** Makes routers of LiteLLM's own routers, each by its name; they join the chat groups. */
function combine(
  combinations: readonly Combination[],
  groups: ReadonlyMap<string, unknown>,
  chat: Map<string, readonly Arm[]>,
  notes: Notes,
): Map<string, Combination> {
  const combined = new Map<string, Combination>();
  const own = new Map(chat);
  for (const combination of combinations) {
    const { path, name, members, isFixed } = combination;
    const known = members.filter((member) => own.has(member));
    const arms = [...new Set(known.flatMap((member) => own.get(member)!))];
    if (groups.has(name) || combined.has(name)) notes.leftOut(path, 'another entry has this name');
    else if (arms.length === 0)
      notes.leftOut(path, 'none of its models is named here, or has become a chat model: write a router of that name');
    else {
      combined.set(name, combination);
      chat.set(name, arms);
      const lost = known.length < members.length ? `; of its ${members.length} groups ${known.length} are here` : '';
      notes.changed(
        path,
        isFixed
          ? `a router with policy: fixed over the models of its groups${lost}`
          : `a router that learns among the models of its groups, from what people do with the answers${lost}`,
      );
    }
  }
  return combined;
}

/** Names with a `*` are looked at last, the longest first. */
function inOrder(groups: Iterable<string>): string[] {
  const all = [...groups];
  const exact = all.filter((group) => !group.includes('*'));
  return [...exact, ...all.filter((group) => group.includes('*')).sort((a, b) => b.length - a.length)];
}

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

/** What LiteLLM has nothing like: one name behind which Conduit learns. */
function addAuto(
  plan: RoutersPlan,
  chat: ReadonlyMap<string, readonly Arm[]>,
  starters: readonly Arm[],
  { prefer }: RoutingSettings,
  notes: Notes,
): void {
  const seen = new Set<string>();
  const distinct = [...chat.values()].flat().filter(({ sameAs }) => !seen.has(sameAs) && seen.add(sameAs));
  const known = distinct.filter(({ isPriced }) => isPriced);
  const priced = known.length > 1 ? known : [...new Set([...known, ...starters])];
  if (plan.routers.has('auto') || priced.length < (chat.size > 0 ? 2 : 1)) return;
  plan.routers.set('auto', { models: priced.map(({ model }) => model.id), ...(prefer && { prefer }) });
  plan.comments.set(
    'auto',
    'new: clients that send model: auto get the model that has proved best for such requests at its price',
  );
  if (known.length < distinct.length)
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
