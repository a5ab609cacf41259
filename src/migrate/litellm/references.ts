/** Turns LiteLLM's `os.environ/NAME` into Conduit's `${NAME}`, and keeps count of the variables that the result needs. */
import { isMapping, type Mapping, textOf } from './values.ts';

/** What stands in for a variable that is not set, so that the result can be checked without it. */
const STAND_INS = {
  secret: 'not-set',
  url: 'https://not-set.invalid/v1',
  'host-url': 'https://not-set.invalid',
  redis: 'redis://not-set.invalid:6379',
  host: 'not-set.invalid',
  port: '6379',
};

export type Use = keyof typeof STAND_INS;

export interface References {
  /** The text as it stands in Conduit's file. */
  text(value: string, use: Use): string;
  /** `NAME` of a value that is `os.environ/NAME`; null of any other. */
  nameOf(value: unknown): string | null;
  /** The same for whatever may lie in a request's field. */
  deep(value: unknown): unknown;
  /** The variables that are referred to, with what may stand in for them; those with a default in the file are not here. */
  readonly standIns: Readonly<Record<string, string>>;
}

const REFERENCE = /^os\.environ\/([A-Za-z_][A-Za-z0-9_]*)$/;
const PREFIX = 'os.environ/';

/** Conduit reads `${` as the beginning of a variable. */
const escaped = (text: string): string => text.replaceAll('${', () => '$${');

/** `environmentVariables`: what LiteLLM's file itself sets, which stands behind a variable as its default. */
export function createReferences(environmentVariables: unknown): References {
  const own: Mapping = isMapping(environmentVariables) ? environmentVariables : {};
  const standIns: Record<string, string> = {};
  const nameOf = (value: unknown): string | null =>
    (typeof value === 'string' && REFERENCE.exec(value.trim())?.[1]) || null;
  const variable = (name: string, use: Use): string => {
    const value = Object.hasOwn(own, name) ? textOf(own[name]) : null;
    const elsewhere = nameOf(value);
    if (elsewhere !== null && elsewhere !== name) return variable(elsewhere, use);
    if (value !== null && elsewhere === null && !/[}\n]|\$\{/.test(value)) return `\${${name}:-${value}}`;
    // An address may stand where a secret does, but not the other way round.
    if (use !== 'secret' || !Object.hasOwn(standIns, name)) standIns[name] = STAND_INS[use];
    return `\${${name}}`;
  };
  const text = (value: string, use: Use): string => {
    const name = nameOf(value);
    return name === null ? escaped(value.trim()) : variable(name, use);
  };
  const deep = (value: unknown): unknown => {
    if (typeof value === 'string') return value.trim().startsWith(PREFIX) ? text(value, 'secret') : escaped(value);
    if (Array.isArray(value)) return value.map(deep);
    // YAML 1.1 reads a date as one.
    if (value instanceof Date) return value.toISOString().slice(0, 10);
    return isMapping(value)
      ? Object.fromEntries(Object.entries(value).map(([name, child]) => [name, deep(child)]))
      : value;
  };
  return { text, nameOf, deep, standIns };
}
