import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createUsageTap, readAnyUsage, type UsageTap } from '../../src/upstream/tap-usage.ts';
import { anyCuts, bytesOf, inPieces } from '../support/cuts.ts';

const JSON_ANSWER = { 'content-type': 'application/json; charset=utf-8' };
const tap = (streams: boolean): UsageTap => createUsageTap(JSON_ANSWER, streams) as UsageTap;

describe('usage', () => {
  test('is read in the words of chat completions and of responses', () => {
    const expected = { promptTokens: 10, completionTokens: 3, cachedTokens: 4, cacheWriteTokens: 0 };
    const chat = { prompt_tokens: 10, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 4 } };
    const responses = { input_tokens: 10, output_tokens: 3, input_tokens_details: { cached_tokens: 4 } };
    expect(readAnyUsage(chat)).toEqual(expected);
    expect(readAnyUsage(responses)).toEqual(expected);
    for (const none of [null, undefined, 'x', [], { type: 'duration', seconds: 3 }, { input_tokens: -1 }]) {
      expect(readAnyUsage(none)).toBeNull();
    }
  });

  test('of a whole answer is read however it is cut', () => {
    const text = JSON.stringify({
      id: 'resp_1',
      model: 'small-2026',
      data: ['"usage":{}'],
      usage: { prompt_tokens: 7, total_tokens: 7 },
    });
    fc.assert(
      fc.property(anyCuts, (cuts) => {
        const watched = tap(false);
        inPieces(bytesOf(text), cuts, (piece) => watched.push(piece));
        expect(watched.observed()).toMatchObject({
          completionId: 'resp_1',
          model: 'small-2026',
          usage: { promptTokens: 7 },
        });
      }),
    );
  });

  test('of an answer of any length is read at either end', () => {
    const filler = 'A'.repeat(3_000_000);
    const usage = { input_tokens: 5, input_tokens_details: { cached_tokens: 1 }, output_tokens: 6 };
    for (const answer of [
      { usage, data: [{ b64_json: filler }] },
      { data: [{ b64_json: filler }], usage },
    ]) {
      for (const size of [1_000, 65_536, 10_000_000]) {
        const bytes = bytesOf(JSON.stringify(answer));
        const watched = tap(false);
        for (let at = 0; at < bytes.length; at += size) watched.push(bytes.subarray(at, at + size));
        expect(watched.observed()?.usage).toMatchObject({ promptTokens: 5, completionTokens: 6, cachedTokens: 1 });
      }
    }
  });

  test('of a stream is read off its last events, and so is what failed in it', () => {
    const watched = tap(true);
    const push = (event: object): void => watched.push(bytesOf(`data: ${JSON.stringify(event)}\n\n`));
    push({ type: 'response.created', response: { id: 'resp_1', usage: null, error: null } });
    push({ type: 'response.output_text.delta', delta: '"usage" "error"' });
    expect([watched.finished(), watched.error()]).toEqual([false, null]);
    push({
      type: 'response.failed',
      response: { error: { message: 'too much' }, usage: { input_tokens: 2, output_tokens: 1 } },
    });
    expect([watched.finished(), watched.error()]).toEqual([true, 'too much']);
    expect(watched.observed()).toMatchObject({ completionId: 'resp_1', usage: { promptTokens: 2 } });
  });

  test('of a completion ends with a reason for each choice', () => {
    const watched = tap(true);
    const push = (index: number, reason: string | null): void => {
      const event = { object: 'text_completion', choices: [{ index, text: 'Hi', finish_reason: reason }] };
      watched.push(bytesOf(`data: ${JSON.stringify(event)}\n\n`));
    };
    push(0, null);
    push(1, null);
    push(0, 'stop');
    expect([watched.finished(), watched.cutShort()]).toEqual([false, true]);
    push(1, 'length');
    expect([watched.finished(), watched.cutShort()]).toEqual([true, false]);
  });

  test('is not looked for in what is neither JSON nor a stream of events', () => {
    expect(createUsageTap({ 'content-type': 'audio/mpeg' }, false)).toBeNull();
    expect(createUsageTap({ 'content-type': 'application/jsonl' }, false)).toBeNull();
    expect(tap(false).observed()).toBeNull();
  });
});
