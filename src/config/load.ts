/** From a config's text to a config, or to everything that is wrong with it. */
import { type Environment, interpolate } from './interpolate.ts';
import { findUnbuilt } from './not-supported-yet.ts';
import { changedAt, type Path, pathText } from './path.ts';
import { type Platform, platformProblems } from './platform.ts';
import { type Problem, plainIssues, problemsOf } from './problems.ts';
import { referenceProblems } from './references.ts';
import { type ConduitConfig, resolveConfig } from './resolve.ts';
import { configSchema, type WrittenConfig } from './schema.ts';
import { readDocument } from './yaml-document.ts';

export type { Environment } from './interpolate.ts';
export { type Problem, problemLine } from './problems.ts';

export interface LoadOptions extends DocumentOptions {
  /** YAML or JSON. */
  text: string;
}

export interface DocumentOptions {
  env: Environment;
  /** SHA-256 in hex: keys in clear are kept as this. */
  sha256Hex: (text: string) => string;
  /** What the command line says takes the place of what the file says. */
  overrides?: { host?: string; port?: number };
  /** Where it is to serve; Node where this is left out. */
  platform?: Platform;
}

export type LoadResult = { ok: true; config: ConduitConfig; warnings: string[] } | { ok: false; problems: Problem[] };

export function loadConfig({ text, ...options }: LoadOptions): LoadResult {
  const read = readDocument(text);
  return read.ok ? loadDocument(read.document, options) : read;
}

/** The same of what a text says, or of an object that a program has made. */
export function loadDocument(
  written: unknown,
  { env, sha256Hex, overrides, platform = 'node' }: DocumentOptions,
): LoadResult {
  if (!isMapping(written)) {
    const message = written === null ? 'empty' : 'not a mapping';
    return { ok: false, problems: [{ path: '', message, allowed: 'a mapping with providers and models' }] };
  }
  const interpolated = interpolate(withoutEmptySections(written), env);
  const unbuilt = findUnbuilt(interpolated.document);
  let document = interpolated.document;
  for (const { path } of unbuilt) document = changedAt(document, path, () => undefined);
  for (const [name, value] of Object.entries(overrides ?? {})) {
    document = changedAt(document, ['server'], (server) =>
      isMapping(server ?? {}) ? { ...(server ?? {}), [name]: value } : server,
    );
  }
  const missing = interpolated.problems;
  const parsed = parse(document, interpolated.variables);
  const problems = [
    ...missing,
    ...unbuilt.map(({ path, allowed }) => ({
      path: pathText(path),
      message: 'not supported yet',
      ...(allowed === undefined ? {} : { allowed }),
    })),
    // What a missing variable left empty has been named already.
    ...parsed.problems.filter((problem) => !missing.some(({ path }) => path === problem.path)),
  ];
  if (parsed.written)
    problems.push(...referenceProblems(parsed.written), ...platformProblems(parsed.written, platform));
  if (problems.length > 0 || !parsed.written) return { ok: false, problems };
  return { ok: true, ...resolveConfig(parsed.written, sha256Hex, platform) };
}

function parse(
  document: unknown,
  variables: ReadonlySet<string>,
): { written: WrittenConfig | null; problems: Problem[] } {
  let result = configSchema.safeParse(document, { reportInput: true });
  if (!result.success) {
    // A variable is a text. Where the schema says that a number or a yes or no belongs, it is read as one.
    let coerced = document;
    for (const issue of plainIssues(result.error.issues)) {
      if (variables.has(pathText(issue.path)))
        coerced = changedAt(coerced, issue.path as Path, (value) => plainValue(value, issue));
    }
    if (coerced !== document) result = configSchema.safeParse(coerced, { reportInput: true });
  }
  if (result.success) return { written: result.data, problems: [] };
  return { written: null, problems: plainIssues(result.error.issues).flatMap(problemsOf) };
}

function plainValue(value: unknown, issue: { code?: string; expected?: unknown }): unknown {
  if (issue.code !== 'invalid_type' || typeof value !== 'string') return value;
  if (issue.expected === 'boolean') return value === 'true' ? true : value === 'false' ? false : value;
  const isNumber = issue.expected === 'number' || issue.expected === 'int';
  return isNumber && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : value;
}

/** `keys:` with every line below it commented out is the same as no `keys:`. */
function withoutEmptySections(document: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(document).filter(([, section]) => section !== null));
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
