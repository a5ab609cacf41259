import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Message, traceLineage } from '../../src/routing/lineage.ts';
import { testRuntime } from './runtime.ts';

const { digest } = testRuntime();
const trace = (messages: readonly Message[], scope = 'me', session: string | null = null) =>
  traceLineage(messages, scope, session, digest);

const text = fc.string({ unit: 'binary', maxLength: 20 }).map((one) => one.toWellFormed());
const message = fc.record({ role: fc.constantFrom('system', 'user', 'assistant', 'developer'), content: text });
const messages = fc.array(message, { minLength: 1, maxLength: 6 });
const answer = fc.record({ text, toolCallIds: fc.array(fc.string({ minLength: 1, maxLength: 5 }), { maxLength: 3 }) });

/** The answer as a client sends it back. */
const asMessage = ({ text: content, toolCallIds }: { text: string; toolCallIds: string[] }): Message => ({
  role: 'assistant',
  content: content === '' && toolCallIds.length > 0 ? null : content,
  ...(toolCallIds.length > 0 && {
    tool_calls: toolCallIds.map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })),
  }),
});

describe('a conversation that goes on', () => {
  test('finds the answer that it goes on from, first of all', () => {
    fc.assert(
      fc.property(messages, answer, message, (before, said, next) => {
        const { earlier } = trace([...before, asMessage(said), { ...next, role: 'user' }]);
        expect(earlier[0]).toBe(trace(before).withAnswer(said));
      }),
    );
  });

  test('finds it through several turns of tools', () => {
    const asked = [{ role: 'user', content: 'Weather?' }];
    const call = { text: '', toolCallIds: ['call_1', 'call_2'] };
    const loop = [
      ...asked,
      asMessage(call),
      { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
      { role: 'tool', tool_call_id: 'call_2', content: 'wind' },
    ];
    expect(trace(loop).earlier[0]).toBe(trace(asked).withAnswer(call));
  });

  test('finds it where the client has trimmed the answer, or sends it in parts', () => {
    const asked = [{ role: 'user', content: 'Hi' }];
    const name = trace(asked).withAnswer({ text: ' Hello\n', toolCallIds: [] });
    for (const content of [
      'Hello',
      ' Hello\n',
      [{ type: 'text', text: ' Hello\n' }],
      [
        { type: 'text', text: ' Hel' },
        { type: 'text', text: 'lo' },
      ],
    ]) {
      expect(trace([...asked, { role: 'assistant', content }, { role: 'user', content: 'And?' }]).earlier[0]).toBe(
        name,
      );
    }
    expect(trace([{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }]).answered).toBe(trace(asked).answered);
  });

  test('finds the answers before, where the last one was edited', () => {
    const first = [{ role: 'user', content: 'One' }];
    const second = [...first, { role: 'assistant', content: 'Said' }, { role: 'user', content: 'Two' }];
    const edited = [...second, { role: 'assistant', content: 'not what was said' }, { role: 'user', content: 'Three' }];
    expect(trace(edited).earlier).toContain(trace(first).withAnswer({ text: 'Said', toolCallIds: [] }));
  });

  test('is known by the same name where the same is asked again, and by another where one word differs', () => {
    fc.assert(
      fc.property(messages, messages, (one, other) => {
        expect(trace(one).answered).toBe(trace(structuredClone(one)).answered);
        if (
          JSON.stringify(one) !== JSON.stringify(other) &&
          !one.concat(other).some(({ content }) => content !== content.trim())
        ) {
          expect(trace(one).answered).not.toBe(trace(other).answered);
        }
      }),
    );
  });

  test('of another person has other names throughout', () => {
    fc.assert(
      fc.property(messages, answer, (said, reply) => {
        const mine = trace(said, 'me', 's');
        const theirs = trace(said, 'you', 's');
        expect(theirs.answered).not.toBe(mine.answered);
        expect(theirs.withAnswer(reply)).not.toBe(mine.withAnswer(reply));
        expect(theirs.session).not.toBe(mine.session);
        for (const name of theirs.earlier) expect(mine.earlier).not.toContain(name);
      }),
    );
  });

  test('is named by hashes alone', () => {
    const { earlier, answered, session } = trace(
      [
        { role: 'user', content: 'secret words' },
        { role: 'assistant', content: 'secret answer' },
      ],
      'me',
      'secret session',
    );
    for (const name of [...earlier, answered, session]) expect(name).not.toContain('secret');
  });

  test('takes an image for what it is, not for the text around it', () => {
    const ask = (url: string) =>
      trace([
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is it?' },
            { type: 'image_url', image_url: { url } },
          ],
        },
      ]).answered;
    expect(ask('https://a')).toBe(ask('https://a'));
    expect(ask('https://a')).not.toBe(ask('https://b'));
  });
});
