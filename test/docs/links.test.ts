/** Every relative link in the README and in docs/ leads somewhere, and every anchor is a heading there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const pages = [
  ...['README.md', 'SECURITY.md'].map((name) => join(root, name)),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(root, 'docs', name)),
];

/** Code is shown, not followed. */
const withoutCode = (text: string): string =>
  text.replace(/^ *(```+)[^\n]*\n.*?^ *\1$/gms, '').replace(/`[^`\n]*`/g, '``');

/** As GitHub makes anchors of headings: what is neither letter, digit, space nor hyphen goes, and of the same ones each has a number. */
function anchorsIn(path: string): Set<string> {
  const anchors = new Set<string>();
  const seen = new Map<string, number>();
  const text = readFileSync(path, 'utf8').replace(/^ *(```+)[^\n]*\n.*?^ *\1$/gms, '');
  for (const [, heading = ''] of text.matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const shown = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const anchor = shown
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-');
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    anchors.add(count === 0 ? anchor : `${anchor}-${count}`);
  }
  for (const [, name = ''] of text.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(name);
  return anchors;
}

const linksIn = (path: string): string[] =>
  [
    ...withoutCode(readFileSync(path, 'utf8')).matchAll(
      /\]\(([^)\s]+)(?: "[^"]*")?\)|<(?:img|source)[^>]* src(?:set)?="([^"]+)"/g,
    ),
  ].map((match) => (match[1] ?? match[2]) as string);

const isElsewhere = (link: string): boolean => /^[a-z][a-z+.-]*:/i.test(link);

/** What is wrong with a link of a page; null where it leads somewhere. */
function wrongWith(page: string, link: string): string | null {
  const [path = '', anchor] = decodeURI(link).split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (relative(root, target).startsWith('..')) return `${link}: outside the repository`;
  if (!existsSync(target)) return `${link}: no such file`;
  if (anchor !== undefined && target.endsWith('.md') && !anchorsIn(target).has(anchor))
    return `${link}: no such heading`;
  return null;
}

test('there are links to check', () => expect(pages.flatMap(linksIn).length).toBeGreaterThan(200));

describe('links lead somewhere', () => {
  test.each(pages.map((page) => ({ page, name: relative(root, page) })))('in $name', ({ page }) => {
    const links = linksIn(page).filter((link) => !isElsewhere(link));
    expect(links.map((link) => wrongWith(page, link)).filter((wrong) => wrong !== null)).toEqual([]);
  });
});
