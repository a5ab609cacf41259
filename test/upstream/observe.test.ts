import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createStreamObserver, MAX_ANSWER_CHARACTERS, observeWhole } from '../../src/upstream/observe.ts';
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

  test('has the first id and model’s name, the last usage and the finish reason', () => {
    const { completionId, model, usage, finishReason } = observe(
      sse({
        ...choice({ content: 'a' }),
        id: 'first',
        model: 'small-2026',
        usage: { prompt_tokens: 3, completion_tokens: 1 },
      }),
      sse({
        ...choice({}, { finish_reason: 'length' }),
        id: 'second',
        usage: { prompt_tokens: 3, completion_tokens: 9 },
      }),
      sse({ choices: [], usage: null }),
    ).observed();
    expect({ completionId, model, usage, finishReason }).toEqual({
      completionId: 'first',
      model: 'small-2026',
      usage: { promptTokens: 3, completionTokens: 9, cachedTokens: null, cacheWriteTokens: 0 },
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

  test('is each call with its arguments, however a provider cuts, numbers and names its calls', () => {
    const paris = { id: 'a', name: 'weather', arguments: '{"city":"Paris"}' };
    const rome = { id: 'b', name: 'weather', arguments: '{"city":"Rome"}' };
    const calls = (...pieces: object[][]) =>
      observe(...pieces.map((tool_calls) => sse(choice({ tool_calls })))).observed().toolCalls;
    const call = (index: number | null, id: string | null, name: string | null, args: string) => ({
      ...(index !== null && { index }),
      ...(id !== null && { id }),
      function: { ...(name !== null && { name }), arguments: args },
    });
    // OpenAI: the id and name once, then pieces by their index.
    expect(
      calls(
        [call(0, 'a', 'weather', '')],
        [call(0, null, null, '{"city":')],
        [call(0, null, null, '"Paris"}')],
        [call(1, 'b', 'weather', '')],
        [call(1, null, null, '{"city":"Rome"}')],
      ),
    ).toEqual([paris, rome]);
    // Both at once, and in turn.
    expect(
      calls(
        [call(0, 'a', 'weather', '{"city"'), call(1, 'b', 'weather', '{"city"')],
        [call(1, null, null, ':"Rome"}'), call(0, null, null, ':"Paris"}')],
      ),
    ).toEqual([paris, rome]);
    // The id and the name with each piece, and an id made up for each.
    expect(calls([call(0, 'a', 'weather', '{"city":')], [call(0, 'a', 'weather', '"Paris"}')])).toEqual([paris]);
    expect(calls([call(0, 'a', 'weather', '{"city":')], [call(0, 'x', null, '"Paris"}')])).toEqual([paris]);
    // Whole calls, all of one index, or of none.
    expect(calls([call(0, 'a', 'weather', paris.arguments)], [call(0, 'b', 'weather', rome.arguments)])).toEqual([
      paris,
      rome,
    ]);
    expect(calls([call(null, 'a', 'weather', paris.arguments), call(null, 'b', 'weather', rome.arguments)])).toEqual([
      paris,
      rome,
    ]);
    expect(calls([call(null, 'a', 'weather', '{"city":')], [call(null, null, null, '"Paris"}')])).toEqual([paris]);
    // Neither index nor id.
    const nameless = [
      { ...paris, id: null },
      { ...rome, id: null },
    ];
    expect(
      calls([call(null, null, 'weather', paris.arguments)], [call(null, null, 'weather', rome.arguments)]),
    ).toEqual(nameless);
    expect(calls([call(null, null, 'weather', paris.arguments), call(null, null, 'weather', rome.arguments)])).toEqual(
      nameless,
    );
  });

  test('is a refusal in its own field, and counts its characters', () => {
    const { refused, message, characters } = observe(
      sse(choice({ refusal: 'I can’t ' })),
      sse(choice({ refusal: 'help.' })),
    ).observed();
    expect({ refused, text: message.text, characters }).toEqual({ refused: true, text: '', characters: 13 });
    expect(observe(sse(choice({ content: 'Hi', refusal: null }))).observed().refused).toBe(false);
    expect(observe(sse(choice({ content: 'Hi', refusal: '' }))).observed().refused).toBe(false);
  });

  test('says so where an answer is more than text and functions', () => {
    const of = (delta: object) => observe(sse(choice(delta))).observed();
    expect(of({ audio: { data: 'AAAA' } }).hasOtherContent).toBe(true);
    expect(of({ content: [{ type: 'thinking' }, { type: 'text', text: 'Hi' }] }).hasOtherContent).toBe(true);
    const custom = of({ tool_calls: [{ index: 0, id: 'c', type: 'custom', custom: { name: 'sh', input: 'ls' } }] });
    expect(custom).toMatchObject({ hasOtherContent: true, toolCalls: [], message: { toolCallIds: ['c'] } });
    expect(of({ content: 'Hi' }).hasOtherContent).toBe(false);
  });

  test('is bounded: the text first, and no call in part', () => {
    const half = 'x'.repeat(MAX_ANSWER_CHARACTERS / 2 + 1);
    const call = sse(choice({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: half } }] }));
    const fits = observe(piece('words'), call).observed();
    expect(fits).toMatchObject({ wasCut: false, message: { text: 'words' } });
    expect(fits.toolCalls[0]?.arguments.length).toBe(half.length);
    for (const events of [
      [piece(half), call],
      [call, piece(half)],
    ]) {
      const { wasCut, toolCalls, message } = observe(...events).observed();
      expect({ wasCut, toolCalls, text: message.text.length }).toEqual({
        wasCut: true,
        toolCalls: [],
        text: half.length,
      });
      expect(message.toolCallIds).toEqual(['a']);
    }
    const long = observe(piece(half), piece(half), piece('more')).observed();
    expect({ wasCut: long.wasCut, length: long.message.text.length }).toEqual({
      wasCut: true,
      length: MAX_ANSWER_CHARACTERS,
    });
    const empty = Array.from({ length: 200 }, (_, index) => ({ index, id: `c${index}`, function: { name: 'f' } }));
    expect(observe(sse(choice({ tool_calls: empty }))).observed().toolCalls.length).toBe(200);
  });

  test('keeps ids within the same bounds, each once', () => {
    const withId = (id: string, more = {}) =>
      sse(choice({ tool_calls: [{ index: 0, id, function: { name: 'f', arguments: '{}' }, ...more }] }));
    const ids = Array.from({ length: 40 }, (_, i) => `${i}-${'x'.repeat(MAX_ANSWER_CHARACTERS / 32)}`);
    const { wasCut, toolCalls, message } = observe(...ids.flatMap((id) => [withId(id), withId(id)])).observed();
    expect({ wasCut, toolCalls }).toEqual({ wasCut: true, toolCalls: [] });
    expect(message.toolCallIds.join('').length).toBeLessThanOrEqual(MAX_ANSWER_CHARACTERS);
    expect(message.toolCallIds).toEqual(ids.slice(0, 31));
    const both = observe(withId('a'), withId(ids[0] as string, { type: 'custom' }), piece('y'.repeat(300_000)));
    const seen = both.observed();
    expect(seen.message.text.length + seen.message.toolCallIds.join('').length).toBe(MAX_ANSWER_CHARACTERS);
    expect(seen.wasCut).toBe(true);
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
  test('is its id, its model’s name, finish reason, usage, words and calls', () => {
    const answer = {
      id: 'chatcmpl-2',
      model: 'small-2026-01-01',
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
      model: 'small-2026-01-01',
      finishReason: 'stop',
      usage: { promptTokens: 3, completionTokens: 1, cachedTokens: 2, cacheWriteTokens: 0 },
      message: { text: 'Hi', toolCallIds: ['b'] },
      toolCalls: [{ id: 'b', name: null, arguments: '{}' }],
      refused: false,
      hasOtherContent: false,
      wasCut: false,
      characters: 9,
      error: null,
    });
  });

  test('is the same as of a stream of it, however that is cut', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    const calls = fc.array(
      fc.record({ name: fc.constantFrom('weather', 'search'), arguments: fc.json({ maxDepth: 2 }) }),
      { maxLength: 4 },
    );
    const said = fc.record({
      content: text,
      refusal: fc.option(text),
      calls,
      finish: fc.constantFrom('stop', 'length', 'tool_calls'),
    });
    const cutAt = fc.array(fc.nat({ max: 60 }), { maxLength: 5 });
    const cutUp = (whole: string, places: readonly number[]): string[] => {
      const sorted = [...new Set([0, ...places.map((place) => place % (whole.length + 1)), whole.length])].sort(
        (a, b) => a - b,
      );
      return sorted.slice(1).map((end, i) => whole.slice(sorted[i], end));
    };
    fc.assert(
      fc.property(said, cutAt, anyCuts, ({ content, refusal, calls, finish }, places, cuts) => {
        const tool_calls = calls.map((one, index) => ({ id: `call_${index}`, type: 'function', function: one }));
        const whole = observeWhole(
          JSON.stringify({
            id: 'chatcmpl-1',
            choices: [{ index: 0, message: { content, refusal, tool_calls }, finish_reason: finish }],
          }),
        );
        const deltas: object[] = [
          ...cutUp(content, places).map((part) => ({ content: part })),
          ...cutUp(refusal ?? '', places).map((part) => ({ refusal: part })),
          ...tool_calls.flatMap(({ id, function: { name, arguments: args } }, index) => [
            { tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] },
            ...cutUp(args, places).map((part) => ({ tool_calls: [{ index, function: { arguments: part } }] })),
          ]),
        ];
        const stream = [...deltas.map((delta) => choice(delta)), choice({}, { finish_reason: finish })]
          .map(sse)
          .join('');
        const observer = createStreamObserver();
        inPieces(bytesOf(stream), cuts, observer.push);
        expect(observer.observed()).toEqual(whole);
      }),
    );
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
