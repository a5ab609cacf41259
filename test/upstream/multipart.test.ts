import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundaryOf, findField, LOOKED_THROUGH } from '../../src/upstream/multipart.ts';
import { bytesOf } from '../support/cuts.ts';

const part = (disposition: string, value: string): string =>
  `--b\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}\r\n`;
const find = (text: string) => findField(bytesOf(text), 'b', 'model');

describe('the boundary of a body', () => {
  test('is read bare and quoted, and only off multipart/form-data', () => {
    expect(boundaryOf('multipart/form-data; boundary=abc')).toBe('abc');
    expect(boundaryOf('Multipart/Form-Data; charset=utf-8; Boundary="a b;c"')).toBe('a b;c');
    expect(boundaryOf('multipart/mixed; boundary=abc')).toBeNull();
    expect(boundaryOf('application/json')).toBeNull();
  });
});

describe('a field', () => {
  test('is found among others, and stands where it says', () => {
    const text = `${part('name="file"; filename="a"', 'Grüße')}${part('name=model', 'whisper')}--b--\r\n`;
    const field = find(text);
    expect(field).toMatchObject({ value: 'whisper' });
    const { start, end } = field as { start: number; end: number };
    expect(new TextDecoder().decode(bytesOf(text).subarray(start, end))).toBe('whisper');
  });

  test('is not what a file’s name, a file’s content or another field only looks like', () => {
    const tricks = [
      part('name="file"; filename="x; name=\\"model\\""', 'a'),
      part('name="x; name=model"', 'a'),
      part('name="model"; filename="model"', 'a'),
      part('name="file"; filename="a"', 'Content-Disposition: form-data; name="model"\r\n\r\nwhisper'),
    ];
    for (const trick of tricks) expect(find(`${trick}--b--\r\n`)).toBeNull();
  });

  test('may be empty, and may be missing', () => {
    expect(find(`${part('name="model"', '')}--b--`)).toMatchObject({ value: '' });
    expect(find('--b--\r\n')).toBeNull();
  });

  test('is waited for wherever the bytes so far end, and is the same then', () => {
    const whole = `${part('name="prompt"', 'Hi')}${part('name="model"', 'whisper')}`;
    const known = `${whole}--b`.length;
    fc.assert(
      fc.property(fc.nat({ max: known }), (length) => {
        const found = find(`${whole}--b--`.slice(0, length));
        if (found !== 'more') expect(found).toMatchObject({ value: 'whisper' });
        else expect(length).toBeLessThan(known);
      }),
    );
  });

  test('is looked for no further than the limit', () => {
    const file = part('name="file"; filename="a"', 'x'.repeat(LOOKED_THROUGH));
    expect(find(`${file}${part('name="model"', 'whisper')}--b--`)).toBeNull();
    expect(find('x'.repeat(LOOKED_THROUGH))).toBeNull();
    expect(find('x')).toBe('more');
  });
});
