/** docs/openapi.yaml, asked of an answer: whether its status, its headers and its body are as they are documented. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
// Strict, so that a misspelt keyword in a schema is an error and not a rule that nothing breaks.
import { Ajv2020, type AnySchema, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Node = Record<string, Json>;

export const text = readFileSync(join(import.meta.dirname, '../../docs/openapi.yaml'), 'utf8');
export const openapi = parse(text, { maxAliasCount: -1 }) as Node;

const ID = 'https://conduit.invalid/openapi';
const FIELD = /^(get|put|post|delete|patch|head|options|trace)$/;
/** What HTTP itself says, or the server that sends it. */
const OF_HTTP =
  /^(content-(type|length|encoding)|transfer-encoding|date|connection|keep-alive|vary|cache-control|etag)$/;

const withFormats = (ajv: Ajv2020): Ajv2020 => {
  addFormats.default(ajv);
  // The schemas refer to one another by their places in the whole document, whose own words are no rules.
  ajv.addVocabulary(Object.keys(openapi));
  return ajv.addSchema({ $id: ID, ...openapi } as AnySchema) as Ajv2020;
};
const settings = { strict: true, strictTypes: true, allowUnionTypes: true, allErrors: true } as const;
const bodies = withFormats(new Ajv2020(settings));
/** Headers and parameters are text, of which a schema may want a number. */
const texts = withFormats(new Ajv2020({ ...settings, coerceTypes: true }));

/** A place in the document, whose references have been followed. */
export interface Place {
  node: Node;
  pointer: string;
}

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

function follow(place: Place): Place {
  const { $ref } = place.node;
  return typeof $ref === 'string' ? at($ref.slice(1)) : place;
}

/** Throws where the document has nothing there. */
export function at(pointer: string): Place {
  let place: Place = { node: openapi, pointer: '' };
  for (const part of pointer.split('/').slice(1)) {
    const node = place.node[part.replaceAll('~1', '/').replaceAll('~0', '~')];
    if (typeof node !== 'object' || node === null) throw new Error(`the document has no ${pointer}`);
    place = follow({ node: node as Node, pointer: `${place.pointer}/${part}` });
  }
  return place;
}

const inside = (place: Place, name: string): Place | null =>
  place.node[name] === undefined ? null : at(`${place.pointer}/${escaped(name)}`);

const childrenOf = (place: Place | null): [string, Place][] =>
  place ? Object.keys(place.node).map((name) => [name, inside(place, name) as Place]) : [];

export interface Operation {
  /** As `GET /v1/models`. */
  name: string;
  place: Place;
  responses: [string, Place][];
}

export const operations: Operation[] = childrenOf(at('/paths')).flatMap(([path, item]) =>
  childrenOf(item)
    .filter(([method]) => FIELD.test(method))
    .map(([method, place]) => ({
      name: `${method.toUpperCase()} ${path}`,
      place,
      responses: childrenOf(inside(place, 'responses')),
    })),
);

const validators = new Map<string, ValidateFunction>();

/** What is wrong with a value by the schema at a place; empty where nothing is. */
export function problemsAt({ pointer }: Place, value: unknown, asText = false): string[] {
  const name = `${asText}${pointer}`;
  let validate = validators.get(name);
  if (!validate) {
    const $ref = `${ID}#${encodeURI(pointer)}`;
    // What is coerced needs something that holds it.
    validate = asText ? texts.compile({ type: 'object', properties: { value: { $ref } } }) : bodies.compile({ $ref });
    validators.set(name, validate);
  }
  if (validate(asText ? { value } : value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) =>
    [instancePath || 'it', message, JSON.stringify(params)].join(' '),
  );
}

export const responseOf = ({ responses }: Operation, status: number): Place | null =>
  (responses.find(([named]) => named === String(status)) ??
    responses.find(([named]) => named === `${`${status}`[0]}XX`))?.[1] ?? null;

/** The schema for a body of this content type; null where there is none. */
export function schemaOf(response: Place, contentType: string | null): Place | null {
  const content = childrenOf(inside(response, 'content'));
  const found =
    content.find(([type]) => type === contentType) ??
    content.find(([type]) => type === essence(contentType)) ??
    content.find(([type]) => type === '*/*');
  return (found && inside(found[1], 'schema')) ?? null;
}

const essence = (type: string | null): string | undefined => type?.split(';')[0];

/** What an answer says that the document does not, or the other way about. `also`: headers that it tells of elsewhere. */
export function problemsOf(operation: Operation, response: Response, body: string, also: RegExp | null): string[] {
  const documented = responseOf(operation, response.status);
  if (!documented) return [`the status ${response.status} is not documented`];
  const headers = childrenOf(inside(documented, 'headers'));
  const undocumented = [...response.headers.keys()].filter(
    (name) => !OF_HTTP.test(name) && !also?.test(name) && !headers.some(([known]) => known === name),
  );
  const problems = undocumented.map((name) => `the header ${name} is not documented`);
  for (const [name, header] of headers) {
    const value = response.headers.get(name);
    if (value !== null) {
      const wrong = problemsAt(inside(header, 'schema') as Place, value, true);
      problems.push(...wrong.map((problem) => `the header ${name}: ${problem}`));
    } else if (header.node.required === true) problems.push(`the header ${name} is missing`);
  }
  const type = response.headers.get('content-type');
  if (documented.node.content === undefined) return body === '' ? problems : [...problems, 'a body is not documented'];
  const schema = schemaOf(documented, type);
  if (!schema) return [...problems, `the content type ${type} is not documented`];
  const value = essence(type) === 'application/json' ? JSON.parse(body) : body;
  return [...problems, ...problemsAt(schema, value)];
}

/** Every `code` that an error with this schema may have; `upstream` where it is whatever an upstream says. */
export function codesAt(place: Place): string[] {
  if (place.pointer === '/components/schemas/UpstreamRefusal') return ['upstream'];
  const any = childrenOf(inside(place, 'anyOf')).flatMap(([, one]) => codesAt(one));
  const all = childrenOf(inside(place, 'allOf')).flatMap(([, one]) => codesAt(one));
  const error = inside(place, 'properties')?.node.error as
    | { properties?: { code?: { const?: Json; enum?: Json[] } } }
    | undefined;
  const code = error?.properties?.code;
  const own = code && 'const' in code ? [code.const] : (code?.enum ?? []);
  return [...any, ...all, ...own.map(String)];
}

/** Each place of the document at which a value is shown beside its schema. */
export function examplesIn(place: Place, name = ''): { name: string; schema: Place; value: Json; asText: boolean }[] {
  const schema = inside(place, 'schema');
  const here = schema && place.node.schema !== undefined ? shownAt(place, schema, name) : [];
  const deeper = Object.entries(place.node).flatMap(([key, node]) => {
    const isPlace =
      typeof node === 'object' && node !== null && !('$ref' in node) && !/^(schema|schemas|examples?)$/.test(key);
    return isPlace
      ? examplesIn({ node: node as Node, pointer: `${place.pointer}/${escaped(key)}` }, `${name}/${key}`)
      : [];
  });
  return [...here, ...deeper];
}

function shownAt(place: Place, schema: Place, name: string): ReturnType<typeof examplesIn> {
  const { example, examples = {} } = place.node as { example?: Json; examples?: Record<string, { value: Json }> };
  const asText = typeof place.node.in === 'string' && typeof example !== 'object';
  const several = Object.entries(examples).map(([key, { value }]) => ({
    name: `${name} (${key})`,
    schema,
    value,
    asText,
  }));
  return example === undefined ? several : [{ name, schema, value: example, asText }, ...several];
}
