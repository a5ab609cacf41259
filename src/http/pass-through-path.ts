/** What is asked for behind `/v1/`, as it came over the wire; nothing that two servers could read differently gets by. */
import { badRequest } from './errors.ts';

export interface PassedPath {
  /** Behind `/v1/`, for a key's `routes` and for the upstream alike. */
  route: string;
  /** With its question mark, or empty. */
  query: string;
  /** The route without what it names: `files` for one file, `files/content` for its bytes. */
  call: string;
}

const PREFIX = '/v1/';

/** A segment in the letters of RFC 3986, section 3.3; no encoded dot, slash, backslash, percent or control character. */
const SEGMENT = /^(?:[\w.~!$&'()*+,;=:@-]|%(?!2e|2f|5c|25|7f|[01])[0-9a-f]{2})+$/i;
const QUERY = /^[\x21-\x7e]*$/;

/** Throws a 400 for a path that is not plain. */
export function readPath(target: string): PassedPath {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark);
  const route = path.slice(PREFIX.length);
  const segments = route.split('/');
  const isPlain = segments.every((segment) => SEGMENT.test(segment) && segment !== '.' && segment !== '..');
  if (!path.startsWith(PREFIX) || !isPlain || !QUERY.test(query) || query.includes('#')) {
    throw badRequest(
      'The path holds an empty or a dot segment, a backslash, or something encoded that is not passed on.',
      null,
      'invalid_path',
    );
  }
  return { route, query, call: callOf(segments) };
}

/** Ids hold digits, hyphens or capitals, and the names of routes do not. */
export const callOf = (segments: readonly string[]): string =>
  segments
    .filter((segment) => /^[a-z]+(_[a-z]+)*$/.test(segment))
    .join('/')
    .slice(0, 64) || 'other';
