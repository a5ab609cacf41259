/** What docs/configure.md shows is right, and it names everything that a config may say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CATALOGUE_DATE } from '../../src/config/catalogue.ts';
import { PRESETS } from '../../src/config/presets.ts';
import { problemsOf } from './config-text.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/configure.md'), 'utf8');
const snippets = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => match[1] as string);

const PROVIDERS = 'providers: { openai: { base_url: "https://api.openai.com/v1" } }\n';
const MODELS = 'models: [{ id: openai/gpt-5.4-mini }]\n';

/** A snippet shows one section; what it leaves out is filled in. */
function whole(snippet: string): string {
  const has = (section: string): boolean => new RegExp(`^${section}:`, 'm').test(snippet);
  return `${has('providers') ? '' : PROVIDERS}${has('models') ? '' : MODELS}${snippet}`;
}

test('there are snippets to check', () => expect(snippets.length).toBeGreaterThan(10));

test.each(snippets.map((snippet) => ({ snippet, title: snippet.trim().split('\n').slice(0, 2).join(' ') })))(
  'the documented config is right: $title',
  ({ snippet }) => {
    const text = whole(snippet);
    const names = [...text.matchAll(/\$\{(\w+)\}/g)].map((match) => match[1] as string);
    const value = (name: string): string => (name.endsWith('_URL') ? `https://${name}` : `value-of-${name}`);
    expect(problemsOf(text, Object.fromEntries(names.map((name) => [name, value(name)])))).toEqual([]);
  },
);

describe('every field is documented', () => {
  const everywhere = `
zzz: 1
server: { zzz: 1 }
keys: [{ name: a, key: b, zzz: 1 }]
providers: { p: { base_url: "http://x", zzz: 1 } }
models: [{ id: p/a, zzz: 1, price: { zzz: 1 }, params: { zzz: 1 }, timeouts: { zzz: 1 } }]
routers: { auto: { models: [p/a], zzz: 1, explore: { zzz: 1 }, prefer: { zzz: 1 } } }
stores: { zzz: 1 }
log: { zzz: 1 }
telemetry: { otlp: { endpoint: "http://x", zzz: 1 }, zzz: 1 }
`;
  // What is told of an unknown key lists the known ones: so the page is held against the schema itself.
  const fields = problemsOf(everywhere).flatMap((line) => /\(allowed: (.+)\)$/.exec(line)?.[1]?.split(', ') ?? []);

  test('in each of the fifteen sections', () => expect(problemsOf(everywhere)).toHaveLength(15));

  test.each([...new Set(fields)])('%s', (field) => {
    expect(new RegExp(`\\b${field}(\`|:)`).test(page)).toBe(true);
  });
});

test.each(PRESETS)(
  '$variable and its models are documented, and stand in .env.example',
  ({ variable, vendor, models }) => {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${variable}\` | \`${vendor}\` |`));
    for (const model of models) expect(row).toContain(model);
    expect(readFileSync(join(root, '.env.example'), 'utf8')).toMatch(new RegExp(`^${variable}=$`, 'm'));
  },
);

test("the catalogue's date is the one documented", () => expect(page).toContain(CATALOGUE_DATE));
