/** From the text of a LiteLLM proxy's config to the text of Conduit's, and what became of each setting. */
import { type Environment, loadConfig, type Problem, problemLine } from '../../config/load.ts';
import { readDocument } from '../../config/yaml-document.ts';
import { armsOf } from './arms.ts';
import { readDeployments } from './deployments.ts';
import { documentText } from './document.ts';
import { createNotes, type Note, type Notes } from './notes.ts';
import { createReferences } from './references.ts';
import { routersOf } from './routers.ts';
import { readSettings } from './settings.ts';
import { isMapping, type Mapping, textOf } from './values.ts';

export interface LiteLlmFile {
  text: string;
  /** The text of a file that `include` names; null where it cannot be read. */
  include(name: string): string | null;
  /** The variables that are set where it is imported. None of their values comes into the text. */
  env: Environment;
}

export type Imported =
  | {
      ok: true;
      text: string;
      notes: readonly Note[];
      /** Variables that the text refers to, with what may stand in for each so that it can be checked. */
      standIns: Readonly<Record<string, string>>;
    }
  | { ok: false; why: string; notes: readonly Note[] };

const AS_PYYAML_READS = { version: '1.1' } as const;

export function importLiteLlm({ text, include, env }: LiteLlmFile): Imported {
  const notes = createNotes();
  const failed = (why: string): Imported => ({ ok: false, why, notes: notes.all });
  const read = readMapping(text);
  if (!read.ok) return failed(read.why);
  const document = withIncluded(read.document, include, notes);
  if (document === null) return failed('include: one of its files cannot be read');
  const list = document.model_list;
  if (!Array.isArray(list) || list.length === 0) {
    const inDatabase = 'models that LiteLLM keeps in its database are not in the file';
    return failed(
      `model_list: ${Array.isArray(list) ? 'empty' : list === undefined ? 'missing' : 'not a list'}; ${inDatabase}`,
    );
  }
  const references = createReferences(document.environment_variables, env);
  const settings = readSettings(document, references, notes);
  const { deployments, combinations, missing } = readDeployments(list, settings.credentials, references, notes);
  settings.routing.combinations.push(...combinations);
  const names = new Set([
    ...deployments.map(({ group }) => group),
    ...settings.routing.aliases.map(({ from }) => from),
    ...settings.routing.combinations.map(({ name }) => name),
  ]);
  const arms = armsOf(deployments, names, settings.common, notes);
  const placeOf = (group: string) => deployments.find((one) => one.group === group)?.path ?? ['model_list'];
  const routers = routersOf(
    arms.groups,
    arms.starters,
    settings.routing,
    (group) => [...placeOf(group), 'model_name'],
    notes,
  );
  tellOfOtherRoutes(arms.groups, (group) => [...placeOf(group), 'model_name'], notes);
  const answered = new Set([...routers.routers].flatMap(([name, { answers_to }]) => [name, ...(answers_to ?? [])]));
  const others = [...combinations.map(({ name }) => name), ...settings.routing.aliases.map(({ from }) => from)];
  const unanswered = [...new Set([...missing, ...others.filter((name) => !answered.has(name))])];
  if (unanswered.length > 0)
    notes.leftOut(['model_list'], `clients that send these names get a 404: ${unanswered.join(', ')}`);
  if (routers.routers.size === 0) return failed('no entry of model_list has become a chat model');
  const { standIns } = references;
  const written = documentText(arms, routers, settings);
  // Nothing is hashed that will be compared with anything.
  const loaded = loadConfig({ text: written, env: standIns, sha256Hex: (key) => key });
  if (loaded.ok) return { ok: true, text: written, notes: notes.all, standIns };
  return failed(`what it comes to is no valid config: ${loaded.problems.map(problemLine).join('; ')}`);
}

/** Embeddings and the like are passed on by a model's id, or by its upstream name. */
function tellOfOtherRoutes(
  groups: ReturnType<typeof armsOf>['groups'],
  placeOf: (group: string) => readonly PropertyKey[],
  notes: Notes,
): void {
  for (const [group, arms] of groups) {
    for (const { model, isChat } of arms) {
      const upstream = model.upstream ?? model.id.slice(model.id.indexOf('/') + 1);
      if (!isChat && group !== model.id && group !== upstream)
        notes.changed(
          placeOf(group),
          `clients must send ${model.id}, or the header x-conduit-provider: only chat models have other names`,
        );
    }
  }
}

type ReadMapping = { ok: true; document: Mapping } | { ok: false; why: string };

function readMapping(text: string): ReadMapping {
  const read = readDocument(text, AS_PYYAML_READS);
  if (!read.ok) return { ok: false, why: problemLine(read.problems[0] as Problem) };
  if (isMapping(read.document)) return { ok: true, document: read.document };
  return {
    ok: false,
    why: `${read.document === null ? 'empty' : 'not a mapping'} (allowed: a mapping with model_list)`,
  };
}

/** What an included file has instead of what was there, and not behind it. */
const replacedBy = (included: Mapping, before: Mapping): string[] =>
  Object.keys(included).filter((key) => key in before && !(Array.isArray(before[key]) && Array.isArray(included[key])));

/** As LiteLLM does it: lists are put one behind the other, of anything else the included file's counts. */
function withIncluded(document: Mapping, include: LiteLlmFile['include'], notes: Notes): Mapping | null {
  if (document.include === undefined || document.include === null) return document;
  if (!Array.isArray(document.include)) {
    notes.leftOut(['include'], 'not a list of files');
    return null;
  }
  let merged = document;
  for (const [index, file] of document.include.entries()) {
    const name = textOf(file);
    const text = name === null ? null : include(name);
    const read: ReadMapping = text === null ? { ok: false, why: 'cannot be read' } : readMapping(text);
    if (!read.ok) {
      notes.leftOut(['include', index], read.why);
      return null;
    }
    if ('include' in read.document) {
      notes.leftOut(['include', index], 'includes others in turn: name them all in the first file');
      return null;
    }
    notes.mapped(['include', index], 'read in; what it has of a list stands behind what this file has');
    for (const section of replacedBy(read.document, merged))
      notes.changed(
        [section],
        `${name} has it, too: that counts as a whole, in LiteLLM as well, and what stands here does not`,
      );
    const entries = Object.entries(read.document).map(([key, value]) => {
      const own = merged[key];
      return [key, Array.isArray(own) && Array.isArray(value) ? [...own, ...value] : value];
    });
    merged = { ...merged, ...Object.fromEntries(entries) };
  }
  return merged;
}
