/** Every eligible arm alike. */
import { normalScore } from '../scores.ts';
import type { Policy } from './policy.ts';

export const random: Policy = { explores: false, learns: false, score: () => normalScore(0, 1) };
