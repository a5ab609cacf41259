import { describe, expect, test } from 'vitest';
import type { Params } from '../../src/config/resolve.ts';
import { editBody, upstreamBody } from '../../src/upstream/body.ts';

const AS_IS: Params = { rename: {}, drop: [], defaults: {} };

describe('a body that is edited', () => {
  test('leaves a field alone whose name every object inherits', () => {
    const text = '{"constructor":1,"toString":2,"__proto__":{"a":1.0},"hasOwnProperty":3,"model":"m"}';
    const { text: edited } = upstreamBody(
      text,
      JSON.parse(text),
      { upstream: 'm', params: AS_IS },
      { pinned: false, streamUsage: true },
    );
    expect(edited).toBe(text);
  });

  test('changes a field that comes twice in both places, so that it cannot be read the old way', () => {
    expect(editBody('{"model":"a","n":1,"model":"b"}', { set: new Map([['model', '"c"']]) })).toBe(
      '{"model":"c","n":1,"model":"c"}',
    );
  });

  test('loses a member with its comma, wherever it stood', () => {
    const without = (text: string) => editBody(text, { set: new Map([['x', null]]) });
    expect(without('{"x":1,"a":2}')).toBe('{"a":2}');
    expect(without('{"a":2 , "x":1}')).toBe('{"a":2}');
    expect(without('{"a":2,"x":{"y":[1,"}"]},"b":3}')).toBe('{"a":2,"b":3}');
    expect(without('{ "x":1 }')).toBe('{  }');
    expect(without('{"x":1,"x":2}')).toBe('{}');
    expect(without(' {} ')).toBe(' {} ');
  });
});

describe('the body that goes upstream', () => {
  const send = (
    text: string,
    params: Partial<Params> = {},
    options: { pinned?: boolean; streamUsage?: boolean } = {},
  ) =>
    upstreamBody(
      text,
      JSON.parse(text),
      { upstream: 'theirs', params: { ...AS_IS, ...params } },
      { pinned: false, streamUsage: true, ...options },
    );

  test('has the upstream name of the model and is otherwise the one that came', () => {
    expect(send('{ "model" : "auto",\n "temperature": 1.0, "seed": 12345678901234567890, "x": "\\u00e9" }').text).toBe(
      '{ "model" : "theirs",\n "temperature": 1.0, "seed": 12345678901234567890, "x": "\\u00e9" }',
    );
  });

  test('asks for usage in a stream where the client did not', () => {
    const sent = send('{"model":"auto","stream":true}');
    expect(sent).toEqual({
      text: '{"model":"theirs","stream":true,"stream_options":{"include_usage":true}}',
      ownUsage: true,
    });
    expect(send('{"model":"auto","stream":true,"stream_options":{ "x":1.0, "include_usage": false }}').text).toBe(
      '{"model":"theirs","stream":true,"stream_options":{ "x":1.0, "include_usage": true }}',
    );
    for (const options of [
      'null',
      '{}',
      '{"include_usage":false}',
      '{"include_usage":null,"include_obfuscation":false}',
    ]) {
      const { text, ownUsage } = send(`{"model":"auto","stream":true,"stream_options":${options}}`);
      expect(ownUsage).toBe(true);
      expect(JSON.parse(text).stream_options).toEqual({ ...JSON.parse(options), include_usage: true });
    }
  });

  test('asks for no usage where the client has, where nothing streams, where the provider does not know it, or where it was of a wrong type', () => {
    for (const text of [
      '{"model":"theirs","stream":true,"stream_options":{"include_usage":true}}',
      '{"model":"theirs","stream":false}',
      '{"model":"theirs"}',
      '{"model":"theirs","stream":true,"stream_options":"yes"}',
      '{"model":"theirs","stream":true,"stream_options":[1]}',
    ]) {
      expect(send(text)).toEqual({ text, ownUsage: false });
    }
    const stream = '{"model":"theirs","stream":true}';
    expect(send(stream, {}, { streamUsage: false })).toEqual({ text: stream, ownUsage: false });
  });

  test('does not ask for usage a model whose params drop stream_options', () => {
    expect(send('{"model":"theirs","stream":true}', { drop: ['stream_options'] })).toEqual({
      text: '{"model":"theirs","stream":true}',
      ownUsage: false,
    });
  });

  test('follows the model’s params', () => {
    const params = {
      rename: { max_tokens: 'max_completion_tokens' },
      drop: ['temperature'],
      defaults: { top_p: 0.5, max_completion_tokens: 9 },
    };
    expect(send('{"model":"auto","max_tokens":5,"temperature":1}', params).text).toBe(
      '{"model":"theirs","max_completion_tokens":5,"top_p":0.5}',
    );
    expect(send('{"model":"auto","top_p":1}', params).text).toBe(
      '{"model":"theirs","top_p":1,"max_completion_tokens":9}',
    );
    expect(send('{"model":"auto","max_tokens":5,"max_completion_tokens":6}', params).text).toBe(
      '{"model":"theirs","max_completion_tokens":6,"top_p":0.5}',
    );
  });

  test('changes in its model alone where the request pins the model', () => {
    const params = { rename: { max_tokens: 'max_completion_tokens' }, drop: ['temperature'], defaults: { top_p: 0.5 } };
    const text = '{"model":"theirs","stream":true,"max_tokens":5,"temperature":1}';
    expect(send(text.replace('theirs', 'fake/theirs'), params, { pinned: true })).toEqual({ text, ownUsage: false });
  });
});
