import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundaryOf, findField, isAmbiguous, LOOKED_THROUGH } from '../../src/upstream/multipart.ts';
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

describe('a body', () => {
  const TYPE = 'multipart/form-data; boundary=b';
  const isOdd = (text: string): boolean => isAmbiguous(bytesOf(text), TYPE, 'b');
  const file = part('name="file"; filename="a"', 'Content-Disposition: x\n\nGrüße\r\r\n');
  const model = part('name="model"', 'whisper');

  test('as clients send it has one meaning, wherever it is cut', () => {
    for (const text of [`${file}${model}--b--\r\n`, `\r\n${model}--b--`, '--b--\r\n']) expect(isOdd(text)).toBe(false);
    const long = `${model}${part('name="file"; filename="a"', '')}`;
    fc.assert(
      fc.property(fc.nat({ max: long.length }), (more) => {
        const fill = 'x'.repeat(LOOKED_THROUGH - file.length - part('name="prompt"', '').length - more);
        expect(isOdd(`${part('name="prompt"', fill)}${file}${long}--b--\r\n`)).toBe(false);
      }),
    );
  });

  test('that two servers may read differently is told', () => {
    const lenient = model.replaceAll('\r\n', '\n');
    const head = 'Content-Disposition: form-data; name="model"';
    const fill = 'x'.repeat(LOOKED_THROUGH);
    for (const text of [
      `${lenient}--b--\n`,
      `${part('name="x"', `\n${lenient}`)}--b--\r\n`,
      `${part('name="x"', `\n${lenient}${fill}`)}--b--\r\n`,
      `--b\r\n${head}\n\nwhisper\r\n${part('name="x"', 'a')}--b--\r\n`,
      `--b\r\n${head.replace(':', ' :')}\r\n\r\nwhisper\r\n--b--\r\n`,
      `--b\r\n${head.replace(' name', '\r\n name')}\r\n\r\nwhisper\r\n--b--\r\n`,
      `--b\r\n${head}\r\n${head.replace('model', 'x')}\r\n\r\nwhisper\r\n--b--\r\n`,
      `--b \r\n${head}\r\n\r\nwhisper\r\n--b--\r\n`,
      `${part('name="x"', 'a')}--b--\r\n${model}--b--\r\n`,
      `before${model}--b--\r\n`,
      model,
      part('name="x"; name="model"', 'a'),
      'no part at all',
    ]) {
      expect([text.slice(0, 200), isOdd(text)]).toEqual([text.slice(0, 200), true]);
    }
    expect(isAmbiguous(bytesOf(`${model}--b--\r\n`), `${TYPE}; boundary=c`, 'b')).toBe(true);
  });
});
