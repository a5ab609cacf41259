/**
 * Puts environment variables into the texts of a parsed document: `${NAME}`, `${NAME:-default}`, and `$${` for a plain
 * `${`. It works on the parsed texts, so that no value of a variable can add keys or change the document's shape.
 */

import { type Path, pathText } from './path.ts';
import type { Problem } from './problems.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Interpolated {
  document: unknown;
  /** Paths, as texts, of the texts that were one variable and nothing else: these may also stand for a number. */
  variables: ReadonlySet<string>;
  problems: Problem[];
}

const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const BODY = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;
const ALLOWED = `\${NAME}, \${NAME:-default}; $\${ for a plain \${`;

/** The text as it has to be written so that no variable is put into it. */
export const literal = (text: string): string => text.replaceAll('${', () => '$${');

export function interpolate(document: unknown, env: Environment): Interpolated {
  const variables = new Set<string>();
  const problems: Problem[] = [];

  const fill = (text: string, path: Path): string =>
    text.replace(REFERENCE, (whole: string, body: string | undefined, close: string) => {
      if (body === undefined) return '${';
      const [, name, fallback] = BODY.exec(body) ?? [];
      if (name === undefined || close === '' || fallback?.includes('${')) {
        problems.push({
          path: pathText(path),
          message: `a \${…} that is no reference to a variable`,
          allowed: ALLOWED,
        });
        return '';
      }
      if (whole.length === text.length) variables.add(pathText(path));
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      // As in a shell, the default also stands in for an empty variable.
      if (value) return value;
      if (fallback !== undefined) return fallback;
      const state = value === '' ? 'empty' : 'not set';
      problems.push({ path: pathText(path), message: `the environment variable ${name} is ${state}` });
      return '';
    });

  const walk = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') return value.includes('${') ? fill(value, path) : value;
    if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, index]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, walk(child, [...path, name])]));
  };

  return { document: walk(document, []), variables, problems };
}
