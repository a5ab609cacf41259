/** Puts a key into the text of a config, or takes one out of it, and leaves every other character as it is. */
import {
  Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  type ParsedNode,
  parseDocument,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Problem } from './problems.ts';
import {
  behindItem,
  dashOf,
  endOf,
  indentAt,
  insertion,
  lineAfter,
  lineEnding,
  lineStart,
  linesBehind,
  type Splice,
  spliced,
  startOf,
} from './text-places.ts';
import { readDocument } from './yaml-document.ts';

/** A key as it stands in a file. */
export type KeyEntry = Readonly<Record<string, unknown>>;

export type Edited = { ok: true; text: string } | { ok: false; problem: Problem };

type Keys = readonly unknown[];

/** Behind those that are there. The text must be one that can be read. */
export function withKey(text: string, entry: KeyEntry): Edited {
  return edited(
    text,
    (keys) => [...keys, entry],
    (root) => splicesToAdd(text, root, entry),
  );
}

/** Without that of this index. The text must be one that can be read. */
export function withoutKey(text: string, index: number): Edited {
  return edited(
    text,
    (keys) => keys.filter((_, at) => at !== index),
    (root) => splicesToRemove(text, root, index),
  );
}

/** The keys of a config as they are written, variables and all. */
export function writtenKeys(text: string): Keys {
  const read = readDocument(text);
  const document = read.ok ? (read.document as { keys?: unknown } | null) : null;
  return Array.isArray(document?.keys) ? document.keys : [];
}

function edited(text: string, change: (keys: Keys) => Keys, splicesIn: (root: YAMLMap) => Splice[] | null): Edited {
  const expected = change(writtenKeys(text));
  const asJson = rewrittenJson(text, expected);
  if (asJson !== null) return { ok: true, text: asJson };
  const root = parseDocument(text, { stringKeys: true, logLevel: 'silent', keepSourceTokens: true }).contents;
  const splices = isMap(root) ? splicesIn(root) : null;
  const after = splices && spliced(text, splices);
  // What could not be told from the text's form is told by what it means afterwards.
  if (after !== null && meansTheSame(text, after, expected)) return { ok: true, text: after };
  return {
    ok: false,
    problem: { path: 'keys', message: 'written in a way that cannot be changed by program: change it by hand' },
  };
}

function meansTheSame(before: string, after: string, keys: Keys): boolean {
  const [was, is] = [readDocument(before), readDocument(after)];
  if (!was.ok || !is.ok) return false;
  const { keys: _, ...rest } = was.document as Record<string, unknown>;
  const { keys: now, ...others } = is.document as Record<string, unknown>;
  return JSON.stringify([rest, keys]) === JSON.stringify([others, now ?? []]);
}

/** JSON that is written as programs write it is written so again; null for all else. */
function rewrittenJson(text: string, keys: Keys): string | null {
  if (!isJson(text)) return null;
  const document: unknown = JSON.parse(text);
  const trimmed = text.trimEnd();
  for (const indent of [2, 4, '\t', 0]) {
    if (JSON.stringify(document, null, indent) !== trimmed) continue;
    return JSON.stringify({ ...(document as object), keys }, null, indent) + text.slice(trimmed.length);
  }
  return null;
}

const pairOf = (map: YAMLMap, name: string): Pair<Scalar, ParsedNode | null> | undefined =>
  (map.items as Pair<Scalar, ParsedNode | null>[]).find(({ key }) => key.value === name);

function splicesToAdd(text: string, root: YAMLMap, entry: KeyEntry): Splice[] | null {
  const pair = pairOf(root, 'keys');
  if (!pair)
    return root.flow
      ? inFlow(text, root, `${isJson(text) ? '"keys"' : 'keys'}: [${flowText(text, entry)}]`)
      : [newSection(text, root, entry)];
  const list = pair.value;
  if (isSeq(list)) {
    if (list.flow) return inFlow(text, list, flowText(text, entry));
    const indent = indentAt(text, dashOf(list, 0));
    const last = list.items.at(-1) as ParsedNode;
    const put = isMap(last) && last.flow ? [`- ${flowText(text, entry)}`] : blockLines(entry);
    return [linesBehind(text, behindItem(text, list, list.items.length - 1), put, indent)];
  }
  if (!isScalar(list) || list.value !== null) return null;
  if (root.flow) return [{ from: list.range[0], to: list.range[1], text: `[${flowText(text, entry)}]` }];
  // `keys:` with nothing below it, or with comments alone.
  return [
    { from: list.range[0], to: list.range[1], text: '' },
    linesBehind(text, (pair.key as ParsedNode).range[1], blockLines(entry), '  '),
  ];
}

/** `- name: web` and what else there is of it, without indentation. */
const blockLines = (entry: KeyEntry): string[] =>
  Object.entries(entry).map(([name, value], at) => `${at === 0 ? '- ' : '  '}${name}: ${inlineText(value)}`);

/** JSON needs quotes, in YAML nobody writes them. */
function flowText(text: string, entry: KeyEntry): string {
  const asJson = isJson(text);
  const fields = Object.entries(entry).map(([name, value]) =>
    asJson ? `${JSON.stringify(name)}: ${JSON.stringify(value)}` : `${name}: ${inlineText(value)}`,
  );
  return `{ ${fields.join(', ')} }`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function inlineText(value: unknown): string {
  // A hash of digits alone would be a number.
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return JSON.stringify(value);
  const document = new Document([value]);
  (document.contents as YAMLSeq).flow = true;
  return document.toString({ lineWidth: 0, flowCollectionPadding: false }).trim().slice(1, -1);
}

/** After `server`, as in the documentation; else at the end. */
function newSection(text: string, root: YAMLMap, entry: KeyEntry): Splice {
  const server = pairOf(root, 'server');
  const lines = ['keys:', ...blockLines(entry).map((line) => `  ${line}`)];
  const marksItsEnd = /^\.\.\.\s*$/m.test(text);
  const end = server || marksItsEnd ? endOf(server ?? root) : text.trimEnd().length;
  const behind = text.slice(lineAfter(text, end));
  const isParted = server ? /^[ \t]*\r?\n/.test(behind) : /\n[ \t]*\r?\n/.test(text);
  return linesBehind(text, end, isParted ? ['', ...lines] : lines, '');
}

/** As one more item of a list or mapping in brackets. */
function inFlow(text: string, collection: YAMLMap | YAMLSeq, put: string): Splice[] {
  const bracket = (collection.range as [number, number, number])[1] - 1;
  const [first, last] = [collection.items[0], collection.items.at(-1)];
  if (!first || !last) return [insertion(bracket, put)];
  const end = endOf(last);
  const rest = text.slice(end, bracket);
  const comma = /^\s*,/.exec(rest)?.[0].length ?? 0;
  const start = startOf(first);
  const isAlone = /^[ \t]*$/.test(text.slice(lineStart(text, start), start));
  const below = lineAfter(text, end + comma);
  const separator: Splice[] = comma === 0 ? [insertion(end, ',')] : [];
  if (!isAlone || below > bracket) {
    const after = text.slice(end + comma, bracket);
    // A comment there would take it in.
    if (after.includes('#')) return [...separator, insertion(bracket, `${put} `)];
    return comma === 0 ? [insertion(end, `, ${put}`)] : [insertion(end + comma, ` ${put}`)];
  }
  return [...separator, insertion(below, indentAt(text, start) + put + lineEnding(text))];
}

function splicesToRemove(text: string, root: YAMLMap, index: number): Splice[] | null {
  const list = pairOf(root, 'keys')?.value;
  if (!isSeq(list) || !list.items[index] || isAlias(list.items[index])) return null;
  return list.flow ? outOfFlow(text, list, index) : [outOfBlock(text, list, index)];
}

/** With its comments: those in it, and those right above it, but of the first one, where they may be the whole list's. */
function outOfBlock(text: string, list: YAMLSeq, index: number): Splice {
  const dash = dashOf(list, index);
  const column = indentAt(text, dash).length;
  let from = lineStart(text, dash);
  while (index > 0) {
    const above = lineStart(text, from - 1);
    const comment = /^([ \t]*)#/.exec(text.slice(above, from));
    if (comment?.[1]?.length !== column) break;
    from = above;
  }
  return { from, to: behindItem(text, list, index), text: '' };
}

/** With the comma that parts it from the next one or, of the last, from the one before. */
function outOfFlow(text: string, list: YAMLSeq, index: number): Splice[] {
  const [start, end] = [startOf(list.items[index]), endOf(list.items[index])];
  const next = list.items[index + 1];
  const commaBehind = /^\s*,[ \t]*/.exec(text.slice(end));
  if (next && commaBehind) {
    const line = lineStart(text, start);
    const isAlone = /^[ \t]*$/.test(text.slice(line, start));
    const to = end + commaBehind[0].length;
    // All of its line, where there is nothing else in it.
    if (isAlone && /^\r?\n/.test(text.slice(to))) return [{ from: line, to: lineAfter(text, to), text: '' }];
    return [{ from: start, to, text: '' }];
  }
  const before = list.items[index - 1];
  const between = before ? text.slice(endOf(before), start) : '';
  // A comma may stay behind in YAML, but not a comment be lost.
  const from = before && /^\s*,\s*$/.test(between) ? endOf(before) : start;
  const to = commaBehind ? end + commaBehind[0].length : end;
  return [{ from, to, text: '' }];
}
