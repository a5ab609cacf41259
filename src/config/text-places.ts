/** Where things stand in the text of a YAML document, and texts put in and taken out there. */
import { isMap, isPair, isSeq, type ParsedNode, type YAMLSeq } from 'yaml';

/** Takes part of a text out and puts another one in its place. */
export interface Splice {
  from: number;
  to: number;
  text: string;
}

export function spliced(text: string, splices: readonly Splice[]): string {
  // From behind, so that the positions of the others stay true.
  return [...splices]
    .sort((one, other) => other.from - one.from)
    .reduce((result, { from, to, text: put }) => result.slice(0, from) + put + result.slice(to), text);
}

export const insertion = (at: number, text: string): Splice => ({ from: at, to: at, text });
export const lineEnding = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');

/** Lines below the one in which this place is. */
export function linesBehind(text: string, place: number, lines: readonly string[], indent: string): Splice {
  const newline = lineEnding(text);
  const at = lineAfter(text, place);
  const whole = lines.map((line) => (line === '' ? '' : indent + line)).join(newline);
  return insertion(at, text[at - 1] === '\n' ? whole + newline : newline + whole);
}

/** Where the line after that of this place begins; the text's end where it is in the last one. */
export function lineAfter(text: string, place: number): number {
  if (place > 0 && text[place - 1] === '\n') return place;
  const end = text.indexOf('\n', place);
  return end < 0 ? text.length : end + 1;
}

export const lineStart = (text: string, place: number): number => text.lastIndexOf('\n', place - 1) + 1;
export const indentAt = (text: string, place: number): string =>
  /^[ \t]*/.exec(text.slice(lineStart(text, place)))?.[0] ?? '';

/** Where what is written of a node ends, without comments behind it. */
export function endOf(node: unknown): number {
  if (isPair(node)) return endOf(node.value ?? node.key);
  const isBlock = (isMap(node) || isSeq(node)) && !node.flow && node.items.length > 0;
  if (isBlock) return endOf(node.items.at(-1));
  return (node as ParsedNode).range[1];
}

export const startOf = (item: unknown): number => ((isPair(item) ? item.key : item) as ParsedNode).range[0];

/** Where the line after an item and the comments that belong to it begins. */
export function behindItem(text: string, list: YAMLSeq, index: number): number {
  const column = indentAt(text, dashOf(list, index)).length;
  let at = lineAfter(text, endOf(list.items[index]));
  while (at < text.length) {
    const next = lineAfter(text, at + 1);
    const comment = /^([ \t]*)#/.exec(text.slice(at, next));
    if (!comment || (comment[1] as string).length <= column) break;
    at = next;
  }
  return at;
}

/** Where the dash of an item is. */
export function dashOf(list: YAMLSeq, index: number): number {
  const token = list.srcToken;
  if (token?.type !== 'block-seq') throw new Error('no list of lines');
  // What stands before the first dash, as comments, has an entry of its own.
  const dashes = token.items.flatMap(({ start }) => start.filter(({ type }) => type === 'seq-item-ind'));
  return (dashes[index] as { offset: number }).offset;
}
