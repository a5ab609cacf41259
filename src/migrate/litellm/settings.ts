/** Reads what stands beside `model_list`: `router_settings`, `litellm_settings`, `general_settings` and the rest. */
import { type Path, pathText } from '../../config/path.ts';
import type { CommonSettings } from './arm.ts';
import { routingGroups } from './combinations.ts';
import { milliseconds } from './fields.ts';
import { namedLists, type RoutingSettings } from './names.ts';
import type { Notes } from './notes.ts';
import { REDIS, readRedis } from './redis.ts';
import type { References } from './references.ts';
import { asksForNothing, SECTIONS, tellOf } from './sections.ts';
import { isMapping, type Mapping, numberOf, settingsOf, textOf } from './values.ts';

export interface ReadSettings {
  common: CommonSettings;
  routing: RoutingSettings;
  /** The URL of a Redis. */
  state: string | null;
  masterKey: string | null;
  maxBodyBytes: number | null;
  credentials: Map<string, Mapping>;
}

const ELSEWHERE = ['model_list', 'environment_variables', 'include', 'credential_list'];
const MOST_BODY_BYTES = 500_000_000;

export function readSettings(document: Mapping, references: References, notes: Notes): ReadSettings {
  const read: ReadSettings = {
    common: {},
    routing: {
      prefer: null,
      aliases: [],
      fallbacks: [],
      contextFallbacks: [],
      defaultFallbacks: null,
      combinations: [],
    },
    state: null,
    masterKey: null,
    maxBodyBytes: null,
    credentials: credentialsOf(document.credential_list, notes),
  };
  // What the router is told counts more than what the library is told.
  for (const section of ['litellm_settings', 'router_settings', 'general_settings'] as const) {
    const value = document[section];
    if (value === undefined || value === null) continue;
    if (!isMapping(value)) {
      notes.leftOut([section], 'not a mapping');
      continue;
    }
    for (const [name, setting] of settingsOf(value)) {
      if (asksForNothing(setting)) notes.mapped([section, name], 'nothing to set');
      else if (!readOne(section, name, setting, value, read, references, notes))
        tellOf(section, name, setting, [section, name], notes);
    }
  }
  for (const [name, value] of settingsOf(document)) {
    if (!ELSEWHERE.includes(name) && (name === '' || !Object.hasOwn(SECTIONS, name)))
      tellOf('', name, value, [name], notes);
  }
  for (const [name] of settingsOf(document.environment_variables))
    notes.changed(
      ['environment_variables', name],
      'a variable of the environment, or of a file .env beside the config; where the config refers to it, this value is its default',
    );
  if (read.masterKey === null && references.isSet('LITELLM_MASTER_KEY')) {
    read.masterKey = references.text('os.environ/LITELLM_MASTER_KEY', 'secret');
    notes.mapped(
      ['general_settings', 'master_key'],
      'not in the file, so LiteLLM takes it from LITELLM_MASTER_KEY: so does this',
    );
  }
  return read;
}

const settingsHas = (settings: Mapping, name: string): boolean =>
  settings[name] !== undefined && settings[name] !== null && !asksForNothing(settings[name]);

function readOne(
  section: string,
  name: string,
  value: unknown,
  siblings: Mapping,
  read: ReadSettings,
  references: References,
  notes: Notes,
): boolean {
  const path: Path = [section, name];
  const { routing, common } = read;
  const isRouting = section !== 'general_settings';
  if (isRouting && name === 'fallbacks') {
    for (const named of namedLists(value, path, notes)) {
      if (named.from === '*') setDefaultFallbacks(routing, named, notes);
      else routing.fallbacks.push(named);
    }
    return true;
  }
  if (isRouting && name === 'context_window_fallbacks') {
    routing.contextFallbacks.push(...namedLists(value, path, notes));
    return true;
  }
  if (isRouting && name === 'default_fallbacks') {
    setDefaultFallbacks(routing, { path, to: value }, notes);
    return true;
  }
  if (section === 'router_settings' && name === 'routing_groups') {
    const found = routingGroups(value, path);
    routing.combinations.push(...found);
    // Of each that is one, the routers tell.
    return found.length > 0;
  }
  if (isRouting && name === 'model_group_alias') {
    routing.aliases.push(...namedLists(value, path, notes));
    return true;
  }
  if (isRouting && (name === 'timeout' || name === 'request_timeout' || name === 'stream_timeout')) {
    const ms = milliseconds(value);
    if (ms === null)
      notes.leftOut(path, 'not a number of seconds above 0: write it in milliseconds, models[].timeouts');
    else if (name === 'stream_timeout') {
      common.idleMs = ms;
      notes.changed(
        path,
        'timeouts.idle_ms of each model without one: how long a stream may be silent; its first byte has 120 s',
      );
    } else {
      common.totalMs = ms;
      notes.mapped(path, 'timeouts.total_ms of each model without one');
    }
    return true;
  }
  if (section === 'router_settings' && name === 'routing_strategy') {
    routing.prefer = value === 'cost-based-routing' ? 'cost' : value === 'latency-based-routing' ? 'speed' : null;
    const preference = routing.prefer === null ? 'balanced, which is the default' : routing.prefer;
    notes.changed(path, `a router of several models learns which one to use, with prefer: ${preference}`);
    return true;
  }
  if (section === 'router_settings' && /^redis_(url|host|port|password|username|db|ssl)$/.test(name)) {
    // Told of once, at the first of them.
    if (name === REDIS.find((one) => settingsHas(siblings, one)))
      read.state = readRedis(section, siblings, references, notes);
    return true;
  }
  if (section === 'general_settings' && name === 'master_key') {
    readMasterKey(value, path, read, references, notes);
    return true;
  }
  if (name === 'max_request_size_mb') {
    const megabytes = numberOf(value);
    if (megabytes === null || megabytes <= 0) notes.leftOut(path, 'not a number above 0');
    else {
      read.maxBodyBytes = Math.min(MOST_BODY_BYTES, Math.max(1, Math.round(megabytes * 1_048_576)));
      notes.mapped(path, 'server.max_body_bytes');
    }
    return true;
  }
  return false;
}

/** They may be said in several places: the last one counts. */
function setDefaultFallbacks(
  routing: RoutingSettings,
  { path, to }: NonNullable<RoutingSettings['defaultFallbacks']>,
  notes: Notes,
): void {
  const before = routing.defaultFallbacks;
  if (before) notes.leftOut(before.path, `${pathText(path)} counts, which is for every group, too`);
  routing.defaultFallbacks = { path, to };
}

function readMasterKey(value: unknown, path: Path, read: ReadSettings, references: References, notes: Notes): void {
  const key = textOf(value);
  if (key === null || !/^[\x21-\x7e]+$/.test(key)) notes.leftOut(path, 'no ASCII text without blanks');
  else {
    read.masterKey = references.text(key, 'secret');
    const inClear = references.nameOf(key) === null ? ', in clear in the file: better keep it in a variable' : '';
    notes.changed(
      path,
      `an admin key that may call everything${inClear}; give clients keys of their own (conduit keys create)`,
    );
  }
}

function credentialsOf(list: unknown, notes: Notes): Map<string, Mapping> {
  const credentials = new Map<string, Mapping>();
  if (list === undefined || list === null) return credentials;
  for (const [index, one] of (Array.isArray(list) ? list : [list]).entries()) {
    const path: Path = ['credential_list', index];
    const name = isMapping(one) ? textOf(one.credential_name) : null;
    if (name === null || !isMapping(one) || !isMapping(one.credential_values))
      notes.leftOut(path, 'no credential_name, or no credential_values');
    else {
      credentials.set(name, one.credential_values);
      notes.mapped(path, 'in the providers of the models that name it');
    }
  }
  return credentials;
}
