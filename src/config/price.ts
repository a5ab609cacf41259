/** What a model's tokens cost. */

/** USD per million tokens; `request` in USD each. */
export interface ModelPrice {
  input: number;
  output: number;
  cached_input?: number;
  cache_write?: number;
  request?: number;
}
