/** JSON as people and programs write it: every spelling of a number, escapes, white space, names that come twice. */
import * as fc from 'fast-check';

const space = fc.constantFrom('', '', '', ' ', '\n', '\t', ' \r\n  ');
const number = fc.constantFrom('0', '-0', '1.0', '0.1e1', '1E+2', '12345678901234567890', '3.141592653589793238', '-7');

const plain = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => JSON.stringify(text.toWellFormed()));
const escaped = fc
  .array(
    fc.constantFrom('\\u00e9', '\\"', '\\\\', '\\/', '\\n', '\\ud83d\\udc4d', '{', '}', '[', ']', ',', ':', 'é', ' '),
  )
  .map((parts) => `"${parts.join('')}"`);
export const stringText = fc.oneof(plain, escaped);

const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    number,
    fc.constantFrom('true', 'false', 'null', '[]', '{}', '[ ]', '{ }'),
    stringText,
    fc
      .array(fc.tuple(space, tie('value'), space), { maxLength: 4 })
      .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
    fc
      .array(fc.tuple(space, stringText, space, fc.constant(':'), space, tie('value'), space), { maxLength: 4 })
      .map((items) => `{${items.map((item) => item.join('')).join(',')}}`),
  ),
}));

/** The text of any JSON value. */
export const valueText = value;
export const spaceText = space;
