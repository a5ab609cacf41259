/** Decisions on their way between threads: bytes that are handed over, which cost less than copies of objects. */
import { ByteReader, ByteWriter } from '../bytes.ts';
import { readDecision, writeDecision } from '../decision-bytes.ts';
import type { DecisionRecord } from '../decision-record.ts';
import type { Kept, ReadKept } from '../ports.ts';
import { createRecordSymbols } from '../symbols.ts';

export interface Packed {
  count: number;
  /** A buffer of its own, ready to be handed over. */
  bytes: Uint8Array<ArrayBuffer>;
}

/** A text that comes again is spelled once a pack. One pack at a time. */
export interface Packer {
  add(kept: ReadKept): void;
  /** Everything added since the last time. */
  take(): Packed;
}

/** Bytes that are held for the next pack: what is made anew for each is garbage that nobody collects for long. */
const HELD = 2 ** 20;

export function createPacker(): Packer {
  const symbols = createRecordSymbols([]);
  const writer = new ByteWriter(symbols);
  let count = 0;
  return {
    add({ decision, names, isNew = false }) {
      writeDecision(writer, decision);
      writer.number(names.length);
      for (const name of names) writer.text(name);
      writer.byte(isNew ? 1 : 0);
      count++;
    },
    take() {
      const packed = { count, bytes: writer.bytes.slice(0, writer.at) as Uint8Array<ArrayBuffer> };
      count = 0;
      if (writer.bytes.length > HELD) writer.restart();
      else writer.at = 0;
      symbols.restart();
      return packed;
    },
  };
}

export function packAll(packer: Packer, kept: readonly Kept[]): Packed {
  // Whatever a decision that could not be written has left behind.
  packer.take();
  for (const one of kept) packer.add(one);
  return packer.take();
}

/** One by one, in order. */
export function* unpack({ count, bytes }: Packed): Generator<ReadKept, void> {
  const reader = new ByteReader(createRecordSymbols([]));
  reader.open({ bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }, 0);
  for (let i = 0; i < count; i++) {
    const decision = readDecision(reader);
    const names = Array.from({ length: reader.number() }, () => reader.text());
    yield { decision, names, isNew: reader.byte() === 1 };
  }
}

export function packOne(packer: Packer, decision: DecisionRecord | null): Packed | null {
  return decision && packAll(packer, [{ decision, names: [] }]);
}

export function unpackOne(packed: Packed | null): DecisionRecord | null {
  if (packed) for (const { decision } of unpack(packed)) return decision;
  return null;
}
