/** The curve that is drawn, and its drawing. */
import { describe, expect, test } from 'vitest';
import { drawCurves } from '../../src/evaluate/curve-drawing.ts';
import { learningCurve } from '../../src/evaluate/learning-curve.ts';

const run = (scores: number[]) => ({
  scores: Float64Array.from(scores),
  costs: new Float64Array(scores.length),
  chosen: new Int16Array(scores.length),
});

describe('a learning curve', () => {
  test('is the mean of the runs, level where they are', () => {
    const curve = learningCurve([run(new Array(1000).fill(0.2)), run(new Array(1000).fill(0.6))]);
    expect(curve[0]?.request).toBe(1);
    expect(curve.at(-1)?.request).toBe(1000);
    for (const { reward } of curve) expect(reward).toBeCloseTo(0.4, 9);
  });

  test('grows where the scores do, and needs no more than one row', () => {
    const curve = learningCurve([run(Array.from({ length: 300 }, (_, i) => i / 300))]);
    expect(curve.every(({ reward }, i) => i === 0 || reward >= curve[i - 1]!.reward)).toBe(true);
    expect(learningCurve([run([0.3])])).toEqual([{ request: 1, reward: 0.3 }]);
  });
});

describe('the drawing', () => {
  const drawing = {
    title: 'a <file> & more',
    curves: [{ name: 'linear-thompson', points: learningCurve([run([0.1, 0.5, 0.9])]) }],
    references: [
      { name: 'oracle', reward: 0.95 },
      { name: 'full information', reward: 0.9499 },
    ],
  };

  test('names what it shows, with nothing that would break it', () => {
    const svg = drawCurves(drawing);
    expect(svg).toContain('a &lt;file&gt; &amp; more');
    for (const text of ['linear-thompson', 'oracle 0.950', 'full information 0.950', 'requests', 'mean score'])
      expect(svg).toContain(text);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(svg).not.toMatch(/href|url\(|<script/);
  });

  test('writes labels of lines that are near each other one under the other', () => {
    const heights = [...drawCurves(drawing).matchAll(/y="([\d.]+)">(?:oracle|full information) /g)].map((m) =>
      Number(m[1]),
    );
    expect(heights).toHaveLength(2);
    expect(Math.abs(heights[0]! - heights[1]!)).toBeGreaterThanOrEqual(14);
  });

  test('stays whole where everything is level or there is one request alone', () => {
    const level = { title: 't', curves: [{ name: 'p', points: [{ request: 1, reward: 1 }] }], references: [] };
    expect(drawCurves(level)).not.toMatch(/NaN|Infinity/);
  });

  test('marks its axes at round numbers', () => {
    const ticks = [...drawCurves(drawing).matchAll(/class="tick end"[^>]*>([^<]+)</g)].map((m) => m[1]);
    expect(ticks).toEqual(['0.2', '0.4', '0.6', '0.8', '1.0']);
  });
});
