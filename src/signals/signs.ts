/**
 * What may be seen of an answer without being told: what it showed itself, and what came next. Of each the learner keeps one
 * number, so that what two signs of one kind say in common counts once.
 */

/** What an answer shows, the gravest last: of several the gravest counts. Numbers are kept: only ever appended to. */
export const SHOWN = [
  'fine',
  'latency',
  'length',
  'invalid_tool_call',
  'invalid_json',
  'content_filter',
  'refusal',
  'repetition',
  'empty',
] as const;
export type Shown = (typeof SHOWN)[number];

/**
 * What came next. `pending`: nothing yet, which becomes `silence` in time. `unclear`: nothing that would be a verdict, and
 * silence would be none either, as of an agent's tool loop. Numbers are kept: only ever appended to.
 */
export const NEXT = [
  'pending',
  'unclear',
  'silence',
  'continued',
  'regenerated',
  'rephrased',
  'corrected',
  'aborted_early',
  'aborted_midway',
  'aborted_late',
] as const;
export type Next = (typeof NEXT)[number];

/** Why there is no verdict: kept with the decision, so that one can see it, and worth nothing. */
export const NO_VERDICT = ['resumed', 'fan_out', 'template', 'retried'] as const;
export type NoVerdict = (typeof NO_VERDICT)[number];

/** An implicit signal as it is kept with a decision. */
export type ImplicitSignal = Exclude<Shown, 'fine'> | Exclude<Next, 'pending' | 'unclear'> | NoVerdict;

/** What a router's `signals` switches on and off. How far in an answer was cut short is one signal's matter. */
export const SIGNAL_NAMES = [
  'continued',
  'regenerated',
  'rephrased',
  'corrected',
  'silence',
  'aborted',
  'latency',
  'length',
  'invalid_tool_call',
  'invalid_json',
  'content_filter',
  'refusal',
  'repetition',
  'empty',
] as const;
export type SignalName = (typeof SIGNAL_NAMES)[number];

/** The name by which a signal is switched. */
export function switchOf(signal: Exclude<Shown, 'fine'> | Exclude<Next, 'pending' | 'unclear'>): SignalName {
  return signal.startsWith('aborted') ? 'aborted' : (signal as SignalName);
}
