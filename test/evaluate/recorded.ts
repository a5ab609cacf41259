/** Small recorded files whose figures can be worked out by hand. */

/** As a line of the file has it. */
export interface Line {
  id: string;
  messages: { role: string; content: string }[];
  outcomes: Record<string, Record<string, unknown>>;
  [more: string]: unknown;
}

export const PRICES = { 'p/cheap': { input: 0.1, output: 0.4 }, 'p/dear': { input: 1, output: 10 } };

export const outcome = (score: number, costUsd: number): Record<string, unknown> => ({
  score,
  prompt_tokens: 20,
  completion_tokens: 100,
  cost_usd: costUsd,
});

const CODE = 'def f(x):\n    return [y for y in x if y > 0]\nWhy does this python function raise a TypeError?';
const CHAT = 'Tell me a story about my grandmother and the sea, please.';

/**
 * Every second prompt is about code, which the dear model gets right and the cheap one does not; of the others the cheap one
 * gets .9 and the dear one .5. The dear one's answers cost ten times as much.
 */
export function twoKinds(rows: number): Line[] {
  return Array.from({ length: rows }, (_, i) => {
    const isCode = i % 2 === 0;
    return {
      id: `row-${i}`,
      messages: [{ role: 'user', content: `${isCode ? CODE : CHAT} (${i})` }],
      category: isCode ? 'code' : 'chat',
      outcomes: { 'p/cheap': outcome(isCode ? 0 : 0.9, 0.0001), 'p/dear': outcome(isCode ? 1 : 0.5, 0.001) },
      ...(i === 0 && { prices: PRICES }),
    };
  });
}

export const linesOf = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
