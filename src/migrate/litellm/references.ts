/** Turns LiteLLM's `os.environ/NAME` into Conduit's `${NAME}`, and keeps count of the variables that the result needs. */
import { type Environment, literal } from '../../config/interpolate.ts';
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
  /** The address that a variable has, with a path behind it, whether its value ends in a slash or not, as far as that is known. */
  below(name: string, path: string): string;
  /** Here, or by LiteLLM's file. */
  isSet(name: string): boolean;
  /** `NAME` of a value that is `os.environ/NAME`; null of any other. */
  nameOf(value: unknown): string | null;
  /** The same for whatever may lie in a request's field. */
  deep(value: unknown): unknown;
  /** The variables that are referred to, with what may stand in for them; those with a default in the file are not here. */
  readonly standIns: Readonly<Record<string, string>>;
}

const REFERENCE = /^os\.environ\/([A-Za-z_][A-Za-z0-9_]*)$/;
const PREFIX = 'os.environ/';

/** `environmentVariables`: what LiteLLM's file itself sets, which stands behind a variable as its default. `env`: what is set here. */
export function createReferences(environmentVariables: unknown, env: Environment): References {
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
    return name === null ? literal(value.trim()) : variable(name, use);
  };
  const below = (name: string, path: string): string => {
    const written = variable(name, 'host-url');
    const inFile = /:-(.*)\}$/s.exec(written)?.[1];
    // With its value in the file nothing has to be guessed.
    if (inFile !== undefined) return written.replace(/\/*\}$/, '}') + path;
    return written + (env[written.slice(2, -1)]?.endsWith('/') ? path.slice(1) : path);
  };
  const isSet = (name: string): boolean =>
    (env[name] ?? '') !== '' || (Object.hasOwn(own, name) && textOf(own[name]) !== null);
  const deep = (value: unknown): unknown => {
    if (typeof value === 'string') return value.trim().startsWith(PREFIX) ? text(value, 'secret') : literal(value);
    if (Array.isArray(value)) return value.map(deep);
    // YAML 1.1 reads a date as one.
    if (value instanceof Date) return value.toISOString().slice(0, 10);
    return isMapping(value)
      ? Object.fromEntries(Object.entries(value).map(([name, child]) => [name, deep(child)]))
      : value;
  };
  return { text, below, isSet, nameOf, deep, standIns };
}
