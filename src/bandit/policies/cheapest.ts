/** The arm that this request is expected to cost least at; among equals, by lot. */
import { pointScore } from '../scores.ts';
import type { Policy } from './policy.ts';

export const cheapest: Policy = {
  explores: false,
  // On a log scale differences stay visible however small the prices; a free arm beats any.
  score: ({ costUsd }) => pointScore(-Math.log(Math.max(costUsd, 1e-15))),
};
