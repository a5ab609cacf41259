/** The latest requests of a router, and how long answers to them were: what spending is paced by. */
import { type RequestAt, readRequestAt, vectorAt } from './entry-columns.ts';
import type { Fold } from './fold.ts';
import { visitLatest } from './open-entries.ts';

export interface RecentRequest {
  x: Float64Array;
  promptTokensEstimate: number;
  /** The id of the arm that answered, and how long its answer was; null where it was cut off. */
  arm: string;
  completionTokens: number | null;
}

/** The latest first, `most` of them at most; those of another encoder are left out. */
export function recentRequests({ open, settings }: Fold, most: number): RecentRequest[] {
  const encoder = open.names.indexOf(settings.encoder);
  const requests: RecentRequest[] = [];
  visitLatest(
    open,
    (columns, at) => {
      readRequestAt(columns, at, request);
      if (request.encoder !== encoder) return;
      const { promptTokensEstimate, completionTokens } = request;
      const x = Float64Array.from(vectorAt(columns, at, settings.dimensions));
      requests.push({ x, promptTokensEstimate, completionTokens, arm: open.names[request.arm]! });
    },
    most,
  );
  return requests;
}

const request: RequestAt = { arm: 0, encoder: 0, promptTokensEstimate: 0, completionTokens: null };
