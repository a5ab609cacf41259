/** What is wrong with a config, one line each. No text of the config's values is ever repeated: it may be a secret. */
import type * as z from 'zod';
import { type Path, pathText } from './path.ts';
import { didYouMean } from './suggest.ts';

export interface Problem {
  /** Where, as in `models[0].price.input`; empty for the document as a whole. */
  path: string;
  message: string;
  allowed?: string;
}

export function problemLine({ path, message, allowed }: Problem): string {
  return `${path || 'config'}: ${message}${allowed === undefined ? '' : ` (allowed: ${allowed})`}`;
}

/** The issues with those of unions replaced by the issues of the branch that was meant. */
export function plainIssues(issues: readonly z.core.$ZodIssue[], at: Path = []): z.core.$ZodIssue[] {
  return issues.flatMap((issue): z.core.$ZodIssue[] => {
    const path = [...at, ...issue.path];
    if (issue.code !== 'invalid_union') return [{ ...issue, path }];
    const isMapping = typeof issue.input === 'object' && issue.input !== null && !Array.isArray(issue.input);
    const meant = isMapping && issue.errors.find((branch) => branch.every(isInsideOrUnknownKey));
    if (meant) return plainIssues(meant, path);
    // Which branch was meant cannot be told: all that is allowed is named.
    const allowed = issue.errors.flatMap((branch) => branch.map((inner) => inner.message));
    return [{ code: 'custom', path, message: [...new Set(allowed)].join(', or '), input: issue.input }];
  });
}

function isInsideOrUnknownKey(issue: z.core.$ZodIssue): boolean {
  return issue.path.length > 0 || issue.code === 'unrecognized_keys';
}

/** An issue's `message` is what is allowed; it must have come through `plainIssues`. */
export function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(', ');
    return issue.keys.map((name) => ({
      path: pathText([...issue.path, name]),
      message: `unknown key${didYouMean(name, known)}`,
      allowed: issue.message,
    }));
  }
  const path = pathText(issue.path);
  if (issue.code === 'invalid_key')
    return [{ path, message: 'not a valid name', allowed: issue.issues[0]?.message ?? issue.message }];
  return [{ path, message: whatIsWrong(issue), allowed: issue.message }];
}

function whatIsWrong(issue: z.core.$ZodIssue): string {
  const { input } = issue;
  if (input === undefined) return 'missing';
  if (input === '') return 'empty';
  if (issue.code === 'too_small' || issue.code === 'too_big') return 'out of range';
  if (issue.code === 'invalid_type') return `is ${kindOf(input)}`;
  if (issue.code === 'invalid_value' && typeof input === 'string')
    return `not one of these${didYouMean(input, issue.values.map(String))}`;
  return 'not valid';
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'true or false';
  return Number.isInteger(value) || !Number.isFinite(value) ? 'a number' : 'a number with a fraction';
}
