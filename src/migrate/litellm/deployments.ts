/** Reads LiteLLM's `model_list`: what can be called from here on, by the name that clients send. */
import type { Path } from '../../config/path.ts';
import { type Address, addressOf } from './address.ts';
import { type Combination, combinationOf } from './combinations.ts';
import { type Fields, fieldsOf } from './fields.ts';
import type { Notes } from './notes.ts';
import type { References } from './references.ts';
import { isMapping, type Mapping, settingsOf, textOf } from './values.ts';

export interface Deployment {
  path: Path;
  /** LiteLLM's `model_name`; several deployments of one name are a group. */
  group: string;
  address: Address;
  fields: Fields;
}

/** Of entries that cannot be called so: the names that will be missing. */
export interface ReadDeployments {
  deployments: Deployment[];
  combinations: Combination[];
  missing: ReadonlySet<string>;
}

export function readDeployments(
  list: readonly unknown[],
  credentials: ReadonlyMap<string, Mapping>,
  references: References,
  notes: Notes,
): ReadDeployments {
  const missing = new Set<string>();
  const combinations: Combination[] = [];
  const deployments = list.flatMap((entry, index): Deployment[] => {
    const path: Path = ['model_list', index];
    if (!isMapping(entry)) {
      notes.leftOut(path, 'not a mapping');
      return [];
    }
    const group = textOf(entry.model_name);
    if (group === null) {
      notes.leftOut([...path, 'model_name'], 'missing: the whole entry is left out');
      return [];
    }
    const combination = isMapping(entry.litellm_params) ? combinationOf(entry.litellm_params, group, path) : null;
    if (combination !== null) {
      combinations.push(combination);
      tellOfCombination(entry, path, notes);
      return [];
    }
    const deployment = readDeployment(entry, group, path, credentials, references, notes);
    if (deployment === null) missing.add(group);
    for (const [name] of settingsOf(entry)) {
      if (!['model_name', 'litellm_params', 'model_info'].includes(name))
        notes.leftOut([...path, name], 'no counterpart in Conduit');
    }
    return deployment === null ? [] : [deployment];
  });
  for (const { group } of deployments) missing.delete(group);
  return { deployments, combinations, missing };
}

function tellOfCombination(entry: Mapping, path: Path, notes: Notes): void {
  for (const [name] of settingsOf(entry.litellm_params)) {
    const at = [...path, 'litellm_params', name];
    if (name === 'model') continue;
    if (/_router_config$|_default_model$/.test(name))
      notes.changed(at, 'its groups alone: weights, tiers and keywords are for what the router learns by itself');
    else notes.leftOut(at, 'nothing to set: the router learns');
  }
  if (isMapping(entry.model_info)) notes.leftOut([...path, 'model_info'], 'nothing to set: the models have theirs');
}

function readDeployment(
  entry: Mapping,
  group: string,
  path: Path,
  credentials: ReadonlyMap<string, Mapping>,
  references: References,
  notes: Notes,
): Deployment | null {
  const inParams = (field: string): Path => [...path, 'litellm_params', field];
  if (!isMapping(entry.litellm_params)) {
    notes.leftOut([...path, 'litellm_params'], 'missing: the whole entry is left out');
    return null;
  }
  const credential = textOf(entry.litellm_params.litellm_credential_name);
  const values = credential === null ? undefined : credentials.get(credential);
  if (credential !== null) {
    if (values) notes.mapped(inParams('litellm_credential_name'), 'what credential_list has under that name');
    else notes.leftOut(inParams('litellm_credential_name'), 'not in credential_list: it may be in LiteLLM’s database');
  }
  const params = { ...values, ...withoutEmpty(entry.litellm_params) };
  if (textOf(params.mock_response) !== null) {
    notes.leftOut(inParams('mock_response'), 'no made-up answers: the whole entry is left out');
    return null;
  }
  const found = addressOf(params, references);
  if (!found.ok) {
    notes.leftOut(inParams(found.field), `${found.why}. The whole entry is left out`);
    return null;
  }
  const { address } = found;
  notes.mapped([...path, 'model_name'], 'a name that clients go on sending');
  notes.mapped(inParams('model'), `a model of the provider ${address.name}`);
  for (const remark of address.remarks)
    notes[remark.kind === 'mapped' ? 'mapped' : 'changed'](inParams(remark.field), remark.message);
  for (const field of ['api_base', 'base_url', 'custom_llm_provider']) {
    const isTold = address.remarks.some((remark) => remark.field === field);
    if (textOf(params[field]) !== null && !isTold)
      notes.mapped(
        inParams(field),
        field === 'custom_llm_provider' ? 'which provider it is' : 'the provider’s base_url',
      );
  }
  if (address.key?.path === 'api_key')
    if (address.key.isLiteral)
      notes.changed(
        inParams('api_key'),
        'a key in clear, written to the file as it is: better keep it in a variable, "${NAME}"',
      );
    else notes.mapped(inParams('api_key'), 'the provider’s api_key');
  else if (address.key)
    notes.mapped(inParams('model'), 'no api_key, so LiteLLM takes it from the provider’s variable: so does this');
  else if (textOf(params.api_key) !== null)
    notes.leftOut(inParams('api_key'), 'no ASCII text without blanks, or the word passthrough: no key can be sent');
  const info = isMapping(entry.model_info) ? withoutEmpty(entry.model_info) : {};
  return { path, group, address, fields: fieldsOf(params, info, path, references, notes) };
}

const withoutEmpty = (mapping: Mapping): Mapping => Object.fromEntries(settingsOf(mapping));
