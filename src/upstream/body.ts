/**
 * Changes members of a JSON request body in its text, so that every other byte reaches the upstream as the client wrote
 * it: numbers keep their digits, unknown fields their shape, and nothing large is written out anew.
 */
import type { Params } from '../config/resolve.ts';

export interface BodyEdits {
  /** Members by name → their new value as JSON text; null takes the member out. Added at the end where there is none. */
  set: ReadonlyMap<string, string | null>;
  rename?: Readonly<Record<string, string>>;
}

interface Member {
  name: string;
  /** Position of the name's opening quote. */
  start: number;
  nameEnd: number;
  valueStart: number;
  /** Position behind the value. */
  end: number;
}

/** `text` must be a JSON object that `JSON.parse` has accepted; what is around it, and in it, stays as it is. */
export function editBody(text: string, edits: BodyEdits): string {
  const members = topLevelMembers(text);
  const present = new Set(members.map((member) => member.name));
  let behind = text.indexOf('{') + 1;
  let edited = text.slice(0, members[0]?.start ?? behind);
  let isFirst = true;
  for (const member of members) {
    const separator = text.slice(behind, member.start);
    behind = member.end;
    // Where a body names a field twice the last one counts (as in JSON.parse), and every one is changed alike.
    const value = edits.set.get(member.name);
    if (value === null) continue;
    // Own properties alone: a client may well call a field `constructor`.
    const to = edits.rename && Object.hasOwn(edits.rename, member.name) ? edits.rename[member.name] : undefined;
    // A client that sent the new name too meant that one.
    if (to !== undefined && to !== member.name && present.has(to)) continue;
    const name = to === undefined ? text.slice(member.start, member.nameEnd) : JSON.stringify(to);
    const colon = text.slice(member.nameEnd, member.valueStart);
    edited += (isFirst ? '' : separator) + name + colon + (value ?? text.slice(member.valueStart, member.end));
    isFirst = false;
  }
  for (const [name, value] of edits.set) {
    if (value === null || present.has(name)) continue;
    edited += `${isFirst ? '' : ','}${JSON.stringify(name)}:${value}`;
    isFirst = false;
  }
  return edited + text.slice(behind);
}

export interface UpstreamBody {
  text: string;
  /** Whether usage was asked for by us alone and has to be taken out of the stream again. */
  ownUsage: boolean;
}

/**
 * The body that goes upstream: the model's own name, what its `params` say (not for a request that pins the model), and
 * for a stream the request for usage where the client did not ask and the provider knows it.
 */
export function upstreamBody(
  text: string,
  request: Readonly<Record<string, unknown>>,
  model: { upstream: string; params: Params },
  options: { pinned: boolean; streamUsage: boolean },
): UpstreamBody {
  const set = new Map<string, string | null>([['model', JSON.stringify(model.upstream)]]);
  let rename: Readonly<Record<string, string>> = {};
  if (!options.pinned) {
    rename = model.params.rename;
    const has = (name: string): boolean => Object.hasOwn(request, name);
    const renamedTo = new Set(Object.entries(rename).flatMap(([from, to]) => (has(from) ? [to] : [])));
    for (const name of model.params.drop) set.set(name, null);
    for (const [name, value] of Object.entries(model.params.defaults)) {
      if (!has(name) && !renamedTo.has(name)) set.set(name, JSON.stringify(value));
    }
  }
  let ownUsage = false;
  const asked = request.stream_options ?? {};
  const canAsk = options.streamUsage && !options.pinned && !set.has('stream_options');
  // Options of a wrong type are for the upstream to refuse.
  if (request.stream === true && canAsk && typeof asked === 'object' && !Array.isArray(asked)) {
    if ((asked as Record<string, unknown>).include_usage !== true) {
      ownUsage = true;
      const given = request.stream_options ? lastValue(text, 'stream_options') : '{}';
      set.set('stream_options', editBody(given, { set: new Map([['include_usage', 'true']]) }));
    }
  }
  return { text: editBody(text, { set, rename }), ownUsage };
}

/** Whether arrays and objects lie in one another more than so many deep, in a text that `JSON.parse` has accepted. */
export function isNestedDeeper(text: string, most: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 34) at = stringEnd(text, at) - 1;
    else if (code === 123 || code === 91) {
      if (++depth > most) return true;
    } else if (code === 125 || code === 93) depth--;
  }
  return false;
}

/** The text of a member's value; the member must be there. */
function lastValue(text: string, name: string): string {
  const member = topLevelMembers(text).findLast((one) => one.name === name) as Member;
  return text.slice(member.valueStart, member.end);
}

/** One walk over the text; strings are skipped by searching for their closing quote. */
function topLevelMembers(text: string): Member[] {
  const members: Member[] = [];
  let at = text.indexOf('{') + 1;
  for (;;) {
    at = skipSpace(text, at);
    if (text[at] === ',') at = skipSpace(text, at + 1);
    if (text[at] !== '"') return members;
    const start = at;
    const nameEnd = stringEnd(text, at);
    const valueStart = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = valueEnd(text, valueStart);
    members.push({ name: nameIn(text.slice(start + 1, nameEnd - 1)), start, nameEnd, valueStart, end });
    at = end;
  }
}

/** `raw` is what stands between a name's quotes; hardly any has an escape in it. */
const nameIn = (raw: string): string => (raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw);

function skipSpace(text: string, at: number): number {
  let next = at;
  for (let code = text.charCodeAt(next); code === 32 || code === 10 || code === 13 || code === 9; ) {
    code = text.charCodeAt(++next);
  }
  return next;
}

/** `at` is at the opening quote; gives the position behind the closing one. */
function stringEnd(text: string, at: number): number {
  let quote = text.indexOf('"', at + 1);
  for (; quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === 92) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return text.length;
}

function valueEnd(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 34) {
      at = stringEnd(text, at);
      if (depth === 0) return at;
      continue;
    }
    if (code === 123 || code === 91) depth++;
    else if (code === 125 || code === 93) {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && (code === 44 || code === 32 || code === 10 || code === 13 || code === 9)) return at;
    at++;
  }
  return at;
}
