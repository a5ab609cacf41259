import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createStreamObserver, observeWhole } from '../../src/upstream/observe.ts';
import { anyCuts, bytesOf, inPieces } from '../support/cuts.ts';
import { piece, sse } from '../support/fake-upstream.ts';

function observe(...events: string[]) {
  const observer = createStreamObserver();
  for (const event of events) observer.push(bytesOf(event));
  return observer;
}

const choice = (delta: object, more: object = {}) => ({ id: 'chatcmpl-1', choices: [{ index: 0, delta, ...more }] });

describe('what is seen of a stream', () => {
  test('is the same wherever its bytes are cut', () => {
    const stream = [
      ': waiting\r\n\r\n',
      piece('Grüße '),
      piece('👍'),
      sse(choice({ tool_calls: [{ index: 0, id: 'call_1', function: { name: 'f', arguments: '{"é":' } }] })),
      sse(choice({}, { finish_reason: 'tool_calls' })),
      sse({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } }),
      'data: [DONE]\n\n',
    ].join('');
    const whole = observe(stream).observed();
    expect(whole).toMatchObject({ finishReason: 'tool_calls', message: { text: 'Grüße 👍', toolCallIds: ['call_1'] } });
    fc.assert(
      fc.property(anyCuts, (cuts) => {
        const observer = createStreamObserver();
        inPieces(bytesOf(stream), cuts, observer.push);
        expect(observer.observed()).toEqual(whole);
        expect(observer.finished()).toBe(true);
      }),
    );
  });

  test('has the first id, the last usage and the finish reason', () => {
    const { completionId, usage, finishReason } = observe(
      sse({ ...choice({ content: 'a' }), id: 'first', usage: { prompt_tokens: 3, completion_tokens: 1 } }),
      sse({
        ...choice({}, { finish_reason: 'length' }),
        id: 'second',
        usage: { prompt_tokens: 3, completion_tokens: 9 },
      }),
      sse({ choices: [], usage: null }),
    ).observed();
    expect({ completionId, usage, finishReason }).toEqual({
      completionId: 'first',
      usage: { promptTokens: 3, completionTokens: 9, cachedTokens: 0, cacheWriteTokens: 0 },
      finishReason: 'length',
    });
  });

  test('takes the text and calls of the first choice, and counts the characters of all', () => {
    const { message, characters } = observe(
      sse({
        choices: [
          { index: 1, delta: { content: 'other' } },
          { index: 0, delta: { content: 'mine' } },
        ],
      }),
      sse({
        choices: [
          { index: 0, delta: { reasoning_content: 'hm', tool_calls: [{ id: 'a', function: { arguments: '{}' } }] } },
        ],
      }),
    ).observed();
    expect(message).toEqual({ text: 'mine', toolCallIds: ['a'] });
    expect(characters).toBe('othermine'.length + 'hm'.length + '{}'.length);
  });

  test('names a tool call once, even where the provider repeats its id with each piece', () => {
    const call = (args: string) => sse(choice({ tool_calls: [{ index: 0, id: 'a', function: { arguments: args } }] }));
    expect(observe(call('{'), call('}')).observed().message.toolCallIds).toEqual(['a']);
  });

  test('has begun with the first event of an answer, not with comments, pings or an error', () => {
    expect(observe(': keep-alive\n\n', sse({ type: 'ping' }), 'data: noise\n\n').begun()).toBe(false);
    expect(observe(sse({ error: { message: 'no' } })).begun()).toBe(false);
    expect(observe(sse({ choices: [] })).begun()).toBe(true);
    expect(observe(piece('a')).begun()).toBe(true);
  });

  test('is whole at a finish reason or at [DONE], and not before', () => {
    expect(observe(piece('a')).finished()).toBe(false);
    expect(observe(piece('a'), piece('', 'stop')).finished()).toBe(true);
    expect(observe(piece('a'), 'data: [DONE]\n\n').finished()).toBe(true);
    expect(observe(piece('a'), 'data: [DONE]\n').finished()).toBe(false);
    expect(observe(piece('', 'stop'), sse(choice({}))).finished()).toBe(true);
  });

  test('of several choices is whole once each has finished', () => {
    const of = (index: number, finish_reason: string | null) => sse({ choices: [{ index, delta: {}, finish_reason }] });
    expect(observe(of(0, null), of(1, null), of(0, 'stop')).finished()).toBe(false);
    expect(observe(of(0, null), of(1, null), of(0, 'stop'), of(1, 'length')).finished()).toBe(true);
  });

  test('tells an error in the upstream’s own words', () => {
    expect(observe(sse({ error: { message: 'overloaded', code: 529 } })).error()).toBe('overloaded');
    expect(observe(sse({ error: 'overloaded' })).error()).toBe('overloaded');
    expect(observe(sse({ error: { code: 7 } })).error()).toBe('{"code":7}');
    expect(observe(piece('a'), sse({ ...choice({}), error: null })).error()).toBe(null);
  });

  test('survives whatever an upstream may send', () => {
    const odd = fc.jsonValue({ maxDepth: 5 });
    const event = fc.oneof(
      odd,
      fc.record({ choices: odd, usage: odd, error: odd, id: odd }),
      fc.record({ choices: fc.array(fc.record({ index: odd, delta: odd, message: odd, finish_reason: odd })) }),
      fc.record({ choices: fc.array(fc.record({ delta: fc.record({ content: odd, tool_calls: odd }) })) }),
      fc.record({ choices: fc.array(fc.record({ message: fc.record({ content: odd, tool_calls: fc.array(odd) }) })) }),
    );
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const { message, characters } = observe(...events.map(sse)).observed();
        expect(typeof message.text).toBe('string');
        expect(characters).toBeGreaterThanOrEqual(0);
        for (const one of events) observeWhole(JSON.stringify(one));
      }),
      { numRuns: 300 },
    );
  });
});

describe('what is seen of a whole answer', () => {
  test('is its id, finish reason, usage, words and calls', () => {
    const answer = {
      id: 'chatcmpl-2',
      choices: [
        { index: 1, message: { content: 'other' }, finish_reason: 'length' },
        {
          index: 0,
          message: { content: 'Hi', tool_calls: [{ id: 'b', function: { arguments: '{}' } }] },
          finish_reason: 'stop',
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 2 } },
    };
    expect(observeWhole(JSON.stringify(answer))).toEqual({
      completionId: 'chatcmpl-2',
      finishReason: 'stop',
      usage: { promptTokens: 3, completionTokens: 1, cachedTokens: 2, cacheWriteTokens: 0 },
      message: { text: 'Hi', toolCallIds: ['b'] },
      characters: 9,
      error: null,
    });
  });

  test('is nothing where there is no choice, no JSON or no object', () => {
    for (const body of [
      '',
      '<html>',
      'null',
      '[]',
      '{}',
      '{"choices":[]}',
      '{"choices":{}}',
      '{"error":{"message":"x"}}',
    ]) {
      expect(observeWhole(body)).toBe(null);
    }
  });
});
