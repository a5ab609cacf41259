/** Decisions on their way between threads: as bytes, which cost less than copies of objects. */
import { type ByteRegion, newRegion } from '../byte-forms.ts';
import { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { readDecision, writeDecision } from '../decision-bytes.ts';
import type { DecisionRecord } from '../decision-record.ts';
import { readLabel, writeLabel } from '../label-bytes.ts';
import type { Counted, Kept, ReadKept } from '../ports.ts';
import { createRecordSymbols } from '../symbols.ts';

export interface Packed {
  count: number;
  bytes: Uint8Array;
}

/** A text that comes again is spelled once a pack. One pack at a time. */
export interface Packer {
  add(kept: ReadKept): void;
  /** Everything added since the last time. It is there until something is added. */
  take(): Packed;
}

/** Bytes that are held for the next pack: what is made anew for each is garbage that nobody collects for long. */
const HELD = 2 ** 20;

/** Bytes that both threads see: what is packed in them need not be copied, nor be made room for again and again. */
export function sharedRegion(size: number): ByteRegion {
  const bytes = new Uint8Array(new SharedArrayBuffer(size));
  return { bytes, view: new DataView(bytes.buffer) };
}

export function createPacker(regionOf: (size: number) => ByteRegion = newRegion): Packer {
  const symbols = createRecordSymbols([]);
  const writer = new ByteWriter(symbols, regionOf);
  let count = 0;
  return {
    add({ decision, names, counted }) {
      if (count === 0) {
        if (writer.bytes.length > HELD) writer.restart();
        else writer.at = 0;
        symbols.restart();
      }
      count++;
      writeDecision(writer, decision);
      writer.number(names.length);
      for (const name of names) writer.text(name);
      writeCounted(writer, counted);
    },
    take() {
      const packed = { count, bytes: writer.bytes.subarray(0, count > 0 ? writer.at : 0) };
      count = 0;
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
    const counted = readCounted(reader);
    yield { decision, names, ...(counted !== undefined && { counted }) };
  }
}

/** What the byte says in which it is told. */
const UNTOLD = 0;
const NOTHING = 1;
const LABEL = 2;

function writeCounted(to: ByteWriter, counted: Counted | undefined): void {
  if (counted === undefined) to.byte(UNTOLD);
  else if (counted === 'nothing') to.byte(NOTHING);
  else {
    to.byte(LABEL);
    writeLabel(to, counted.label);
  }
}

function readCounted(from: ByteReader): Counted | undefined {
  const told = from.byte();
  if (told === UNTOLD) return undefined;
  return told === NOTHING ? 'nothing' : { label: readLabel(from) };
}

export function packOne(packer: Packer, decision: DecisionRecord | null): Packed | null {
  return decision && packAll(packer, [{ decision, names: [] }]);
}

export function unpackOne(packed: Packed | null): DecisionRecord | null {
  if (packed) for (const { decision } of unpack(packed)) return decision;
  return null;
}
