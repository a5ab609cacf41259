/** Decisions on their way between threads: bytes that are handed over, which cost less than copies of objects. */
import { ByteReader, ByteWriter } from '../bytes.ts';
import { readDecision, writeDecision } from '../decision-bytes.ts';
import type { DecisionRecord } from '../decision-record.ts';
import type { Kept } from '../ports.ts';
import { createRecordSymbols } from '../symbols.ts';

export interface Packed {
  count: number;
  /** A buffer of its own, ready to be handed over. */
  bytes: Uint8Array<ArrayBuffer>;
}

/** A text that comes again is spelled once a pack. One pack at a time. */
export interface Packer {
  add(kept: Kept): void;
  /** Everything added since the last time. */
  take(): Packed;
}

export function createPacker(): Packer {
  const symbols = createRecordSymbols([]);
  const writer = new ByteWriter(symbols);
  let count = 0;
  return {
    add({ decision, names }) {
      writeDecision(writer, decision);
      writer.number(names.length);
      for (const name of names) writer.text(name);
      count++;
    },
    take() {
      const packed = { count, bytes: writer.bytes.slice(0, writer.at) as Uint8Array<ArrayBuffer> };
      count = 0;
      writer.restart();
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
export function* unpack({ count, bytes }: Packed): Generator<Kept, void> {
  const reader = new ByteReader(createRecordSymbols([]));
  reader.open({ bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }, 0);
  for (let i = 0; i < count; i++) {
    const decision = readDecision(reader);
    yield { decision, names: Array.from({ length: reader.number() }, () => reader.text()) };
  }
}

export function packOne(packer: Packer, decision: DecisionRecord | null): Packed | null {
  return decision && packAll(packer, [{ decision, names: [] }]);
}

export function unpackOne(packed: Packed | null): DecisionRecord | null {
  if (packed) for (const { decision } of unpack(packed)) return decision;
  return null;
}
