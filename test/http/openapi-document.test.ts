/** docs/openapi.yaml by itself: valid, its examples too, and with the names that the code has. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { POLICY_NAMES } from '../../src/bandit/policies/index.ts';
import { RANGE_NAMES } from '../../src/dashboard/ranges.ts';
import { EXCLUSIONS } from '../../src/evaluate/logged.ts';
import { SIGNALS } from '../../src/routing/feedback.ts';
import { LOOK_UP_ENDS } from '../../src/routing/look-ups.ts';
import { NEXT, NO_VERDICT, SHOWN } from '../../src/signals/signs.ts';
import { REASONS } from '../../src/stores/decision-record.ts';
import { at, examplesIn, openapi, operations, problemsAt, text } from '../support/openapi.ts';

const root = join(import.meta.dirname, '../..');

describe('the document', () => {
  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(openapi);
    expect([valid, errors, validator.version]).toEqual([true, undefined, '3.1']);
  });

  test('is of this version', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(openapi.info).toMatchObject({ version });
  });

  const shown = examplesIn({ node: openapi, pointer: '' });
  test('shows examples', () => expect(shown.length).toBeGreaterThan(30));
  test.each(shown)('shows an example that is valid: $name', ({ schema, value, asText }) => {
    expect(problemsAt(schema, value, asText)).toEqual([]);
  });

  test('has the names that the gateway goes by, all of them and no other', () => {
    const enumAt = (pointer: string): unknown => at(`/components/schemas/${pointer}`).node.enum;
    const sorted = (names: unknown): string[] => [...(names as string[])].sort();
    expect(sorted(enumAt('Reason'))).toEqual(sorted(REASONS));
    expect(sorted(enumAt('Policy'))).toEqual(sorted(POLICY_NAMES));
    const kept = [...SHOWN, ...NEXT].filter((sign) => !['fine', 'pending', 'unclear'].includes(sign));
    expect(sorted(enumAt('Signal'))).toEqual(sorted([...SIGNALS, ...kept, ...NO_VERDICT]));
    const { required } = at('/components/schemas/Report/properties/decisions/properties/excluded').node;
    expect(required).toEqual([...EXCLUSIONS]);
    expect(at('/components/schemas/Router/properties/look_ups').node.required).toEqual([...LOOK_UP_ENDS, 'hit_rate']);
    const { parameters } = at('/paths/~1dashboard~1events/get').node as {
      parameters: { schema: { enum?: string[] } }[];
    };
    expect(parameters.flatMap(({ schema }) => schema.enum ?? [])).toEqual(RANGE_NAMES);
  });

  test('has a page for people beside it that names each of its routes', () => {
    const page = readFileSync(join(root, 'docs/api.md'), 'utf8');
    expect(operations.map(({ name }) => name).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  test('has every error code that the code has', () => {
    const folders = ['src/http', 'src/dashboard', 'src/upstream'];
    const files = folders.flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(root, folder, name)));
    const code = [join(root, 'src/app.ts'), ...files.filter((name) => name.endsWith('.ts'))]
      .map((name) => readFileSync(name, 'utf8'))
      .join('\n');
    const fields = [...code.matchAll(/\bcode: '(\w+)'/g)];
    const arguments_ = [...code.matchAll(/badRequest\((?:[^;]*?),\s*(?:null|\w+|'[\w-]+'),\s*'(\w+)',?\s*\)/g)];
    const codes = new Set([...fields, ...arguments_].map((match) => match[1] as string));
    // A client that has gone is answered nothing: a log calls it so.
    codes.delete('client_abort');
    expect(codes.size).toBeGreaterThan(35);
    const documented = new Set(text.match(/\w+/g));
    expect([...codes].filter((one) => !documented.has(one))).toEqual([]);
  });
});
