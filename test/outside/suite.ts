/** What a client of a gateway can rely on, on every platform. */
import { answersSuite } from './answers.ts';
import type { Platform } from './gateway.ts';
import { learningSuite } from './learning.ts';
import { limitsSuite } from './limits.ts';
import { metricsSuite } from './metrics.ts';
import { refusalsSuite } from './refusals.ts';
import { silencesSuite } from './silences.ts';

export function outsideSuite(platform: Platform): void {
  answersSuite(platform);
  refusalsSuite(platform);
  learningSuite(platform);
  limitsSuite(platform);
  metricsSuite(platform);
  silencesSuite(platform);
}
