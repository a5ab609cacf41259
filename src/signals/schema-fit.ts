/**
 * Whether a value fits a JSON Schema, within bounds. Both are strangers': the schema is the client's and the value a
 * model's, and together they could keep a validator busy for hours.
 */
import { type Schema, Validator } from '@cfworker/json-schema';
import { stepsOf } from './pattern-steps.ts';

/** `unknown` where the schema is none that can be judged by, or the judgement would take too long. */
export type Fit = 'fits' | 'misfits' | 'unknown';

/** Of some ten nanoseconds each: a tenth of a second at the most, of which ordinary schemas use a thousandth. */
const MAX_STEPS = 10_000_000;
/** Of looking at one value by one schema, beside what its lists and patterns take. */
const STEPS_OF_A_LOOK = 100;
const MAX_SCHEMA_PARTS = 5000;
/** An object of more members is walked too often by the validator. */
const MAX_MEMBERS = 1000;

/**
 * By draft 2020-12. `format` is an annotation there and is passed over. A `$ref` to elsewhere is not fetched: such a schema
 * is unknown.
 */
export function fitOf(value: unknown, schema: unknown): Fit {
  try {
    const bounds = { extent: extentOf(value), parts: 0, steps: 0 };
    const copy = schemaToJudgeBy(schema, bounds);
    // One error is enough.
    return new Validator(copy, '2020-12', true).validate(value).valid ? 'fits' : 'misfits';
  } catch {
    // Not a schema, endless, too deep, or out of bounds.
    return 'unknown';
  }
}

interface Extent {
  values: number;
  longestText: number;
  longestList: number;
}

interface Bounds {
  extent: Extent;
  parts: number;
  steps: number;
}

class OutOfBounds extends Error {}

function extentOf(value: unknown, extent: Extent = { values: 0, longestText: 0, longestList: 0 }): Extent {
  extent.values++;
  if (typeof value === 'string') extent.longestText = Math.max(extent.longestText, value.length);
  else if (Array.isArray(value)) {
    extent.longestList = Math.max(extent.longestList, value.length);
    for (const item of value) extentOf(item, extent);
  } else if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value);
    if (members.length > MAX_MEMBERS) throw new OutOfBounds();
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
  if (++bounds.parts > MAX_SCHEMA_PARTS) throw new OutOfBounds();
  if (Array.isArray(part)) return part.map((item) => partOf(item, bounds));
  if (typeof part !== 'object' || part === null) return part;
  const keywords = part as Readonly<Record<string, unknown>>;
  const types = Array.isArray(keywords.type) ? keywords.type : [keywords.type ?? 'object'];
  // Some write types of another language, by which nothing would fit.
  if (!types.every((type) => TYPES.includes(type)) || '$recursiveRef' in keywords) throw new OutOfBounds();
  const copied: [string, unknown][] = [];
  for (const [keyword, value] of Object.entries(keywords)) {
    if (PASSED_OVER.includes(keyword) || keyword === READ_AT_EACH_LOOK) continue;
    if (LITERALS.includes(keyword)) copied.push([keyword, value]);
    else if (MAPS.includes(keyword)) copied.push([keyword, mapOf(value, bounds)]);
    else copied.push([keyword, partOf(value, bounds)]);
  }
  const copy = Object.fromEntries(copied);
  const steps = stepsOfLook(keywords, bounds.extent);
  Object.defineProperty(copy, READ_AT_EACH_LOOK, {
    get() {
      bounds.steps += steps;
      if (bounds.steps > MAX_STEPS) throw new OutOfBounds();
      return undefined;
    },
  });
  return copy;
}

function mapOf(map: unknown, bounds: Bounds): unknown {
  if (typeof map !== 'object' || map === null) throw new OutOfBounds();
  return Object.fromEntries(Object.entries(map).map(([name, part]) => [name, partOf(part, bounds)]));
}

/** At most so many, whatever value is looked at. */
function stepsOfLook(
  keywords: Readonly<Record<string, unknown>>,
  { values, longestText, longestList }: Extent,
): number {
  const { enum: listed, uniqueItems, pattern, patternProperties } = keywords;
  let steps = STEPS_OF_A_LOOK;
  if (Array.isArray(listed)) steps += 5 * listed.length;
  if (uniqueItems) steps += longestList * values;
  if (typeof pattern === 'string') steps += stepsOf(pattern, longestText);
  if (typeof patternProperties === 'object' && patternProperties !== null) {
    for (const name of Object.keys(patternProperties)) steps += values * stepsOf(name, longestText);
  }
  return steps;
}
