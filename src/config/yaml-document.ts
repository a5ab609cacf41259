/** Reads YAML, and so JSON, into a plain document; what is wrong is told by line and column, without any of the text. */
import { LineCounter, parseDocument, type ScalarTag, type Tags } from 'yaml';
import type { Problem } from './problems.ts';

export type ReadDocument = { ok: true; document: unknown } | { ok: false; problems: Problem[] };

type YamlErrorCode = ReturnType<typeof parseDocument>['errors'][number]['code'];

/** The library's own messages quote the text, in which a secret may stand. */
const WORDS: Partial<Record<YamlErrorCode, string>> = {
  BAD_ALIAS: 'a * or & that is no valid alias or anchor: put the text in quotes',
  BAD_DQ_ESCAPE: 'an unknown escape in a text in double quotes',
  BAD_INDENT: 'wrong indentation',
  BAD_SCALAR_START: 'a text that cannot start so: put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a mapping where a single value belongs',
  BLOCK_IN_FLOW: 'a block inside { } or [ ]',
  DUPLICATE_KEY: 'this key is here twice',
  MISSING_CHAR: 'a character is missing: a colon, a comma, a quote or a bracket',
  MULTILINE_IMPLICIT_KEY: 'a key over several lines: is a colon missing?',
  MULTIPLE_DOCS: 'more than one document',
  NON_STRING_KEY: 'a key that is no text',
  TAB_AS_INDENT: 'a tab as indentation: use spaces',
  TAG_RESOLVE_FAILED: 'an unknown tag: put the text in quotes',
  UNEXPECTED_TOKEN: 'something that does not belong here',
};

/** As PyYAML reads YAML, where that is 1.1: it has `yes` and `on`, and `<<` takes another mapping's settings in. */
export interface Dialect {
  version?: '1.1' | '1.2';
}

/** By YAML 1.1 itself `y` and `n` mean yes and no, too: to PyYAML, as to whoever writes `n: 2`, they are texts. */
const asPyYaml = (tags: Tags): Tags =>
  tags.map((tag) =>
    typeof tag === 'object' && tag.tag === 'tag:yaml.org,2002:bool' && tag.test
      ? { ...(tag as ScalarTag), test: new RegExp(`(?!^[yYnN]$)${tag.test.source}`) }
      : tag,
  );

export function readDocument(text: string, { version = '1.2' }: Dialect = {}): ReadDocument {
  const lines = new LineCounter();
  const parsed = parseDocument(text, {
    version,
    ...(version === '1.1' && { customTags: asPyYaml }),
    lineCounter: lines,
    prettyErrors: false,
    // A merge key is no text.
    stringKeys: version === '1.2',
    logLevel: 'silent',
  });
  // A warning is an unknown tag or the like: it would change what a value means.
  const errors = [...parsed.errors, ...parsed.warnings];
  if (errors.length > 0) {
    return {
      ok: false,
      problems: errors.map(({ code, pos }) => {
        const { line, col } = lines.linePos(pos[0]);
        return { path: `line ${line}, column ${col}`, message: `not valid YAML: ${WORDS[code] ?? 'cannot be read'}` };
      }),
    };
  }
  try {
    return { ok: true, document: parsed.toJS() };
  } catch {
    // An alias without an anchor, or aliases of aliases that would fill the memory.
    return { ok: false, problems: [{ path: '', message: 'not valid YAML: its aliases cannot be resolved' }] };
  }
}
