import { expect, test } from 'vitest';
import { asEvents } from '../../src/upstream/late-answer.ts';
import { createStreamObserver } from '../../src/upstream/observe.ts';
import { bytesOf } from '../support/cuts.ts';

const eventsOf = (status: number, body: unknown): string =>
  new TextDecoder().decode(asEvents(status, bytesOf(typeof body === 'string' ? body : JSON.stringify(body))));

test('an error is an event with what the upstream said of it', () => {
  const error = { message: 'No such field', type: 'invalid_request_error', param: 'x', code: 'unknown' };
  expect(eventsOf(400, { error })).toBe(`data: ${JSON.stringify({ error })}\n\n`);
});

test.each([
  ['an error that is a text', { error: 'busy' }, 'busy'],
  ['a page of a proxy', '<html>Bad gateway</html>', 'The upstream answered with status 502.'],
  ['JSON of another shape', [1], 'The upstream answered with status 502.'],
])('%s is an error event with a message', (_, body, message) => {
  const event = JSON.parse(eventsOf(502, body).slice('data: '.length));
  expect(event).toEqual({ error: { message, type: 'upstream_error', param: null, code: null } });
});

test('a completion that came whole is one chunk, its calls numbered, and the end', () => {
  const calls = ['a', 'b'].map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } }));
  const message = { role: 'assistant', content: 'Hi', tool_calls: calls };
  const usage = { prompt_tokens: 1, completion_tokens: 2 };
  const choices = [{ index: 0, message, finish_reason: 'tool_calls' }];
  const text = eventsOf(200, { id: 'c1', object: 'chat.completion', model: 'm', choices, usage });
  expect(text.endsWith('\n\ndata: [DONE]\n\n')).toBe(true);
  expect(JSON.parse(text.slice('data: '.length, text.indexOf('\n')))).toEqual({
    id: 'c1',
    object: 'chat.completion.chunk',
    model: 'm',
    usage,
    choices: [
      {
        index: 0,
        delta: { ...message, tool_calls: calls.map((call, index) => ({ index, ...call })) },
        finish_reason: 'tool_calls',
      },
    ],
  });
  const observer = createStreamObserver();
  observer.push(bytesOf(text));
  expect([observer.finished(), observer.error()]).toEqual([true, null]);
});
