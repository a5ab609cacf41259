/** Inside the real workerd, which compiles no code at run time: answers are judged by JSON Schema there too. */
import { expect, test } from 'vitest';
import { shownSigns } from '../../src/signals/answer.ts';
import { fitOf } from '../../src/signals/schema-fit.ts';
import { UNSEEN } from '../../src/upstream/observe.ts';

const schema = {
  type: 'object',
  properties: { name: { type: 'string', pattern: '^[A-Z]' }, kind: { $ref: '#/$defs/kind' } },
  required: ['name'],
  additionalProperties: false,
  $defs: { kind: { enum: ['cat', 'dog'] } },
};

test('a value fits its schema, or does not, or cannot be judged by it', () => {
  expect(fitOf({ name: 'Tom', kind: 'cat' }, schema)).toBe('fits');
  expect(fitOf({ name: 'Tom', kind: 'cow' }, schema)).toBe('misfits');
  expect(fitOf({ name: 'tom' }, schema)).toBe('misfits');
  expect(fitOf({}, { $ref: '#' })).toBe('unknown');
});

test('an answer that does not fit shows it', () => {
  const answer = (text: string) => ({
    ...UNSEEN,
    finishReason: 'stop',
    message: { text, toolCallIds: [] },
    outcome: 'completed' as const,
    totalMs: 900,
    outputTokens: 9,
    expected: null,
  });
  const asked = {
    responseFormat: { type: 'json_schema', json_schema: { name: 'pet', schema } },
    tools: undefined,
    outputCap: null,
  };
  expect(shownSigns(answer('{"name":"Tom"}'), asked)).toEqual([]);
  expect(shownSigns(answer('{"kind":"cat"}'), asked)).toEqual(['invalid_json']);
});
