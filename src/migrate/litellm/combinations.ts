/** LiteLLM's own routers among groups: its auto, adaptive, complexity and quality routers, and routing groups. */
import type { Path } from '../../config/path.ts';
import { isMapping, type Mapping, settingsOf, textOf } from './values.ts';

export interface Combination {
  path: Path;
  name: string;
  /** Names of groups, the first to be tried first where `isFixed`. */
  members: string[];
  isFixed: boolean;
}

const ROUTER = /^(auto|adaptive|complexity|quality|semantic)_router(\/|$)/;

/** Null where the entry is a deployment like others. */
export function combinationOf(params: Mapping, name: string, path: Path): Combination | null {
  if (!ROUTER.test(textOf(params.model) ?? '')) return null;
  const members = settingsOf(params).flatMap(([field, value]) => {
    if (field.endsWith('_default_model')) return textOf(value) ?? [];
    if (!field.endsWith('_router_config') || !isMapping(value)) return [];
    const tiers = settingsOf(value.tiers).flatMap(([, models]) => namesIn(models));
    return [...namesIn(value.available_models), ...tiers];
  });
  return { path, name, members: [...new Set(members)], isFixed: false };
}

/** `router_settings.routing_groups`. */
export function routingGroups(value: unknown, path: Path): Combination[] {
  return (Array.isArray(value) ? value : []).flatMap((group, index): Combination[] => {
    const name = isMapping(group) ? textOf(group.group_name) : null;
    if (!isMapping(group) || name === null) return [];
    const priorities = isMapping(group.model_priorities) ? group.model_priorities : {};
    const priority = (member: string): number => Number(priorities[member] ?? Number.MAX_SAFE_INTEGER);
    const isFixed = group.routing_strategy === 'priority';
    const members = [...new Set(namesIn(group.models))];
    return [
      {
        path: [...path, index],
        name,
        members: isFixed ? members.toSorted((a, b) => priority(a) - priority(b)) : members,
        isFixed,
      },
    ];
  });
}

/** A name, a list of names, or of mappings that have one. */
const namesIn = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).flatMap((one) => textOf(isMapping(one) ? one.model_name : one) ?? []);
