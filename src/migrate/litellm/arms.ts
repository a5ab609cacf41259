/** From deployments to the providers and models of Conduit's file: which are one arm, and what each is called. */
import { catalogueEntry, catalogueNames } from '../../config/catalogue.ts';
import { matchesGlob } from '../../config/glob.ts';
import { PRESETS, vendorOf } from '../../config/presets.ts';
import { type Arm, armOf, type CommonSettings, timeoutsOf, type WrittenModel } from './arm.ts';
import type { Deployment } from './deployments.ts';
import type { Notes } from './notes.ts';
import { createProviders, parsable, type WrittenProvider } from './providers.ts';

export interface Arms {
  providers: Map<string, WrittenProvider>;
  /** In the order of the file, each id once. */
  arms: Arm[];
  /** LiteLLM's groups, in the order of the file. */
  groups: Map<string, Arm[]>;
  /** Of names with a `*`: a few to begin with. */
  starters: Arm[];
}

export function armsOf(
  deployments: readonly Deployment[],
  names: ReadonlySet<string>,
  common: CommonSettings,
  notes: Notes,
): Arms {
  const providers = createProviders();
  const result: Arms = { providers: providers.written, arms: [], groups: new Map(), starters: [] };
  const add = (arm: Arm, group: string): Arm => {
    const known = addressedBy(result.arms, arm, group, names);
    if (known) return known;
    result.arms.push(arm);
    return arm;
  };
  for (const same of sameArms(deployments)) {
    const first = same[0]!;
    const keys = [...new Set(same.flatMap(({ address }) => address.key?.text ?? []))];
    if (keys.length > 1)
      notes.changed(
        [...first.path, 'litellm_params', 'api_key'],
        `${keys.length} keys of one model: the next one is used where one gets a 401 or 429, not in turn`,
      );
    const name = providers.named(first, keys);
    const actual = vendorOf(name, parsable(first.address.baseUrl));
    if (first.address.upstream.includes('*')) {
      result.starters.push(...expand(first, name, result.arms, names, common, notes));
      continue;
    }
    const arm = add(armOf(first, name, actual, common, notes), first.group);
    const group = result.groups.get(first.group) ?? [];
    if (!group.includes(arm)) group.push(arm);
    result.groups.set(first.group, group);
  }
  return result;
}

/** Those of one group that differ in their keys alone are one arm. */
function sameArms(deployments: readonly Deployment[]): Deployment[][] {
  const found = new Map<string, Deployment[]>();
  for (const deployment of deployments) {
    const { baseUrl, upstream } = deployment.address;
    const { supports, ...fields } = deployment.fields;
    const identity = JSON.stringify([deployment.group, baseUrl, upstream, fields, [...supports]]);
    found.set(identity, [...(found.get(identity) ?? []), deployment]);
  }
  return [...found.values()];
}

/**
 * Gives the arm an id that nothing else has: neither a model with other settings nor a name that clients send, which a
 * router must answer. The arm of the same settings where there is one already.
 */
function addressedBy(arms: readonly Arm[], arm: Arm, group: string, names: ReadonlySet<string>): Arm | null {
  const { id, upstream, ...settings } = arm.model;
  const sanitised = group.replaceAll('*', 'any').replace(/[\s\p{Cc},${}]/gu, '-');
  const wished = [
    id,
    ...(names.has(id) ? [`${id}@upstream`] : []),
    `${id}@${sanitised}`,
    ...Array.from({ length: 1000 }, (_, n) => `${id}@${sanitised}-${n + 2}`),
  ];
  for (const name of wished) {
    if (names.has(name)) continue;
    const other = arms.find(({ model }) => model.id === name);
    if (other) {
      const { id: _, upstream: otherUpstream, ...otherSettings } = other.model;
      const isSame = JSON.stringify([otherSettings, other.order]) === JSON.stringify([settings, arm.order]);
      if (isSame && other.sameAs === arm.sameAs) return other;
      continue;
    }
    if (name !== id) Object.assign(arm.model, { id: name, upstream: upstream ?? id.slice(id.indexOf('/') + 1) });
    arm.model = ordered(arm.model);
    return null;
  }
  return null;
}

/** The name and what stands for it come first. */
const ordered = ({ id, upstream, ...rest }: WrittenModel): WrittenModel => ({
  id,
  ...(upstream !== undefined && { upstream }),
  ...rest,
});

/** `openai/*`: Conduit needs each model by its name, so those that its catalogue knows take the place of the `*`. */
function expand(
  { address, path }: Deployment,
  provider: string,
  arms: Arm[],
  names: ReadonlySet<string>,
  common: CommonSettings,
  notes: Notes,
): Arm[] {
  const at = [...path, 'model_name'];
  const known = address.vendor === null || address.isAzure ? [] : catalogueNames(address.vendor);
  const actual = vendorOf(provider, parsable(address.baseUrl));
  const fitting = known.filter((name) => matchesGlob(address.upstream, name) && catalogueEntry(actual, name));
  if (fitting.length === 0) {
    notes.leftOut(at, `no models for names that are not known: add each to models, as ${provider}/NAME`);
    return [];
  }
  const added = fitting.flatMap((name): Arm[] => {
    const id = `${provider}/${name}`;
    if (names.has(id) || arms.some(({ model }) => model.id === id)) return [];
    return [
      {
        model: { id, ...timeoutsOf(common) },
        comment: null,
        isChat: true,
        isPriced: true,
        order: null,
        sameAs: `${address.baseUrl} ${name}`,
      },
    ];
  });
  arms.push(...added);
  notes.changed(
    at,
    `the ${fitting.length} models that Conduit’s catalogue knows, asked for as ${provider}/NAME or NAME: add others to models by name`,
  );
  const starters = PRESETS.find(({ vendor }) => vendor === address.vendor)?.models ?? [];
  return added.filter(({ model }) => starters.some((name) => model.id === `${provider}/${name}`));
}
