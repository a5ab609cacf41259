/** How each chat may end, by what the upstream does to it and what its client does. */
import type { OutcomeKind } from '../../src/upstream/outcome.ts';
import type { Fault } from './directive.ts';
import type { ChatPlan, Ending } from './plan.ts';

/** How a chat may end: what its client sees, with which status, and what the decision says. */
export interface Allowed {
  endings: readonly Ending[];
  /** Of an error; null for none. */
  status: number | null;
  outcomes: readonly OutcomeKind[];
}

const WHOLE: Allowed = { endings: ['whole'], status: null, outcomes: ['completed'] };

/** How an attempt that fails before its client has anything ends, and with which status where no other is left. */
function earlyFailure(fault: Fault, stream: boolean): { outcome: OutcomeKind; status: number } | null {
  switch (fault) {
    case 'stall':
    case 'stall-after-headers':
      return { outcome: 'timeout', status: 504 };
    case 'status-429':
      return { outcome: 'upstream_error', status: 429 };
    case 'empty':
    case 'garbage-only':
      return { outcome: stream ? 'upstream_drop' : 'upstream_error', status: 502 };
    case 'reset':
    case 'status-500':
    case 'status-503':
    case 'html':
    case 'error-first':
      return { outcome: 'upstream_error', status: 502 };
    case 'reset-midway':
      return stream ? null : { outcome: 'upstream_drop', status: 502 };
    case 'stall-midway':
      return stream ? null : { outcome: 'timeout', status: 504 };
    case 'cut-short':
    case 'error-midway':
      return stream ? null : { outcome: 'upstream_error', status: 502 };
    default:
      return null;
  }
}

const BREAKS: Partial<Record<Fault, OutcomeKind>> = {
  'reset-midway': 'upstream_drop',
  'stall-midway': 'timeout',
  'cut-short': 'upstream_drop',
  'error-midway': 'upstream_error',
};

export function allowedFor(plan: ChatPlan): Allowed {
  const { fault, times, stream, model, behaviour } = plan;
  if (behaviour === 'leaves-before' || behaviour === 'leaves-midway')
    return { endings: ['left'], status: null, outcomes: ['client_abort'] };
  const patient = patientlyAllowed(fault, times, stream, model);
  if (behaviour !== 'leaves-anytime') return patient;
  // Whether it left in time or not, and in which of its attempts, is for the dice of the machine.
  const early = earlyFailure(fault, stream);
  return {
    endings: ['left', ...patient.endings],
    status: patient.status,
    outcomes: [...new Set<OutcomeKind>(['client_abort', ...patient.outcomes, ...(early ? [early.outcome] : [])])],
  };
}

function patientlyAllowed(fault: Fault, times: number, stream: boolean, model: ChatPlan['model']): Allowed {
  const early = earlyFailure(fault, stream);
  if (early) {
    const failed: Allowed = { endings: ['error'], status: early.status, outcomes: [early.outcome] };
    const pinned = model === 'mock/a' || model === 'plain/c';
    if (times > 1) return failed;
    if (!pinned) return WHOLE;
    // A provider's second key is tried, unless it rests.
    const mayRotate = model === 'mock/a' && (fault === 'status-429' || fault === 'status-503');
    if (!mayRotate) return failed;
    return { endings: ['error', 'whole'], status: early.status, outcomes: [early.outcome, 'completed'] };
  }
  const broken = stream ? BREAKS[fault] : undefined;
  return broken ? { endings: ['broken'], status: null, outcomes: [broken] } : WHOLE;
}
