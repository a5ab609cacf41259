/** That no text keeps the server: whatever it says, the phrases are looked for in it in a bounded number of steps. */
import { runInThisContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { showsError } from '../../src/signals/error-output.ts';
import { alternativesOf, beginningsOf } from '../../src/signals/first-letters.ts';
import { folded } from '../../src/signals/folded.ts';
import { verdictOn } from '../../src/signals/next-message.ts';
import { PHRASES } from '../../src/signals/objection-phrases.ts';
import { objects } from '../../src/signals/objections.ts';
import { beginsWithRefusal, REFUSALS } from '../../src/signals/refusal-phrases.ts';
import { parsed, readTwoWays, repeatedIn, textsOf } from './pattern-tree.ts';

const objections = Object.entries(PHRASES).flatMap(([language, phrases]) =>
  Object.entries(phrases).map(([what, source]): [string, string] => [
    `${language}, ${what}`,
    String(source).split('\\S').map(folded).join('\\S'),
  ]),
);
const refusals = Object.entries(REFUSALS).flatMap(([script, patterns]) =>
  patterns.map(({ source }, i): [string, string] => [`${script}, ${i + 1}`, source.replace(/^\^/, '').toLowerCase()]),
);

/** Ends what would take for ever, and so fails; nothing is said of how long the rest takes. */
function withinReason(run: () => void): void {
  const held = globalThis as { heldRun?: () => void };
  held.heldRun = run;
  runInThisContext('heldRun()', { timeout: 60_000 });
  delete held.heldRun;
}

describe('what the phrases repeat', () => {
  test.each([...objections, ...refusals])('can be read in one way only, and a few times (%s)', (_where, source) => {
    for (const { rounds, most } of repeatedIn(parsed(source), 1)) {
      expect(readTwoWays(rounds)).toBeNull();
      expect(most).toBeLessThanOrEqual(4);
    }
  });

  test('is found out where it can be read in two', () => {
    const roundsOf = (source: string): string[] => repeatedIn(parsed(folded(source)), 1)[0]?.rounds ?? [];
    expect(readTwoWays(roundsOf('(?: hâlâ| hala)*'))).not.toBeNull();
    expect(readTwoWays(roundsOf('(?:всё ещё |все ещё )*'))).not.toBeNull();
    expect(readTwoWays(roundsOf('(?: (?:ci|ci w tym|w tym))*'))).not.toBeNull();
    expect(readTwoWays(roundsOf('(?:a b?)+'))).toBeNull();
    expect(readTwoWays(roundsOf('(?:还是|是|都)*'))).toBeNull();
  });
});

describe('what phrases begin with', () => {
  test('is known of each, so that only those of one letter are looked for', () => {
    for (const [where, source] of objections.filter(([what]) => what.endsWith('starts'))) {
      for (const phrase of alternativesOf(source)) {
        const beginnings = beginningsOf(phrase);
        expect(beginnings, `${where}: ${phrase}`).not.toBeNull();
        for (const text of textsOf(parsed(phrase), 500)) expect(beginnings).toContain(text.charAt(0));
      }
    }
  });

  test('is not said where it may be anything', () => {
    for (const source of ['', 'a?', '(?:a|b?){0,4}', '[ab]c', '\\S', '.', 'a|(?:b|)'])
      expect(beginningsOf(source)).toBeNull();
    expect([...(beginningsOf('(?:ab|c)? ?(?:d|\\(e|f)') ?? [])]).toEqual([]);
    expect([...(beginningsOf('(?:ab|c[)|]){0,4}(?: d|e)+f|g') ?? [])]).toEqual(['a', 'c', ' ', 'e', 'g']);
  });
});

describe('a text that says one thing over and over', () => {
  const longest = 200;
  const overAndOver = (source: string): string[] =>
    repeatedIn(parsed(source), 4).flatMap(({ before, rounds }) =>
      before.flatMap((start) =>
        rounds.slice(0, 60).map((round) => (start + round.repeat(Math.ceil(longest / round.length))).slice(0, longest)),
      ),
    );

  test('is searched for objections in bounded steps', () => {
    withinReason(() => {
      for (const [, source] of objections) for (const text of overAndOver(source)) objects(text, false);
    });
  });

  test('is searched for refusals in bounded steps', () => {
    withinReason(() => {
      for (const [, source] of refusals) {
        for (const text of overAndOver(source)) {
          beginsWithRefusal(text);
          beginsWithRefusal(text + text.slice(0, 99));
        }
      }
    });
  });

  test('may be of any words of the phrases, and is judged all the same', () => {
    const words = objections.flatMap(([, source]) => source.match(/[\p{L}']+ ?/gu) ?? []);
    withinReason(() => {
      let at = 1;
      const next = (): string => {
        at = (at * 48271) % 0x7fffffff;
        return words[at % words.length] as string;
      };
      for (let i = 0; i < 3000; i++) {
        const round = Array.from({ length: 1 + (i % 4) }, next).join('');
        const text = (next() + round.repeat(100)).slice(0, longest - 1 - (i % 20));
        expect(
          verdictOn([
            { role: 'user', content: 'q' },
            { role: 'assistant', content: 'a' },
            { role: 'user', content: text },
          ]),
        ).toMatch(/continued|corrected/);
      }
    });
  });

  test('may be of what programs print, line by line', () => {
    const pieces = [
      'at ',
      'a:1:1',
      '(',
      '1:',
      ':1',
      ' in ',
      ':line 1',
      'Error',
      'A.',
      'E   ',
      '#1 ',
      '(1): ',
      '=',
      ' ',
    ];
    withinReason(() => {
      for (const first of ['', 'at ', '#1 ', 'Warning: ', 'a:1:', 'Expected ', 'Error: ']) {
        for (const one of pieces) {
          for (const other of pieces) showsError(`${(first + (one + other).repeat(240)).slice(0, 240)}\n`.repeat(80));
        }
      }
    });
  });

  test('may be of characters that are many once they are folded', () => {
    expect(objects(`${'\ufdfa'.repeat(190)}خطأ`, false)).toBe(false);
  });
});
