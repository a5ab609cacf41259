/** Decisions as Redis keeps them: bytes that any process can read, whatever its own symbols are. */
import { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { readDecision, writeDecision } from '../decision-bytes.ts';
import type { DecisionRecord } from '../decision-record.ts';
import { createRecordSymbols } from '../symbols.ts';

/** The closed sets of words in records. Only ever appended to: what is kept holds their places. */
const WORDS = [
  'chat/completions',
  'completed',
  'client_abort',
  'upstream_error',
  'upstream_drop',
  'timeout',
  'explore',
  'exploit',
  'warmup',
  'sticky',
  'guarantee',
  'budget',
  'only-eligible',
  'pinned',
  'fallback',
  'explicit',
  'implicit',
  'thumbs',
  'rating',
  'score',
  'task_success',
  'auto',
] as const;

/** Longer ones would cost where an entry has to spell them: a log's entries share those of their block's first. */
const MOST_CHARACTERS = 200;
const BETWEEN = '\n';
/** How many different ones are remembered as read; a log has a handful. */
const MOST_READ = 100;

/** An entry of a log: a field of a stream and its value. */
export interface Entry {
  /**
   * The texts that a router's decisions have in common, its arms' names before all. As the field's name they take next to
   * nothing: a block of a stream holds the names of its first entry's fields once.
   */
  texts: Buffer;
  bytes: Buffer;
}

export interface Records {
  /** The same decision gives the same bytes. */
  entryOf(decision: DecisionRecord): Entry;
  decisionOf(entry: Entry): DecisionRecord;
  /** As an entry has it behind the version. */
  idBytes(id: string): Buffer;
}

export function createRecords(): Records {
  const written = createRecordSymbols(WORDS);
  const read = createRecordSymbols(WORDS);
  const writer = new ByteWriter(written);
  const reader = new ByteReader(read);
  let lastTexts: { list: readonly string[]; bytes: Buffer } = { list: [], bytes: Buffer.from('') };
  const textsRead = new Map<string, readonly string[]>();

  const textsOf = (decision: DecisionRecord): typeof lastTexts => {
    const list = sharedTexts(decision);
    if (!sameTexts(list, lastTexts.list)) lastTexts = { list, bytes: Buffer.from(list.join(BETWEEN)) };
    return lastTexts;
  };
  const textsIn = (bytes: Buffer): readonly string[] => {
    const text = bytes.toString();
    let list = textsRead.get(text);
    if (!list) {
      list = text === '' ? [] : text.split(BETWEEN);
      if (textsRead.size >= MOST_READ) textsRead.clear();
      textsRead.set(text, list);
    }
    return list;
  };

  return {
    entryOf(decision) {
      const { list, bytes: texts } = textsOf(decision);
      written.restart(list);
      writer.restart();
      writeDecision(writer, decision);
      return { texts, bytes: Buffer.from(writer.bytes.subarray(0, writer.at)) };
    },
    decisionOf({ texts, bytes }) {
      read.restart(textsIn(texts));
      reader.open({ bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }, 0);
      return readDecision(reader);
    },
    idBytes(id) {
      writer.restart();
      writer.id(id);
      return Buffer.from(writer.bytes.subarray(0, writer.at));
    },
  };
}

/** A record is read with those that stand beside it: whichever they are, what is not among them is spelled in it. */
function sharedTexts({ router, encoder, candidates, cursor }: DecisionRecord): string[] {
  const list: string[] = [];
  const end = cursor.indexOf('-');
  const add = (text: string): void => {
    if (isShared(text) && !list.includes(text)) list.push(text);
  };
  if (router !== null) add(router);
  add(encoder);
  if (end > 0) add(cursor.slice(0, end));
  for (const { model } of candidates) add(model);
  return list;
}

/** Any that comes back out of UTF-8 and out of the list. */
const isShared = (text: string): boolean =>
  text !== '' && text.length <= MOST_CHARACTERS && !text.includes(BETWEEN) && text.isWellFormed();

const sameTexts = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((text, i) => text === other[i]);
