/** Where a deployment of LiteLLM's is called: the provider's name and address in Conduit's file, and the model's name there. */
import { PRESETS, type Vendor } from '../../config/presets.ts';
import type { References } from './references.ts';
import { type Mapping, textOf } from './values.ts';
import { type Compatible, prefixByName, unknownVendor, vendorNamed } from './vendors.ts';

export interface Address {
  /** What the provider would best be called. */
  name: string;
  baseUrl: string;
  /** Null where the provider takes none. */
  key: { text: string; path: 'api_key' | 'model'; isLiteral: boolean } | null;
  upstream: string;
  vendor: Vendor | null;
  isAzure: boolean;
  isLocal: boolean;
  /** What a person should know of how the address came about. */
  remarks: { field: string; kind: 'mapped' | 'changed'; message: string }[];
}

export type FoundAddress = { ok: true; address: Address } | { ok: false; field: string; why: string };

/** Segments that LiteLLM reads as how to call a model, not as a part of its name. */
const SERIES = /^(o_series|gpt5_series|chat)\//;

export function addressOf(params: Mapping, references: References): FoundAddress {
  const full = textOf(params.model);
  if (full === null || references.nameOf(params.model) !== null)
    return {
      ok: false,
      field: 'model',
      why: full === null ? 'no model is named' : 'a model’s name must be in the file',
    };
  if (full === '*')
    return {
      ok: false,
      field: 'model',
      why: 'names that are not known go nowhere: add each to models, as PROVIDER/NAME',
    };
  const { prefix, name } = splitName(full, textOf(params.custom_llm_provider));
  if (prefix === null)
    return { ok: false, field: 'model', why: 'no provider is named: write it as PROVIDER/NAME, such as openai/NAME' };
  const upstream = name.replace(SERIES, '');
  if (/^responses\//.test(upstream))
    return {
      ok: false,
      field: 'model',
      why: 'called through the Responses API, which Conduit passes on and does not route',
    };
  if (upstream === '' || /[\s\p{Cc}]|\$\{/u.test(upstream))
    return { ok: false, field: 'model', why: 'no name of a model: empty, or with a blank or ${ in it' };
  const vendor = vendorNamed(prefix);
  if (vendor === 'azure') return azureAddress(prefix, upstream, params, references);
  if (vendor === null || vendor.kind === 'incompatible')
    return { ok: false, field: 'model', why: (vendor ?? unknownVendor(prefix)).why };
  return compatibleAddress(vendor, prefix, upstream, params, references);
}

function splitName(full: string, provider: string | null): { prefix: string | null; name: string } {
  const slash = full.indexOf('/');
  if (provider !== null) {
    const rest = full.startsWith(`${provider}/`) ? full.slice(provider.length + 1) : full;
    return { prefix: provider, name: rest };
  }
  if (slash > 0) return { prefix: full.slice(0, slash), name: full.slice(slash + 1) };
  return { prefix: prefixByName(full), name: full };
}

function compatibleAddress(
  vendor: Compatible,
  prefix: string,
  upstream: string,
  params: Mapping,
  references: References,
): FoundAddress {
  const remarks: Address['remarks'] = [];
  const given = textOf(params.api_base) ?? textOf(params.base_url);
  const { baseVariable = '', behindBase } = vendor;
  const isInVariable = vendor.baseUrl === null || references.isSet(baseVariable);
  const written = given ?? (isInVariable ? `os.environ/${baseVariable}` : null);
  let baseUrl = vendor.baseUrl ?? '';
  let { name, vendor: known } = vendor;
  if (written !== null) {
    const variable = references.nameOf(written);
    const text =
      variable !== null && behindBase ? references.below(variable, behindBase) : references.text(written, 'url');
    const trimmed = text.replace(/\/(chat\/completions\/?)?$/, '');
    if (variable === null && !isHttp(trimmed))
      return { ok: false, field: 'api_base', why: 'not an http or https address without user, query or fragment' };
    const host = variable === null ? new URL(trimmed).host : null;
    const official = PRESETS.find((preset) => host !== null && new URL(preset.baseUrl).host === host);
    baseUrl = official && vendor.otherProtocol ? official.baseUrl : trimmed;
    if (behindBase && !baseUrl.endsWith(behindBase.slice(1))) baseUrl += behindBase;
    if (official) {
      name = official.vendor;
      known = official.vendor;
    } else if (prefix === 'openai' || prefix === 'custom_openai') {
      // Any server that answers as OpenAI does: its models are not OpenAI's.
      name = nameOfServer(host, variable);
      known = null;
    } else if (vendor.otherProtocol) {
      const message = `must answer POST /chat/completions as OpenAI does: LiteLLM calls ${prefix} by its own protocol`;
      remarks.push({ field: 'api_base', kind: 'changed', message });
    }
    if (given === null)
      remarks.push({
        field: 'model',
        kind: 'mapped',
        message: `no api_base, so LiteLLM takes it from the variable ${baseVariable}: so does this`,
      });
  }
  const key = keyOf(params, vendor.keyVariable, known === null && prefix.endsWith('openai'), references);
  return {
    ok: true,
    address: {
      name,
      baseUrl,
      key,
      upstream,
      vendor: known,
      isAzure: false,
      isLocal: vendor.isLocal === true,
      remarks,
    },
  };
}

/** Azure's v1 endpoint takes OpenAI's requests, with the deployment's name as the model (learn.microsoft.com, API lifecycle). */
const AZURE_HOSTS = /\.(openai\.azure\.(com|us)|cognitiveservices\.azure\.(com|us)|services\.ai\.azure\.com)$/;
const V1 = '/openai/v1';

function azureAddress(prefix: string, upstream: string, params: Mapping, references: References): FoundAddress {
  const isAi = prefix === 'azure_ai';
  const written = textOf(params.api_base) ?? textOf(params.base_url) ?? `os.environ/AZURE_${isAi ? 'AI_' : ''}API_BASE`;
  const variable = references.nameOf(written);
  const remarks: Address['remarks'] = [];
  let baseUrl: string;
  if (variable !== null) {
    baseUrl = references.below(variable, V1);
    const end = baseUrl.endsWith(`}${V1}`) ? ', without a slash at its end' : '/, with that slash, as it is here';
    const message = `Azure’s v1 endpoint: ${variable} must be https://RESOURCE.openai.azure.com${end}`;
    remarks.push({ field: 'api_base', kind: 'changed', message });
  } else if (!isHttp(written)) {
    return { ok: false, field: 'api_base', why: 'not an http or https address without user, query or fragment' };
  } else {
    const url = new URL(written);
    const isServerless = isAi && /\/v1\/?$/.test(url.pathname);
    if (!isServerless && !AZURE_HOSTS.test(url.hostname))
      return {
        ok: false,
        field: 'api_base',
        why: 'not the address of an Azure OpenAI resource: what stands in between must answer POST /chat/completions; then write it as openai/NAME with its api_base',
      };
    baseUrl = isServerless ? written.replace(/\/+$/, '') : `${url.origin}${V1}`;
    if (!isServerless)
      remarks.push({ field: 'api_base', kind: 'changed', message: 'Azure’s v1 endpoint of this resource' });
  }
  if (/^claude/.test(upstream))
    return { ok: false, field: 'model', why: 'Azure serves Claude by Anthropic’s own protocol' };
  const entra = ['azure_ad_token', 'tenant_id', 'client_id', 'azure_username'].find(
    (name) => textOf(params[name]) !== null,
  );
  if (entra !== undefined && textOf(params.api_key) === null)
    return { ok: false, field: entra, why: 'tokens of Microsoft Entra end after an hour: use the resource’s API key' };
  const key = keyOf(params, isAi ? 'AZURE_AI_API_KEY' : 'AZURE_API_KEY', false, references);
  const address = { name: 'azure', baseUrl, key, upstream, vendor: 'openai' as const };
  return { ok: true, address: { ...address, isAzure: true, isLocal: false, remarks } };
}

const KEY = /^[\x21-\x7e]+$/;

function keyOf(
  params: Mapping,
  variable: string | undefined,
  isOwnServer: boolean,
  references: References,
): Address['key'] {
  const written = textOf(params.api_key);
  if (written !== null && KEY.test(written)) {
    const isLiteral = references.nameOf(written) === null;
    // The word that Conduit has for passing on the caller's own key.
    if (isLiteral && written === 'passthrough') return null;
    return { text: references.text(written, 'secret'), path: 'api_key', isLiteral };
  }
  if (variable === undefined || isOwnServer) return null;
  return { text: references.text(`os.environ/${variable}`, 'secret'), path: 'model', isLiteral: false };
}

function isHttp(text: string): boolean {
  if (!/^https?:\/\/[^\s?#]+$/i.test(text) || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}

/** `vllm` of `vllm.internal:8000`, `qwen-server` of the variable `QWEN_SERVER_API_BASE`. */
function nameOfServer(host: string | null, variable: string | null): string {
  const labels = (host ?? '').replace(/:\d+$/, '').split('.');
  const isNumbers = host !== null && (/^[\d.]+$/.test(labels.join('.')) || host.startsWith('['));
  const from =
    variable
      ?.replace(/_?(API_)?(BASE_URL|BASE|URL|ENDPOINT|HOST)$/, '')
      .toLowerCase()
      .replaceAll('_', '-') ??
    (isNumbers || labels[0] === 'localhost' ? 'local' : labels.find((label) => !/^(api|www|llm|v\d)$/.test(label)));
  const name =
    (from ?? '')
      .replace(/[^A-Za-z0-9._-]/g, '')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 48) || 'server';
  // A provider of a known one's name has that one's models.
  return PRESETS.some(({ vendor }) => vendor === name) ? `${name}-server` : name;
}
