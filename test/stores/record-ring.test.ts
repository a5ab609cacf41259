import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader } from '../../src/stores/byte-reader.ts';
import { generationsFor } from '../../src/stores/generations.ts';
import { createPlaceIndex } from '../../src/stores/place-index.ts';
import { createRecordRing } from '../../src/stores/record-ring.ts';
import { createSymbols } from '../../src/stores/symbols.ts';

const LENGTHS = [1, 2, 300, 5_000, 40_000, 65_535, 65_536, 65_537, 150_000];

/** A record of that length which tells by each of its bytes which one it is. */
const recordOf = (mark: number, length: number): Uint8Array => new Uint8Array(length).fill(mark % 256);

describe('a ring of records', () => {
  test('holds what was put last into each place that it keeps, whatever their lengths and however often they change', () => {
    const step = fc.record({
      replace: fc.option(fc.nat(), { freq: 2 }),
      length: fc.constantFrom(...LENGTHS),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 60 }), (atLeast, steps) => {
        const ring = createRecordRing(generationsFor(atLeast));
        const model: Uint8Array[] = [];
        for (const [mark, { replace, length }] of steps.entries()) {
          const bytes = recordOf(mark, length);
          if (replace === null || model.length === 0) expect(ring.append(bytes)).toBe(model.push(bytes) - 1);
          else {
            const place = ring.first() + (replace % (ring.end() - ring.first()));
            ring.put(place, bytes);
            model[place] = bytes;
          }
        }
        expect(ring.end()).toBe(model.length);
        expect(model.length - ring.first()).toBeGreaterThanOrEqual(Math.min(atLeast, model.length));
        const reader = new ByteReader(createSymbols());
        for (let place = ring.first(); place < ring.end(); place++) {
          const expected = model[place] as Uint8Array;
          ring.open(place, reader);
          for (let i = 0; i < expected.length; i++) {
            if (reader.byte() !== expected[i]) throw new Error(`byte ${i} of place ${place} is another`);
          }
        }
      }),
    );
  });
});

describe('an index of places', () => {
  test('finds the place that a text was last given, as long as its generation is kept', () => {
    const step = fc.record({ texts: fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 4 }), skip: fc.nat(3) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 80 }), (atLeast, steps) => {
        const generations = generationsFor(atLeast);
        const index = createPlaceIndex(generations);
        const model = new Map<string, number>();
        let place = 0;
        let newest = -1;
        for (const { texts, skip } of steps) {
          place += skip;
          for (const number of texts) {
            index.put(`text ${number}`, place);
            model.set(`text ${number}`, place);
            newest = Math.floor(place / generations.size);
          }
          place++;
        }
        for (let number = 0; number <= 30; number++) {
          const expected = model.get(`text ${number}`);
          const generation = Math.floor((expected ?? 0) / generations.size);
          expect(index.find(`text ${number}`)).toBe(generation > newest - generations.count ? expected : undefined);
        }
      }),
    );
  });

  test('takes no two of a hundred thousand texts for one another', () => {
    const index = createPlaceIndex(generationsFor(100_000));
    for (let i = 0; i < 100_000; i++) index.put(`dec_${i.toString(16).padStart(32, '0')}`, i);
    for (let i = 0; i < 100_000; i++) {
      if (index.find(`dec_${i.toString(16).padStart(32, '0')}`) !== i) throw new Error(`${i} is not found`);
      if (index.find(`talk:${i}`) !== undefined) throw new Error(`${i} is taken for another`);
    }
  });
});
