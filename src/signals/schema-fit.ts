/**
 * Whether a value fits a JSON Schema, within bounds. Both are strangers': the schema is the client's and the value a
 * model's, and together they could keep a validator busy for hours.
 */
import { type Schema, Validator } from '@cfworker/json-schema';
import { stepsOf } from './pattern-steps.ts';

/** `unknown` where the schema is none that can be judged by, or the judgement would take too long. */
export type Fit = 'fits' | 'misfits' | 'unknown';

/** Of some ten nanoseconds each, for all that one answer is judged by: ordinary schemas use a hundredth. */
const MAX_STEPS = 2_000_000;
/** Of looking at one value by one schema, beside what its lists and patterns take. */
const STEPS_OF_A_LOOK = 100;
/** Of copying one part of a schema and noting where it is. */
const STEPS_OF_A_PART = 100;
const STEPS_OF_A_VALUE = 5;
const STEPS_OF_A_LINK = 500;
const STEPS_OF_A_DIVISION = 200;
/** The contents of lists count too, which are compared one by one. */
const MAX_SCHEMA_PARTS = 5000;
/** The validator notes all that is in a schema with an id of its own twice, and four times where there is another in it. */
const MAX_IDS = 3;
/** An object of more members is walked too often by the validator. */
const MAX_MEMBERS = 1000;

/** What all schemas that one answer is judged by may take together, and those that are prepared, each once. */
export interface Judging {
  steps: number;
  readonly prepared: Map<unknown, Prepared | null>;
}

interface Prepared {
  readonly validator: Validator;
  /** How large the value is that is looked at now. */
  readonly looking: { extent: Extent };
}

export const startJudging = (): Judging => ({ steps: 0, prepared: new Map() });

/**
 * By draft 2020-12. `format` is an annotation there and is passed over. A `$ref` to elsewhere is not fetched: such a schema
 * is unknown.
 */
export function fitOf(value: unknown, schema: unknown, judging: Judging = startJudging()): Fit {
  try {
    const prepared = preparedFor(schema, judging);
    if (prepared === null) return 'unknown';
    prepared.looking.extent = extentOf(value);
    take(judging, STEPS_OF_A_VALUE * prepared.looking.extent.values);
    return prepared.validator.validate(value).valid ? 'fits' : 'misfits';
  } catch {
    // Endless, too deep, or out of bounds.
    return 'unknown';
  }
}

function preparedFor(schema: unknown, judging: Judging): Prepared | null {
  const known = judging.prepared.get(schema);
  if (known !== undefined) return known;
  // Where it throws there is none, which is not found out again.
  judging.prepared.set(schema, null);
  const looking = { extent: NO_EXTENT };
  const copy = schemaToJudgeBy(schema, { judging, looking, parts: 0, ids: 0 });
  // One error is enough.
  const prepared = { validator: new Validator(copy, '2020-12', true), looking };
  judging.prepared.set(schema, prepared);
  return prepared;
}

function take(judging: Judging, steps: number): void {
  judging.steps += steps;
  // As it is written for steps that are no number.
  if (!(judging.steps <= MAX_STEPS)) throw new OutOfBounds();
}

interface Extent {
  values: number;
  longestText: number;
  longestList: number;
  mostMembers: number;
}

const NO_EXTENT: Readonly<Extent> = { values: 0, longestText: 0, longestList: 0, mostMembers: 0 };

interface Bounds {
  judging: Judging;
  looking: { extent: Extent };
  parts: number;
  ids: number;
}

class OutOfBounds extends Error {}

function extentOf(value: unknown, extent: Extent = { ...NO_EXTENT }): Extent {
  extent.values++;
  if (typeof value === 'string') extent.longestText = Math.max(extent.longestText, value.length);
  else if (Array.isArray(value)) {
    extent.longestList = Math.max(extent.longestList, value.length);
    for (const item of value) extentOf(item, extent);
  } else if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value);
    if (members.length > MAX_MEMBERS) throw new OutOfBounds();
    extent.mostMembers = Math.max(extent.mostMembers, members.length);
    for (const [name, member] of members) {
      extent.longestText = Math.max(extent.longestText, name.length);
      extentOf(member, extent);
    }
  }
  return extent;
}

const TYPES: readonly unknown[] = ['null', 'boolean', 'object', 'array', 'number', 'integer', 'string'];
/** Keywords under which names stand for schemas. */
const MAPS = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'];
/** Values, which are compared and no schemas. */
const LITERALS = ['const', 'enum', 'required', 'dependentRequired', 'type'];
/** Nothing is judged by these; `__absolute…` are the validator's own notes. */
const PASSED_OVER = ['format', 'default', 'examples', 'example', '__absolute_uri__', '__absolute_ref__'];
/** The validator reads this note once for each look, and never writes it where there is no `$recursiveRef`. */
const READ_AT_EACH_LOOK = '__absolute_recursive_ref__';

/** A copy, since the validator writes its notes into what it is given, that counts what is done by it. */
function schemaToJudgeBy(schema: unknown, bounds: Bounds): Schema | boolean {
  if (typeof schema === 'boolean') return schema;
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) throw new OutOfBounds();
  return partOf(schema, bounds) as Schema;
}

function partOf(part: unknown, bounds: Bounds): unknown {
  countPart(bounds);
  if (Array.isArray(part)) return part.map((item) => partOf(item, bounds));
  if (typeof part !== 'object' || part === null) return part;
  const keywords = part as Readonly<Record<string, unknown>>;
  const types = Array.isArray(keywords.type) ? keywords.type : [keywords.type ?? 'object'];
  // Some write types of another language, by which nothing would fit.
  if (!types.every((type) => TYPES.includes(type)) || '$recursiveRef' in keywords) throw new OutOfBounds();
  if (keywords.$id !== undefined || keywords.id !== undefined) bounds.ids++;
  if (bounds.ids > MAX_IDS) throw new OutOfBounds();
  for (const link of ['$id', 'id', '$ref', '$anchor']) if (link in keywords) take(bounds.judging, STEPS_OF_A_LINK);
  const copied: [string, unknown][] = [];
  let literals = 0;
  for (const [keyword, value] of Object.entries(keywords)) {
    if (PASSED_OVER.includes(keyword) || keyword === READ_AT_EACH_LOOK) continue;
    if (LITERALS.includes(keyword)) {
      literals += stepsOfLiteral(value, bounds);
      copied.push([keyword, value]);
    } else if (MAPS.includes(keyword)) copied.push([keyword, mapOf(value, bounds)]);
    else copied.push([keyword, partOf(value, bounds)]);
  }
  const copy = Object.fromEntries(copied);
  const { judging, looking } = bounds;
  let extent: Extent = NO_EXTENT;
  let steps = 0;
  Object.defineProperty(copy, READ_AT_EACH_LOOK, {
    get() {
      if (extent !== looking.extent) {
        extent = looking.extent;
        steps = literals + stepsOfLook(keywords, extent);
      }
      take(judging, steps);
      return undefined;
    },
  });
  return copy;
}

function countPart(bounds: Bounds): void {
  if (++bounds.parts > MAX_SCHEMA_PARTS) throw new OutOfBounds();
  take(bounds.judging, STEPS_OF_A_PART);
}

/** Of comparing a value with all that is in a literal, and of writing it into the validator's message where it is another. */
function stepsOfLiteral(literal: unknown, bounds: Bounds): number {
  countPart(bounds);
  if (typeof literal === 'string') return 5 + literal.length / 4;
  if (typeof literal !== 'object' || literal === null) return 5;
  let steps = 5;
  for (const [name, member] of Object.entries(literal)) {
    steps += 5 + name.length / 4 + stepsOfLiteral(member, bounds);
  }
  return steps;
}

function mapOf(map: unknown, bounds: Bounds): unknown {
  if (typeof map !== 'object' || map === null) throw new OutOfBounds();
  return Object.fromEntries(Object.entries(map).map(([name, part]) => [name, partOf(part, bounds)]));
}

/** At most so many, whatever value is looked at. */
function stepsOfLook(keywords: Readonly<Record<string, unknown>>, extent: Extent): number {
  const { values, longestText, longestList, mostMembers } = extent;
  const { uniqueItems, pattern, patternProperties, minLength, maxLength } = keywords;
  let steps = STEPS_OF_A_LOOK;
  // A member or an item is passed over for some steps, even where anything is right for it.
  for (const keyword of BY_MEMBER) if (keyword in keywords) steps += 10 * mostMembers;
  for (const keyword of BY_ITEM) if (keyword in keywords) steps += 10 * longestList;
  for (const keyword of MAPS) steps += 10 * sizeOf(keywords[keyword]);
  // Each branch is handed what the one before has seen of the members.
  for (const keyword of BRANCHES)
    steps += sizeOf(keywords[keyword]) * (STEPS_OF_A_LOOK + 5 * Math.max(mostMembers, longestList));
  if (keywords.$ref !== undefined) steps += STEPS_OF_A_LOOK;
  if (uniqueItems) steps += longestList * values;
  if (minLength !== undefined || maxLength !== undefined) steps += longestText / 4;
  if (keywords.multipleOf !== undefined) steps += STEPS_OF_A_DIVISION;
  if (typeof pattern === 'string') steps += stepsOfPattern(pattern, longestText);
  if (typeof patternProperties === 'object' && patternProperties !== null) {
    for (const name of Object.keys(patternProperties)) steps += mostMembers * stepsOfPattern(name, longestText);
  }
  return steps;
}

const BY_MEMBER = [
  'properties',
  'required',
  'minProperties',
  'maxProperties',
  'propertyNames',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
];
const BY_ITEM = ['items', 'additionalItems', 'prefixItems', 'contains', 'unevaluatedItems'];
const BRANCHES = ['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else'];

const sizeOf = (part: unknown): number => (typeof part === 'object' && part !== null ? Object.keys(part).length : 0);

/** To compile it and to look for it. */
const stepsOfPattern = (pattern: string, length: number): number => 10 * pattern.length + stepsOf(pattern, length);
