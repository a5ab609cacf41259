import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { estimatePromptTokens } from '../../src/context/tokens.ts';

const tokens = (content: unknown, more: object = {}): number =>
  estimatePromptTokens({ messages: [{ role: 'user', content }], ...more });

describe('the rough count of a prompt’s tokens', () => {
  test.each([
    [
      'English prose',
      'The quick brown fox jumps over the lazy dog, and the dog does not even look up. '.repeat(20),
      370,
    ],
    ['code', 'for (let i = 0; i < items.length; i++) { total += items[i].price * items[i].count; }\n'.repeat(20), 520],
    ['Chinese', '今天天气很好，我们一起去公园散步吧。'.repeat(20), 280],
    ['German', 'Die Katze liegt auf dem warmen Ofen und schläft den ganzen Tag. '.repeat(20), 330],
  ])('is within a third of what tokenisers count, for %s', (_, text, actual) => {
    expect(tokens(text) / actual).toBeGreaterThan(2 / 3);
    expect(tokens(text) / actual).toBeLessThan(4 / 3);
  });

  test('counts tools and images', () => {
    const schema = { type: 'object', properties: { place: { type: 'string', description: 'A town or a village' } } };
    expect(
      tokens('Hi', { tools: [{ type: 'function', function: { name: 'weather', parameters: schema } }] }),
    ).toBeGreaterThan(tokens('Hi') + 20);
    expect(tokens([{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }])).toBeGreaterThan(300);
  });

  test('of a long text is near that of its parts', () => {
    const part = 'Some words, and 12 numbers. ';
    expect(tokens(part.repeat(20_000)) / (tokens(part.repeat(500)) * 40)).toBeCloseTo(1, 1);
  });

  test('is a positive whole number whatever the messages hold', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ role: fc.string(), content: fc.anything(), tool_calls: fc.anything() })),
        fc.option(fc.array(fc.anything())),
        (messages, tools) => {
          const count = estimatePromptTokens({ messages, tools: tools ?? undefined });
          expect(Number.isSafeInteger(count) && count > 0).toBe(true);
        },
      ),
    );
  });
});
