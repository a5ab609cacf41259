/** Keys put into a config's text and taken out of it: what a person has written around them stays to the letter. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withKey, withoutKey, writtenKeys } from '../../src/config/edit-keys.ts';
import { readDocument } from '../../src/config/yaml-document.ts';

const HASH = '5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8';
const WEB = { name: 'web', key_sha256: HASH };
const REST = 'providers:\n  p: { base_url: "http://127.0.0.1:1/v1" } # the only one\nmodels: [{ id: p/a }]\n';

const added = (text: string, entry: object = WEB): string => {
  const edited = withKey(text, { ...entry });
  if (!edited.ok) throw new Error(edited.problem.message);
  return edited.text;
};
const removed = (text: string, index: number): string => {
  const edited = withoutKey(text, index);
  if (!edited.ok) throw new Error(edited.problem.message);
  return edited.text;
};

describe('a key is added', () => {
  test('as a section of its own behind the server’s, where there is none', () => {
    const server = 'server:\n  host: 127.0.0.1     # this machine alone\n\n# Where models are\n';
    expect(added(server + REST, { ...WEB, routers: ['auto', 'b'], usd_per_day: 0.5, admin: true })).toBe(
      `server:\n  host: 127.0.0.1     # this machine alone\n
keys:
  - name: web
    key_sha256: "${HASH}"
    routers: [auto, b]
    usd_per_day: 0.5
    admin: true

# Where models are
${REST}`,
    );
    expect(added(`server: { port: 1 }\n${REST}`)).toBe(
      `server: { port: 1 }\nkeys:\n  - name: web\n    key_sha256: "${HASH}"\n${REST}`,
    );
  });

  test.each([
    ['at the end', REST, `${REST}keys:\n  - name: web\n    key_sha256: "${HASH}"\n`],
    ['behind a last line without an end', REST.trimEnd(), `${REST}keys:\n  - name: web\n    key_sha256: "${HASH}"`],
    ['before the mark of the end', `${REST}...\n`, `${REST}keys:\n  - name: web\n    key_sha256: "${HASH}"\n...\n`],
    [
      'below an empty section, and its comments stay where they are',
      `keys: # who may call\n  # - name: old\n${REST}`,
      `keys: # who may call\n  - name: web\n    key_sha256: "${HASH}"\n  # - name: old\n${REST}`,
    ],
    ['in place of a null', `keys: ~\n${REST}`, `keys: \n  - name: web\n    key_sha256: "${HASH}"\n${REST}`],
    [
      'into empty brackets',
      `keys: [] # none yet\n${REST}`,
      `keys: [{ name: web, key_sha256: "${HASH}" }] # none yet\n${REST}`,
    ],
    [
      'behind others in lines, with their indentation',
      `keys:\n- name: a   # first\n  key: "\${A}"\n\n# next\n${REST}`,
      `keys:\n- name: a   # first\n  key: "\${A}"\n- name: web\n  key_sha256: "${HASH}"\n\n# next\n${REST}`,
    ],
    [
      'behind one in braces, in braces',
      `keys:\n    - { name: a, key: "\${A}" } # first\n${REST}`,
      `keys:\n    - { name: a, key: "\${A}" } # first\n    - { name: web, key_sha256: "${HASH}" }\n${REST}`,
    ],
    [
      'behind others in brackets',
      `keys: [{ name: a, key: b }] # first\n${REST}`,
      `keys: [{ name: a, key: b }, { name: web, key_sha256: "${HASH}" }] # first\n${REST}`,
    ],
    [
      'behind others in brackets over several lines',
      `keys: [\n  { name: a, key: b } # first\n]\n${REST}`,
      `keys: [\n  { name: a, key: b }, # first\n  { name: web, key_sha256: "${HASH}" }\n]\n${REST}`,
    ],
    [
      'behind a comma that is there already',
      `keys: [\n  { name: a, key: b }, # first\n]\n${REST}`,
      `keys: [\n  { name: a, key: b }, # first\n  { name: web, key_sha256: "${HASH}" }\n]\n${REST}`,
    ],
    [
      'into a mapping in braces',
      `{ providers: { p: { base_url: x } }, models: [] }\n`,
      `{ providers: { p: { base_url: x } }, models: [], keys: [{ name: web, key_sha256: "${HASH}" }] }\n`,
    ],
  ])('%s', (_, before, after) => {
    expect(added(before)).toBe(after);
  });

  test('into JSON as programs write it, and as people do', () => {
    const document = { providers: { p: { base_url: 'x' } }, keys: [{ name: 'a', key: 'b' }], models: [] };
    for (const indent of [2, 4, '\t', 0])
      expect(added(`${JSON.stringify(document, null, indent)}\n`)).toBe(
        `${JSON.stringify({ ...document, keys: [...document.keys, WEB] }, null, indent)}\n`,
      );
    expect(added('{ "models": [1.0],\n  "keys": [ ] }')).toBe(
      `{ "models": [1.0],\n  "keys": [ { "name": "web", "key_sha256": "${HASH}" }] }`,
    );
    expect(added('{ "models": [1.0] }')).toBe(
      `{ "models": [1.0], "keys": [{ "name": "web", "key_sha256": "${HASH}" }] }`,
    );
  });

  test('with the line ends of the file', () => {
    const text = `keys:\n  - name: a\n    key: b\n${REST}`.replaceAll('\n', '\r\n');
    expect(added(text)).toBe(
      `keys:\n  - name: a\n    key: b\n  - name: web\n    key_sha256: "${HASH}"\n${REST}`.replaceAll('\n', '\r\n'),
    );
  });

  test.each([
    ['digits alone', { name: '123', key_sha256: '1'.repeat(64) }],
    [
      'what YAML would read otherwise',
      { name: 'no, {really}: [#1] "x" \'y\' ~', key_sha256: HASH, models: ['*', 'a: b', '&x'] },
    ],
    ['another script', { name: 'größe “x” 👍', key_sha256: HASH, routes: ['chat/*'] }],
  ])('and means what was meant of %s', (_, entry) => {
    for (const text of [REST, `keys: [{ name: a, key: b }]\n${REST}`, `keys:\n  - { name: a, key: b }\n${REST}`])
      expect(writtenKeys(added(text, entry)).at(-1)).toEqual(entry);
  });

  test('but not where that would not be sure', () => {
    for (const text of [`x: &k [{ name: a }]\nkeys: *k\n${REST}`, `keys: web\n${REST}`, `keys: { name: web }\n${REST}`])
      expect(withKey(text, WEB)).toMatchObject({ ok: false, problem: { path: 'keys' } });
  });
});

describe('a key is removed', () => {
  const LINES = `# All of it
keys: # who may call
  # The shop
  - name: web
    key: "\${WEB}" # from the vault
    # usd_per_day: 5

  # The phone
  # (both systems)
  - { name: phone, key: b }
  # For us
  - name: ops
    key: c
    admin: true
# Where models are
${REST}`;

  test('with its own comments, and without those of others', () => {
    expect(removed(LINES, 0)).toBe(LINES.replace(/ {2}- name: web\n.*\n.*\n/, ''));
    expect(removed(LINES, 1)).toBe(LINES.replace(/ {2}# The phone\n.*\n.*\n/, ''));
    expect(removed(LINES, 2)).toBe(LINES.replace(/ {2}# For us\n.*\n.*\n.*\n/, ''));
  });

  test.each([
    ['the only one in lines', `keys: # all\n  - name: a\n    key: b\n${REST}`, 0, `keys: # all\n${REST}`],
    ['the only one in brackets', `keys: [{ name: a }] # all\n${REST}`, 0, `keys: [] # all\n${REST}`],
    ['the first in brackets', `keys: [{ name: a }, { name: b }]\n${REST}`, 0, `keys: [{ name: b }]\n${REST}`],
    ['the last in brackets', `keys: [{ name: a }, { name: b }]\n${REST}`, 1, `keys: [{ name: a }]\n${REST}`],
    [
      'one in brackets over several lines',
      `keys: [\n  { name: a }, # one\n  { name: b }\n]\n${REST}`,
      1,
      `keys: [\n  { name: a }, # one\n  \n]\n${REST}`,
    ],
    [
      'one in a line of its own',
      `keys: [\n  { name: a },\n  { name: b },\n  { name: c }\n]\n${REST}`,
      1,
      `keys: [\n  { name: a },\n  { name: c }\n]\n${REST}`,
    ],
    ['one of JSON', '{"keys":[{"name":"a"},{"name":"b"}],"x":1}', 0, '{"keys":[{"name":"b"}],"x":1}'],
  ])('%s', (_, before, index, after) => {
    expect(removed(before, index)).toBe(after);
  });

  test('but not where another part of the config needs it', () => {
    const text = `keys:\n  - &a { name: a, key: b }\n  - *a\n${REST}`;
    expect(withoutKey(text, 0)).toMatchObject({ ok: false });
    expect(withoutKey(text, 1)).toMatchObject({ ok: false });
  });
});

describe('whatever a config looks like', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9 :#'"{},[\]-]{0,12}[a-z]$/);
  const comment = fc.constantFrom('', '', ' # a comment', '   # "another", one');
  /** Lines between entries. */
  const between = fc.constantFrom(
    '',
    '',
    '\n',
    '  # of the next\n',
    '\n  # of the next\n  # and more\n',
    '      # of the one before\n',
  );
  const entry = fc.record({
    name: word,
    key: word,
    models: fc.option(fc.array(word, { maxLength: 3 }), { nil: undefined }),
  });
  type Entry = { name: string; key: string; models?: string[] | undefined };
  const fields = ({ name, key, models }: Entry): string[] => [
    `name: ${JSON.stringify(name)}`,
    `key: ${JSON.stringify(key)}`,
    ...(models ? [`models: ${JSON.stringify(models)}`] : []),
  ];
  const inLines = fc
    .array(fc.tuple(entry, fc.boolean(), comment, between), { minLength: 1, maxLength: 4 })
    .map((entries) =>
      entries
        .map(([one, isFlow, behind, after]) => {
          const lines = isFlow ? [`{ ${fields(one).join(', ')} }`] : fields(one);
          return `${lines.map((line, at) => `${at === 0 ? '  - ' : '    '}${line}${behind}\n`).join('')}${after}`;
        })
        .join(''),
    )
    .map((lines) => `keys:\n${lines}`);
  const inBrackets = fc.array(fc.tuple(entry, comment), { minLength: 1, maxLength: 4 }).chain((entries) =>
    fc.boolean().map((isWide) => {
      const items = entries.map(([one]) => `{ ${fields(one).join(', ')} }`);
      if (!isWide) return `keys: [${items.join(', ')}]\n`;
      const lines = items.map((item, at) => `  ${item}${at < items.length - 1 ? ',' : ''}${entries[at]?.[1]}\n`);
      return `keys: [\n${lines.join('')}]\n`;
    }),
  );
  const config = fc
    .tuple(
      fc.constantFrom('', '# At the top\n\n', 'server: { port: 1 } # ours\n'),
      fc.oneof(inLines, inBrackets),
      fc.boolean(),
    )
    .map(([top, keys, isWindows]) => (isWindows ? (top + keys + REST).replaceAll('\n', '\r\n') : top + keys + REST));

  test('a key that is added and removed again leaves it as it was, and in between all that was there is there', () => {
    fc.assert(
      fc.property(config, entry, (text, { name }) => {
        const entryToAdd = { name, key_sha256: HASH };
        const after = added(text, entryToAdd);
        const before = writtenKeys(text);
        expect(writtenKeys(after)).toEqual([...before, entryToAdd]);
        // But for a comma that parts it from what was there.
        const bare = (part: string): string => part.replaceAll(',', '');
        for (const line of text.split('\n')) expect(bare(after)).toContain(bare(line.replace(/\]?\r?$/, '')));
        const again = removed(after, before.length);
        // A comma may stay behind a comment.
        if (/^keys: \[/m.test(text)) expect(readDocument(again)).toEqual(readDocument(text));
        else expect(again).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  test('any key can be removed, and the others stay as they are', () => {
    fc.assert(
      fc.property(config, fc.nat(), (text, n) => {
        const before = writtenKeys(text);
        const index = n % before.length;
        const after = removed(text, index);
        expect(writtenKeys(after)).toEqual(before.filter((_, at) => at !== index));
        expect(after.endsWith(text.slice(text.indexOf('providers:')))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
