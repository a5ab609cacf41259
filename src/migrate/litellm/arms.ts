/** From deployments to the providers and models of Conduit's file: which are one arm, what each is called, what must be said. */
import { CATALOGUE_DATE, type CatalogueEntry, catalogueEntry, catalogueNames } from '../../config/catalogue.ts';
import { matchesGlob } from '../../config/glob.ts';
import { PRESETS, type Vendor, vendorOf } from '../../config/presets.ts';
import { knowsStreamOptions, overlaidParams, quirksOf } from '../../config/quirks.ts';
import type { Deployment } from './deployments.ts';
import type { Capability, Price } from './fields.ts';
import type { Notes } from './notes.ts';

export interface WrittenProvider {
  base_url: string;
  api_key?: string | string[];
  headers?: Record<string, string>;
  stream_usage?: boolean;
}

export interface WrittenModel {
  id: string;
  upstream?: string;
  price?: Price;
  context?: number;
  max_output?: number;
  supports?: Capability[];
  params?: { rename?: Record<string, string>; drop?: string[]; defaults?: Record<string, unknown> };
  timeouts?: { total_ms?: number; idle_ms?: number };
}

export interface Arm {
  model: WrittenModel;
  /** What the file says beside it. */
  comment: string | null;
  isChat: boolean;
  /** Whether a request's cost is known. */
  isPriced: boolean;
  order: number | null;
  /** What it is whatever its settings: two arms of the same are the same model. */
  sameAs: string;
}

export interface Arms {
  providers: Map<string, WrittenProvider>;
  /** In the order of the file, each id once. */
  arms: Arm[];
  /** LiteLLM's groups, in the order of the file. */
  groups: Map<string, Arm[]>;
  /** Of names with a `*`: a few to begin with. */
  starters: Arm[];
}

/** What LiteLLM's other sections say of every entry that does not say it itself. */
export interface CommonSettings {
  totalMs?: number;
  idleMs?: number;
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

function createProviders() {
  const written = new Map<string, WrittenProvider>();
  const names = new Map<string, string>();
  const named = ({ address, fields: { headers } }: Deployment, keys: readonly string[]): string => {
    const { baseUrl, vendor } = address;
    const identity = JSON.stringify([baseUrl, Object.entries(headers).sort(), keys]);
    const known = names.get(identity);
    if (known !== undefined) return known;
    const label = baseUrl.includes('${') ? null : new URL(baseUrl).hostname.split('.')[0];
    const byHost = label && /^[a-z][a-z0-9-]*$/i.test(label) && !/^(api|www|localhost)$/.test(label);
    const wished = [address.name, ...(byHost ? [`${address.name}-${label}`.slice(0, 60)] : [])];
    const name = firstFree(wished, address.name, (one) => written.has(one));
    const asks = knowsStreamOptions(vendor);
    written.set(name, {
      base_url: baseUrl,
      ...(keys.length > 0 && { api_key: keys.length === 1 ? keys[0]! : [...keys] }),
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(asks !== knowsStreamOptions(vendorOf(name, parsable(baseUrl))) && { stream_usage: asks }),
    });
    names.set(identity, name);
    return name;
  };
  return { written, named };
}

function firstFree(wished: readonly string[], base: string, isTaken: (name: string) => boolean): string {
  const free = wished.find((name) => !isTaken(name));
  if (free !== undefined) return free;
  let n = 2;
  while (isTaken(`${base}-${n}`)) n++;
  return `${base}-${n}`;
}

/** A variable in an address is not known yet: what host it is nobody can tell. */
const parsable = (baseUrl: string): string => (baseUrl.includes('${') ? 'https://not-set.invalid/v1' : baseUrl);

function armOf(
  { address, fields, path }: Deployment,
  provider: string,
  actual: Vendor | null,
  common: CommonSettings,
  notes: Notes,
): Arm {
  const { upstream, vendor } = address;
  // An Azure deployment has a name of its own: which model it is `base_model` says.
  const knownAs = fields.baseModel?.replace(/^[a-z_]+\//, '') ?? upstream;
  const found = catalogueEntry(actual, upstream);
  const known = catalogueEntry(vendor, knownAs);
  const isUnsaid = found === null && known !== null;
  // An embedding has no tokens of an answer.
  const own =
    fields.mode === 'embedding' && fields.price.input !== undefined ? { output: 0, ...fields.price } : fields.price;
  const priced = priceOf(own, known, isUnsaid, address.isLocal);
  const infoPath = [...path, 'model_info'];
  let comment: string | null = null;
  if (address.isLocal && priced.price?.input === 0 && fields.price.input === undefined)
    notes.changed([...infoPath, 'input_cost_per_token'], 'price 0: it runs on a machine of your own');
  if (!priced.isKnown) {
    comment = 'price not known: it counts as 0 until price: { input: …, output: … } says it (USD per million tokens)';
    notes.changed(
      [...infoPath, 'input_cost_per_token'],
      'no price is known: it counts as 0 until models[].price says it',
    );
  } else if (priced.isCatalogues && address.isAzure) {
    comment = `OpenAI’s own list prices of ${knownAs} (${CATALOGUE_DATE}): Azure’s may differ`;
    notes.changed(
      [...infoPath, 'input_cost_per_token'],
      `price and limits: OpenAI’s own of ${knownAs}; Azure’s may differ`,
    );
  }
  const supports = supportsOf(fields.supports, known ?? found, found);
  const params = paramsOf(fields, vendor, knownAs, actual, upstream);
  const id = `${provider}/${upstream.replace(/[\s\p{Cc}*,]/gu, '-')}`;
  const context = fields.context ?? (isUnsaid ? known.context : undefined);
  const maxOutput = fields.maxOutput ?? (isUnsaid ? (known.maxOutput ?? undefined) : undefined);
  return {
    model: {
      id,
      ...(id !== `${provider}/${upstream}` && { upstream }),
      ...(priced.price && { price: priced.price }),
      ...(context !== undefined && { context }),
      ...(maxOutput !== undefined && { max_output: maxOutput }),
      ...(supports && { supports }),
      ...(params && { params }),
      ...timeoutsOf({
        ...common,
        ...(fields.totalMs !== undefined && { totalMs: fields.totalMs }),
        ...(fields.idleMs !== undefined && { idleMs: fields.idleMs }),
      }),
    },
    comment,
    isChat: fields.mode === 'chat' || fields.mode === 'responses',
    isPriced: priced.isKnown,
    order: fields.order ?? null,
    sameAs: `${address.baseUrl} ${upstream}`,
  };
}

function timeoutsOf({ idleMs, totalMs }: CommonSettings): Pick<WrittenModel, 'timeouts'> {
  if (idleMs === undefined && totalMs === undefined) return {};
  return {
    timeouts: { ...(idleMs !== undefined && { idle_ms: idleMs }), ...(totalMs !== undefined && { total_ms: totalMs }) },
  };
}

/** As the config will be read: cache prices belong to an input price. */
function priceOf(
  own: Price,
  known: CatalogueEntry | null,
  isUnsaid: boolean,
  isLocal: boolean,
): { price: Price | null; isKnown: boolean; isCatalogues: boolean } {
  const hasOwn = Object.keys(own).length > 0;
  if (isLocal && own.input === undefined && own.output === undefined)
    return { price: { input: 0, output: 0, ...own }, isKnown: true, isCatalogues: false };
  if (!known) {
    const isKnown = own.input !== undefined && own.output !== undefined;
    return { price: hasOwn ? own : null, isKnown, isCatalogues: false };
  }
  const isWhole = own.input !== undefined && own.output !== undefined;
  if (!isUnsaid || isWhole) return { price: hasOwn ? own : null, isKnown: true, isCatalogues: false };
  const { input, output, ...cache } = known.price;
  const price = { input, output, ...(own.input === undefined && cache), ...own };
  return { price, isKnown: true, isCatalogues: true };
}

function supportsOf(
  own: ReadonlyMap<Capability, boolean>,
  known: CatalogueEntry | null,
  found: CatalogueEntry | null,
): Capability[] | null {
  const usual: readonly Capability[] = ['tools', 'json_schema'];
  const unsaid = new Set(found?.supports ?? usual);
  const meant = new Set(known?.supports ?? usual);
  for (const [capability, yes] of own) meant[yes ? 'add' : 'delete'](capability);
  const isSame = unsaid.size === meant.size && [...meant].every((capability) => unsaid.has(capability));
  return isSame ? null : [...meant];
}

function paramsOf(
  fields: Deployment['fields'],
  vendor: Vendor | null,
  knownAs: string,
  actual: Vendor | null,
  upstream: string,
): WrittenModel['params'] | null {
  const needed = quirksOf(vendor, knownAs);
  const unsaid = quirksOf(actual, upstream);
  const isUnsaid = JSON.stringify(needed) !== JSON.stringify(unsaid);
  const own = [...new Set(fields.drop)];
  const rename = Object.fromEntries(
    Object.entries(isUnsaid ? needed.rename : {}).filter(([name]) => !own.includes(name)),
  );
  const drop = [
    ...new Set([...(isUnsaid ? needed.drop : []).filter((name) => !Object.hasOwn(fields.defaults, name)), ...own]),
  ];
  // A default is sent under the name that the model knows.
  const effective = overlaidParams(isUnsaid ? needed : unsaid, { rename: {}, drop: own, defaults: {} }).rename;
  const defaults = Object.fromEntries(
    Object.entries(fields.defaults).map(([name, value]) => [
      Object.hasOwn(effective, name) ? effective[name] : name,
      value,
    ]),
  );
  const params = {
    ...(Object.keys(rename).length > 0 && { rename }),
    ...(drop.length > 0 && { drop }),
    ...(Object.keys(defaults).length > 0 && { defaults }),
  };
  return Object.keys(params).length > 0 ? params : null;
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
  const fitting = known.filter(
    (name) =>
      matchesGlob(address.upstream, name) && catalogueEntry(vendorOf(provider, parsable(address.baseUrl)), name),
  );
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
