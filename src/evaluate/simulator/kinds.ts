/** The kinds of task and the languages of the simulated traffic, and what each kind is like for any arm. */

export const KIND_NAMES = [
  'code',
  'maths',
  'choice',
  'summary',
  'translation',
  'extraction',
  'chat',
  'creative',
  'puzzle',
  'sql',
  'classification',
  'tools',
] as const;
export type Kind = (typeof KIND_NAMES)[number];

export const LANGUAGE_NAMES = ['english', 'german', 'spanish', 'french', 'chinese'] as const;
export type Language = (typeof LANGUAGE_NAMES)[number];

/** `binary`: right or wrong; `fractional`: overlap with an answer key, often all or nothing; `judge`: marks in tenths, mostly near the mean. */
export type ScoreShape = 'binary' | 'fractional' | 'judge';

export interface KindOfTask {
  /** How much of the traffic is of this kind, in parts. */
  part: number;
  /** How much harder than others it is for every arm, in deviations of the difficulty. */
  hardness: number;
  /** What is scored by guessing. */
  guess: number;
  shape: ScoreShape;
  /** Tokens of the usual answer. */
  answer: number;
  /** Pieces of material in the usual prompt: lines, sentences, premises. */
  pieces: number;
}

export const KINDS: Readonly<Record<Kind, KindOfTask>> = {
  code: { part: 16, hardness: 0.3, guess: 0, shape: 'binary', answer: 420, pieces: 3 },
  maths: { part: 10, hardness: 0.5, guess: 0, shape: 'binary', answer: 260, pieces: 3 },
  choice: { part: 8, hardness: 0, guess: 0.25, shape: 'binary', answer: 4, pieces: 1 },
  summary: { part: 9, hardness: -0.4, guess: 0.1, shape: 'fractional', answer: 120, pieces: 9 },
  translation: { part: 7, hardness: -0.3, guess: 0.1, shape: 'fractional', answer: 70, pieces: 2 },
  extraction: { part: 9, hardness: -0.5, guess: 0, shape: 'fractional', answer: 80, pieces: 5 },
  chat: { part: 13, hardness: -0.8, guess: 0.2, shape: 'judge', answer: 110, pieces: 1 },
  creative: { part: 7, hardness: -0.2, guess: 0.2, shape: 'judge', answer: 600, pieces: 2 },
  puzzle: { part: 6, hardness: 0.8, guess: 0, shape: 'binary', answer: 380, pieces: 4 },
  sql: { part: 6, hardness: 0.1, guess: 0, shape: 'binary', answer: 90, pieces: 3 },
  classification: { part: 5, hardness: -0.3, guess: 0.2, shape: 'binary', answer: 3, pieces: 2 },
  tools: { part: 4, hardness: 0.4, guess: 0, shape: 'binary', answer: 45, pieces: 1 },
};

/** How much of the traffic is in this language, in parts. */
export const LANGUAGE_PARTS: Readonly<Record<Language, number>> = {
  english: 62,
  german: 11,
  spanish: 10,
  french: 9,
  chinese: 8,
};
