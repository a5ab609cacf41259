/** One arm: a model of Conduit's file, with what the file must say since Conduit would not find it by itself. */
import { CATALOGUE_DATE, type CatalogueEntry, catalogueEntry } from '../../config/catalogue.ts';
import type { Vendor } from '../../config/presets.ts';
import { overlaidParams, quirksOf } from '../../config/quirks.ts';
import type { Deployment } from './deployments.ts';
import type { Capability, Price } from './fields.ts';
import type { Notes } from './notes.ts';
import { prefixByName, vendorNamed } from './vendors.ts';

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

/** What LiteLLM's other sections say of every entry that does not say it itself. */
export interface CommonSettings {
  totalMs?: number;
  idleMs?: number;
}

export function armOf(
  { address, fields, path }: Deployment,
  provider: string,
  actual: Vendor | null,
  common: CommonSettings,
  notes: Notes,
): Arm {
  const { upstream } = address;
  // An Azure deployment has a name of its own, and so may have what a server of the user's own calls its models.
  const { vendor, knownAs } = meantBy(fields.baseModel, address);
  const found = catalogueEntry(actual, upstream);
  const known = catalogueEntry(vendor, knownAs);
  const isUnsaid = found === null && known !== null;
  // An embedding has no tokens of an answer.
  const own =
    fields.mode === 'embedding' && fields.price.input !== undefined ? { output: 0, ...fields.price } : fields.price;
  const priced = priceOf(own, known, isUnsaid, address.isLocal);
  const infoPath = [...path, 'model_info'];
  const isChat = fields.mode === 'chat' || fields.mode === 'responses';
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
  } else if (priced.isCatalogues && address.vendor === null) {
    comment = `list prices of ${vendor}/${knownAs} (${CATALOGUE_DATE}), which base_model named: this server’s may differ`;
    notes.changed(
      [...infoPath, 'input_cost_per_token'],
      `price and limits: those of ${vendor}/${knownAs}, which base_model names`,
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
    isChat,
    isPriced: priced.isKnown,
    order: fields.order ?? null,
    sameAs: `${address.baseUrl} ${upstream}`,
  };
}

/** What `base_model` says where it names a model of somebody whom the address does not tell; else what the address tells. */
function meantBy(
  base: string | null,
  { vendor, upstream }: Deployment['address'],
): { vendor: Vendor | null; knownAs: string } {
  if (base === null) return { vendor, knownAs: upstream };
  const [, prefix = null, name = base] = /^([a-z_]+)\/(.*)$/s.exec(base) ?? [];
  return { vendor: vendor ?? vendorOf(prefix ?? prefixByName(name) ?? ''), knownAs: name };
}

function vendorOf(prefix: string): Vendor | null {
  const named = vendorNamed(prefix);
  if (named === 'azure') return 'openai';
  return named?.kind === 'compatible' ? named.vendor : null;
}

export function timeoutsOf({ idleMs, totalMs }: CommonSettings): Pick<WrittenModel, 'timeouts'> {
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
