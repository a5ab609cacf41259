/** Checks what the parts of a config say of each other: names that must exist, be unique, or not clash. */
import { isLoopback } from './loopback.ts';
import { pathText } from './path.ts';
import type { Problem } from './problems.ts';
import { writtenRouters } from './resolve.ts';
import type { WrittenConfig } from './schema.ts';
import { didYouMean } from './suggest.ts';

export function referenceProblems(config: WrittenConfig): Problem[] {
  return [...keyProblems(config), ...modelProblems(config), ...routerProblems(config), ...storeProblems(config)];
}

function keyProblems({ keys, server, models, ...config }: WrittenConfig): Problem[] {
  const problems: Problem[] = [];
  if (keys.length === 0 && !isLoopback(server.host)) {
    problems.push({
      path: 'server.host',
      message: 'without keys everybody who reaches this host could use your providers: add keys',
      allowed: 'without keys: 127.0.0.1, ::1, localhost',
    });
  }
  const routers = Object.keys(writtenRouters({ keys, server, models, ...config }));
  problems.push(
    ...repeated(keys.map((key) => key.name)).map((index) => ({
      path: `keys[${index}].name`,
      message: 'another key has this name',
    })),
  );
  const secrets = keys.map((key) => key.key ?? key.key_sha256?.toLowerCase() ?? key.name);
  problems.push(
    ...repeated(secrets).map((index) => ({ path: `keys[${index}]`, message: 'the same key as another one' })),
  );
  keys.forEach((key, index) => {
    const path = `keys[${index}]`;
    if ((key.key === undefined) === (key.key_sha256 === undefined)) {
      const message = key.key === undefined ? 'neither key nor key_sha256' : 'both key and key_sha256';
      problems.push({ path, message, allowed: 'exactly one of them' });
    }
    key.routers?.forEach((router, at) => {
      if (!routers.includes(router)) problems.push(unknownName(`${path}.routers[${at}]`, 'router', router, routers));
    });
  });
  return problems;
}

function modelProblems({ models, providers }: WrittenConfig): Problem[] {
  const names = Object.keys(providers);
  const problems: Problem[] = repeated(models.map((model) => model.id)).map((index) => ({
    path: `models[${index}].id`,
    message: 'another model has this id',
  }));
  models.forEach((model, index) => {
    const provider = model.id.slice(0, model.id.indexOf('/'));
    if (!names.includes(provider)) problems.push(unknownName(`models[${index}].id`, 'provider', provider, names));
    problems.push(...paramsProblems(model.params, `models[${index}].params`));
  });
  return [...problems, ...renameProblems(models)];
}

/** Evidence that counted for two models would be counted twice. */
function renameProblems(models: WrittenConfig['models']): Problem[] {
  const problems: Problem[] = [];
  const ids = models.map((model) => model.id);
  const heirs = new Map<string, string>();
  models.forEach(({ id, was }, index) => {
    was.forEach((earlier, at) => {
      const path = `models[${index}].was[${at}]`;
      const heir = heirs.get(earlier);
      if (ids.includes(earlier)) {
        problems.push({ path, message: `${earlier} is a model of this config, and keeps its evidence itself` });
      } else if (heir === id) problems.push({ path, message: 'this id is here twice' });
      else if (heir !== undefined) problems.push({ path, message: `${heir} has the evidence of ${earlier} already` });
      else heirs.set(earlier, id);
    });
  });
  return problems;
}

/** These belong to the proxy: without them, or with others, it could not do its work. */
const UNTOUCHABLE = ['model', 'messages', 'stream'];

function paramsProblems(params: WrittenConfig['models'][number]['params'], path: string): Problem[] {
  if (params === 'as-is') return [];
  const problems: Problem[] = [];
  const named = [
    ...Object.entries(params.rename).flatMap(([from, to]) =>
      [from, to].map((name) => ({ name, at: `${path}.rename` })),
    ),
    ...params.drop.map((name) => ({ name, at: `${path}.drop` })),
    ...Object.keys(params.defaults).map((name) => ({ name, at: `${path}.defaults` })),
  ];
  for (const { name, at } of named) {
    if (UNTOUCHABLE.includes(name)) problems.push({ path: at, message: `${name} cannot be changed` });
  }
  for (const name of params.drop) {
    if (Object.hasOwn(params.rename, name)) problems.push({ path: `${path}.drop`, message: `${name} is renamed too` });
  }
  const targets = Object.values(params.rename);
  for (const index of repeated(targets))
    problems.push({ path: `${path}.rename`, message: `two fields become ${targets[index]}` });
  return problems;
}

function routerProblems(config: WrittenConfig): Problem[] {
  const routers = Object.entries(writtenRouters(config));
  const ids = config.models.map((model) => model.id);
  const problems: Problem[] = [];
  /** Every name that a client may send, and what it is. */
  const taken = new Map<string, string>(ids.map((id) => [id, 'a model id']));
  for (const [name] of routers) taken.set(name, "a router's name");
  for (const [name, router] of routers) {
    const path = pathText(['routers', name]);
    router.models.forEach((model, index) => {
      if (!ids.includes(model)) problems.push(unknownName(`${path}.models[${index}]`, 'model', model, ids));
    });
    problems.push(
      ...repeated(router.models).map((index) => ({
        path: `${path}.models[${index}]`,
        message: 'this model is here twice',
      })),
    );
    router.answers_to.forEach((alias, index) => {
      const clash = taken.get(alias);
      if (clash) problems.push({ path: `${path}.answers_to[${index}]`, message: `${alias} is already ${clash}` });
      else taken.set(alias, `answered by router ${name}`);
    });
    const { prefer, guarantee } = router;
    if (router.on_budget === 'reject' && router.usd_per_day === undefined)
      problems.push({
        path: `${path}.on_budget`,
        message: 'reject says what happens when usd_per_day is spent, and there is none',
        allowed: 'cheapest, or reject beside usd_per_day',
      });
    if (guarantee && !router.models.includes(guarantee.baseline))
      problems.push(
        unknownName(`${path}.guarantee.baseline`, 'model of this router', guarantee.baseline, router.models),
      );
    if (typeof prefer === 'object' && Object.keys(prefer).length === 0) {
      problems.push({ path: `${path}.prefer`, message: 'empty', allowed: 'usd_per_point, seconds_per_point or both' });
    }
  }
  return problems;
}

function storeProblems({ stores: { durable, folder, supabase } }: WrittenConfig): Problem[] {
  const problems: Problem[] = [];
  if (durable === 'supabase' && !supabase) {
    problems.push({ path: 'stores.supabase', message: 'missing', allowed: 'url and service_role_key' });
  }
  if (supabase && durable !== 'supabase') {
    const message = 'of use only with durable: supabase';
    problems.push({ path: 'stores.supabase', message, allowed: 'durable: supabase' });
  }
  if (supabase?.service_role_key.startsWith('sb_publishable_')) {
    problems.push({
      path: 'stores.supabase.service_role_key',
      message: 'this is the publishable key, which may not read or write anything here',
      allowed: 'a secret key (sb_secret_…) or the service_role key',
    });
  }
  if (folder?.startsWith('~')) {
    problems.push({
      path: 'stores.folder',
      message: '~ is not expanded: it would be a folder of that name',
      allowed: "a whole path, or one from the config's folder on",
    });
  }
  return problems;
}

/** Indices of what stands in the list before. */
function repeated(names: readonly string[]): number[] {
  return names.flatMap((name, index) => (names.indexOf(name) < index ? [index] : []));
}

function unknownName(path: string, what: string, name: string, known: readonly string[]): Problem {
  return { path, message: `no such ${what}${didYouMean(name, known)}`, allowed: known.join(', ') };
}
