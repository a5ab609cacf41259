/** What stands between two strangers is thrown at with anything at all: event streams, filters, headers and bodies. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Params, Provider } from '../../src/config/resolve.ts';
import { ApiError, errorBody } from '../../src/http/errors.ts';
import { readChatRequest } from '../../src/http/wire.ts';
import { editBody, upstreamBody } from '../../src/upstream/body.ts';
import { clientHeaders, upstreamHeaders } from '../../src/upstream/headers.ts';
import { createOwnUsageFilter } from '../../src/upstream/own-usage.ts';
import { createEventReader } from '../../src/upstream/sse.ts';
import { createWholeLines, type StreamFilter } from '../../src/upstream/whole-lines.ts';
import { anyCuts, bytesOf, type Cuts, inPieces, textOf } from '../support/cuts.ts';
import { stringText as anyStringText, valueText as anyValueText, spaceText } from '../support/json-text.ts';

/** Cases of each property. */
const CASES = 100_000;

/** Far beyond what a property takes, for a machine that is busy with others. */
const TIMEOUT_MS = 180_000;

function holds<Case extends [unknown, ...unknown[]]>(property: fc.IProperty<Case>): void {
  fc.assert(property, { numRuns: CASES });
}

/**
 * No name here holds a backslash. Once V8 (13.6) has read one that does, `JSON.parse` may take for it an escaped name that
 * is written alike so far: after `{"\\":1}` it reads `{"\n":1}` as the same again. A test has nothing to compare with then.
 */
const withoutBackslash = (text: string): string => text.replaceAll('\\\\', '\\/');
const stringText = anyStringText.map(withoutBackslash);
const valueText = anyValueText.map(withoutBackslash);

/** Bytes that mean something in an event stream, in any order, among others that are no text at all. */
const streamBytes = fc.oneof(
  fc
    .array(
      fc.constantFrom(
        ...[
          '\r',
          '\n',
          '\r\n',
          '\n\n',
          '\r\n\r\n',
          'data',
          'data:',
          'data: ',
          'data: a\n',
          ':',
          ' ',
          'event: x',
          'é',
          '👍',
          '\ufeff',
          '\0',
        ].map((text) => [...bytesOf(text)]),
        // Half a character, and bytes that never are one.
        [0xf0, 0x9f],
        [0xc3],
        [0xff],
      ),
      { maxLength: 24, size: 'max' },
    )
    .map((parts) => Uint8Array.from(parts.flat())),
  fc.uint8Array({ maxLength: 40, size: 'max' }),
);

describe('the reader of server-sent events', { timeout: TIMEOUT_MS }, () => {
  function eventsOf(bytes: Uint8Array, cuts: Cuts): string[] {
    const events: string[] = [];
    const reader = createEventReader((data) => events.push(data));
    inPieces(bytes, cuts, reader.push);
    return events;
  }

  /** The same as the standard words it, over the whole text at once. */
  function eventsByTheStandard(bytes: Uint8Array): string[] {
    const wholeLines = new TextDecoder()
      .decode(bytes)
      .split(/\r\n|\r|\n/)
      .slice(0, -1);
    const events: string[] = [];
    let data: string[] = [];
    for (const line of wholeLines) {
      const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) as RegExpExecArray;
      if (line === '' && data.length > 0) events.push(data.join('\n'));
      if (line === '') data = [];
      else if (field === 'data') data.push(value);
    }
    return events;
  }

  test('reads any bytes as the standard says, wherever they are cut', () => {
    holds(
      fc.property(streamBytes, anyCuts, (bytes, cuts) => {
        expect(eventsOf(bytes, cuts)).toEqual(eventsByTheStandard(bytes));
      }),
    );
  });
});

/** Part of a stream: as it comes with usage asked for, and as it would have come without. */
type Part = [asked: string, notAsked: string];

describe('what a stream is passed through', { timeout: TIMEOUT_MS }, () => {
  /** What the client gets of these bytes, and what it had got of it at the place looked at. */
  function passed(filter: StreamFilter, bytes: Uint8Array, cuts: Cuts, lookAt = 0): { whole: Buffer; soFar: number } {
    const parts: Uint8Array[] = [];
    // A copy: the piece is overwritten as soon as this returns.
    const push = (piece: Uint8Array): number => parts.push(filter.push(piece)?.slice() ?? new Uint8Array());
    inPieces(bytes.subarray(0, lookAt), cuts, push);
    const soFar = parts.reduce((sum, part) => sum + part.length, 0);
    inPieces(bytes.subarray(lookAt), cuts, push);
    return { whole: Buffer.concat([...parts, filter.end() ?? new Uint8Array()]), soFar };
  }

  const wholeLinesOf = (bytes: Uint8Array): Uint8Array =>
    bytes.subarray(0, Math.max(bytes.lastIndexOf(10), bytes.lastIndexOf(13)) + 1);

  const expectSame = (got: Uint8Array, wanted: Uint8Array): void => {
    if (Buffer.compare(got, wanted) !== 0) expect([...got]).toEqual([...wanted]);
  };

  test('passes line by line, every byte once and in order', () => {
    holds(
      fc.property(streamBytes, anyCuts, fc.nat({ max: 60 }), (bytes, cuts, place) => {
        const lookAt = place % (bytes.length + 1);
        const { whole, soFar } = passed(createWholeLines(), bytes, cuts, lookAt);
        expectSame(whole, bytes);
        expect(soFar).toBe(wholeLinesOf(bytes.subarray(0, lookAt)).length);
      }),
    );
  });

  test('passes a line on that is longer than is ever held', () => {
    const filter = createWholeLines();
    const piece = new Uint8Array(1024 * 1024).fill(0x78);
    let length = 0;
    for (let i = 0; i < 20; i++) length += filter.push(piece)?.length ?? 0;
    expect(length).toBeGreaterThan(8 * piece.length);
    expect(length + (filter.end()?.length ?? 0)).toBe(20 * piece.length);
  });

  test('takes nothing out of bytes that hold no usage', () => {
    holds(
      fc.property(streamBytes, anyCuts, (bytes, cuts) => {
        expectSame(passed(createOwnUsageFilter(), bytes, cuts).whole, bytes);
      }),
    );
  });

  /** A line of an event stream holds no line end. */
  const valueOnOneLine = valueText.map((text) => text.replace(/[\r\n]/g, ' '));
  const content = fc.oneof(stringText, fc.constantFrom('"\\"usage\\":null"', '"a,\\"usage\\":null}"', '"usage"'));
  const same = (text: string): Part => [text, text];
  const FIXED: readonly Part[] = [
    ['data: {"id":"x","choices":[],"usage":{"prompt_tokens":3}}\n\n', ''],
    ['data: {"usage":{"prompt_tokens":3},"choices": [ ]}\n\n', ''],
    same(': keep-alive\n\n'),
    same(': "usage"\n\n'),
    same('data: [DONE]\n\n'),
    same('data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":3}}\n\n'),
    same('data: {"choices":[]}\n\n'),
    same('data: {"error":{"usage":1}}\n\n'),
    same('data: "usage" is no JSON\n\n'),
    same('\n'),
  ];
  const USAGES = ['"usage":null', '"usage" : null', null];

  /** A chunk of an answer, with the usage in a place and a spelling that the number says. */
  function chunk(text: string, more: string, choice: number): Part {
    const members = [
      '"id":"x"',
      '"created":1.0',
      `"more":${more}`,
      `"choices":[{"delta":{"content":${text}},"usage":null}]`,
    ];
    const usage = USAGES[choice % 3] as string | null;
    const asked = usage === null ? members : members.toSpliced(choice % 5, 0, usage);
    const space = choice % 2 === 0 ? '' : ' ';
    return [`data:${space}{${asked.join(',')}}\n\n`, `data:${space}{${members.join(',')}}\n\n`];
  }

  /** A stream cut at every byte costs as much as fifty others. */
  const mostlyFewCuts = fc.oneof(
    { weight: 20, arbitrary: fc.array(fc.nat({ max: 2_000 }), { maxLength: 20 }) },
    { weight: 1, arbitrary: anyCuts },
  );
  const anyStream = fc
    .tuple(
      fc.array(fc.nat({ max: 59 }), { maxLength: 8 }),
      content,
      valueOnOneLine,
      fc.constantFrom('\n', '\r\n', '\r'),
    )
    .map(([choices, text, more, end]) => {
      const parts = choices.map((choice) => FIXED[choice - 30] ?? chunk(text, more, choice));
      const streamOf = (side: 0 | 1): Uint8Array =>
        bytesOf(
          parts
            .map((part) => part[side])
            .join('')
            .replaceAll('\n', end),
        );
      return { asked: streamOf(0), notAsked: streamOf(1) };
    });

  test('loses the usage that Conduit alone asked for and no other byte, and holds nothing but half a line back', () => {
    holds(
      fc.property(anyStream, mostlyFewCuts, fc.nat({ max: 2_000 }), ({ asked, notAsked }, cuts, place) => {
        const lookAt = place % (asked.length + 1);
        const { whole, soFar } = passed(createOwnUsageFilter(), asked, cuts, lookAt);
        if (Buffer.compare(whole, notAsked) !== 0) expect(textOf(whole)).toBe(textOf(notAsked));
        const upToHere = passed(createOwnUsageFilter(), wholeLinesOf(asked.subarray(0, lookAt)), []);
        expect(soFar).toBe(upToHere.whole.length);
      }),
    );
  });
});

describe('headers', { timeout: TIMEOUT_MS }, () => {
  const CONDUIT_KEY = 'ck-the-callers-own';
  const PROVIDER_KEY = 'sk-provider-secret';
  const UP = ['accept', 'openai-beta', 'anthropic-beta', 'http-referer', 'x-title', 'idempotency-key'];
  const DOWN = [
    'content-type',
    'cache-control',
    'x-request-id',
    'openai-processing-ms',
    'openai-version',
    'retry-after',
  ];
  const HOP_BY_HOP = [
    'connection',
    'keep-alive',
    'proxy-connection',
    'proxy-authenticate',
    'proxy-authorization',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'content-length',
    'expect',
    'host',
  ];
  const SECRET = [
    'authorization',
    'x-api-key',
    'api-key',
    'cookie',
    'set-cookie',
    'forwarded',
    'x-forwarded-for',
    'via',
    'content-encoding',
    'accept-encoding',
    'server',
    'x-ratelimit-remaining-requests',
    'openai-organization',
  ];

  const CONDUIT = ['feedback', 'decision', 'session', 'models', 'prefer', 'max-usd', 'provider'].map(
    (rest) => `x-conduit-${rest}`,
  );
  const LISTED = [...UP, ...DOWN, ...HOP_BY_HOP, ...SECRET, ...CONDUIT, 'constructor'];
  const name = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...LISTED, ...LISTED.map((one) => one.toUpperCase())) },
    fc
      .tuple(fc.constantFrom('x-conduit-', 'X-Conduit-', ''), fc.string({ minLength: 1, maxLength: 12 }))
      .map(([start, rest]) => start + rest.replace(/[^\w!#$%&'*+.^`|~-]/g, 'X')),
  );
  const value = fc
    .tuple(fc.string({ maxLength: 16 }), fc.constantFrom('', 'é', '\t\u00ff', '"\\"'))
    .map(([start, rest]) => (start + rest).trim());
  const header = fc.tuple(name, value, name).map(([one, text, nominated]): [string, string] => {
    const lower = one.toLowerCase();
    if (lower === 'connection') return [one, `close, ${nominated}`];
    // What must not pass holds what nobody else may see.
    return UP.includes(lower) ? [one, text] : [one, `${text}${CONDUIT_KEY}`];
  });
  const anyHeaders = fc.array(header, { maxLength: 16, size: 'max' });

  const provider: Provider = {
    name: 'fake',
    baseUrl: 'http://127.0.0.1',
    apiKeys: [PROVIDER_KEY],
    passthrough: false,
    headers: {},
    streamUsage: true,
  };

  /** The headers of these names that have a value. */
  const those = (headers: Headers, names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.flatMap((one) => (headers.get(one) ? [[one, headers.get(one) as string]] : [])));

  test('on their way up are those on the list as they came, and never a key or a header of Conduit’s', () => {
    holds(
      fc.property(anyHeaders, fc.boolean(), (sent, hasKey) => {
        const client = new Headers(sent);
        const passed = upstreamHeaders((one) => client.get(one), provider, hasKey ? PROVIDER_KEY : null);
        expect(passed).toEqual({
          'content-type': 'application/json',
          'accept-encoding': 'identity',
          ...those(client, UP),
          ...(hasKey && { authorization: `Bearer ${PROVIDER_KEY}` }),
        });
        expect(JSON.stringify(passed).includes(CONDUIT_KEY)).toBe(false);
        expect(/x-conduit/i.test(Object.keys(passed).join())).toBe(false);
        expect(/[\r\n]/.test(Object.values(passed).join(''))).toBe(false);
      }),
    );
  });

  test('on their way down are those on the list as they came, and none that frames or identifies', () => {
    holds(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 16, size: 'max' }), (sent) => {
        const upstream = new Headers(sent);
        const passed = clientHeaders(Object.fromEntries(upstream));
        const wanted = DOWN.flatMap((one) => (upstream.has(one) ? [[one, upstream.get(one)]] : []));
        expect(passed).toEqual(Object.fromEntries(wanted));
      }),
    );
  });
});

interface Member {
  name: string;
  /** Everything between the commas but the value. */
  before: string;
  between: string;
  value: string;
  after: string;
}

describe('a body', { timeout: TIMEOUT_MS }, () => {
  const AS_IS: Params = { rename: {}, drop: [], defaults: {} };
  const MODEL = { upstream: 'theirs', params: AS_IS };
  const OPTIONS = { pinned: false, streamUsage: true };

  const anyValue = fc.oneof(
    { weight: 4, arbitrary: valueText },
    fc.constantFrom(
      '1e999',
      '-1e-999',
      '12345678901234567890',
      '0.30000000000000004',
      '"\\ud800"',
      '[1E400,{"a":[]}]',
      '"\\\\"',
      '["\\\\\\"]}", {"a":"\\\\"}]',
    ),
  );
  const NAMES = ['model', 'n', 'messages', 'stream', 'constructor', '__proto__', 'toString', ''];
  const anyName = fc.oneof(
    fc.constantFrom(...NAMES.map((one) => JSON.stringify(one)), '"m\\u006fdel"', '"n"'),
    stringText,
  );
  const space = fc.tuple(spaceText, spaceText, spaceText, spaceText).map(([before, colon, value, after]) => ({
    before,
    between: `${colon}:${value}`,
    after,
  }));
  /** White space comes from few draws, since nothing depends on it but where things begin. */
  const spaces = fc.constantFrom(...fc.sample(space, { numRuns: 100, seed: 1 }));
  const memberOf = (name: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<Member> =>
    fc.tuple(spaces, name, value).map(([around, one, text]) => ({ ...around, name: one, value: text }));
  const member = memberOf(anyName, anyValue);

  const objectText = (members: readonly Member[]): string =>
    `{${members.map(({ before, name, between, value, after }) => before + name + between + value + after).join(',')}}`;
  const nameOf = ({ name }: Member): string => JSON.parse(name) as string;
  /** Own properties, `__proto__` too. */
  const entriesOf = (text: string): Record<string, unknown> => Object.assign(Object.create(null), JSON.parse(text));

  test('that is edited changes in the values that are set and in not one other byte', () => {
    holds(
      fc.property(fc.array(member, { maxLength: 8 }), fc.array(fc.tuple(stringText, anyValue)), (members, more) => {
        const present = new Set(members.map(nameOf));
        const chosen = members.filter((_, i) => i % 2 === 0).map((one): [string, string] => [nameOf(one), '"set"']);
        const added = new Map(
          more
            .map(([name, value]) => [JSON.parse(name) as string, value] as const)
            .filter(([name]) => !present.has(name)),
        );
        const set = new Map([...chosen, ...added]);
        const expected = members.map((one) => ({ ...one, value: set.get(nameOf(one)) ?? one.value }));
        const last = [...added].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',');
        const whole = objectText(expected);
        const comma = members.length > 0 && added.size > 0 ? ',' : '';
        const tail = members.at(-1)?.after ?? '';
        expect(editBody(objectText(members), { set })).toBe(
          `${whole.slice(0, whole.length - tail.length - 1)}${comma}${last}${tail}}`,
        );
      }),
    );
  });

  test('that is edited means the same but for what was set, taken out or renamed', () => {
    holds(
      fc.property(fc.array(member, { maxLength: 8 }), fc.array(stringText), anyValue, (members, out, value) => {
        const text = objectText(members);
        const taken = out.map((name) => JSON.parse(name) as string).filter((name) => name !== 'model');
        const set = new Map<string, string | null>([
          ['n', null],
          ...taken.map((name): [string, null] => [name, null]),
          ['model', value],
        ]);
        const expected = entriesOf(text);
        for (const name of [...taken, 'n']) delete expected[name];
        expected.model = JSON.parse(value);
        if (!set.has('stream') && 'stream' in expected) {
          if (!('flow' in expected)) expected.flow = expected.stream;
          delete expected.stream;
        }
        fc.pre(!taken.includes('flow'));
        expect(entriesOf(editBody(text, { set, rename: { stream: 'flow' } }))).toEqual(expected);
      }),
    );
  });

  const model = memberOf(fc.constantFrom('"model"', '"\\u006dodel"'), fc.constantFrom('"auto"', '"\\u0061uto"'));
  const message = fc
    .tuple(
      fc.constantFrom('"user"', '"tool"', '""'),
      fc.oneof(
        stringText,
        fc.constant('null'),
        anyValue.map((one) => `[${one}]`),
      ),
      anyValue,
    )
    .map(([role, said, more]) => `{"role":${role}, "content" : ${said},"more":${more}}`);
  const messages = memberOf(
    fc.constant('"messages"'),
    fc.array(message, { minLength: 1, maxLength: 3 }).map((all) => `[${all.join(' ,')}]`),
  );
  const stream = memberOf(fc.constant('"stream"'), fc.constantFrom('true', 'true', 'false', 'null'));
  const streamOptions = memberOf(
    fc.constantFrom('"stream_options"', '"stream\\u005foptions"'),
    fc.constantFrom('null', '{}', '{ "x":1.0 }', '{"include_usage":true}', '{"include_usage" : false}', '"yes"', '[1]'),
  );
  const ownNames = ['model', 'messages', 'stream', 'stream_options', 'tools'];
  const free = member.filter((one) => !ownNames.includes(nameOf(one)));
  /** A chat request as any program may write it, its fields in any order and some of them twice. */
  const chatMembers = fc
    .tuple(
      model,
      messages,
      fc.array(fc.oneof({ weight: 3, arbitrary: free }, model, messages, stream, streamOptions), { maxLength: 6 }),
      fc.nat(),
    )
    .map(([one, other, more, turn]) => {
      const all = [one, other, ...more];
      return [...all.slice(turn % all.length), ...all.slice(0, turn % all.length)];
    });
  const lastOf = (members: readonly Member[], name: string): string | undefined =>
    members.findLast((one) => nameOf(one) === name)?.value;

  test('goes upstream with another model, usage asked for in a stream, and not one other byte changed', () => {
    holds(
      fc.property(chatMembers, spaceText, (members, around) => {
        const text = around + objectText(members) + around;
        const request = readChatRequest(bytesOf(text));
        expect(request.text).toBe(text);
        const sent = upstreamBody(request.text, request.body, MODEL, OPTIONS);

        const asked = lastOf(members, 'stream_options');
        const options: unknown = JSON.parse(asked ?? 'null');
        const mayAsk = typeof options === 'object' && !Array.isArray(options);
        const ownUsage = lastOf(members, 'stream') === 'true' && mayAsk && !asked?.includes('true');
        const given = options === null ? '{}' : (asked as string);
        const askedFor = editBody(given, { set: new Map([['include_usage', 'true']]) });
        const set: Record<string, string> = { model: '"theirs"', ...(ownUsage && { stream_options: askedFor }) };
        const changed = members.map((one) => {
          const name = nameOf(one);
          return Object.hasOwn(set, name) ? { ...one, value: set[name] as string } : one;
        });
        const tail = `${members.at(-1)?.after}}${around}`;
        const added = ownUsage && asked === undefined ? `,"stream_options":${askedFor}` : '';
        const whole = around + objectText(changed) + around;
        expect(sent).toEqual({ text: whole.slice(0, whole.length - tail.length) + added + tail, ownUsage });
      }),
    );
  });

  /** Whether these bytes are a request that may be passed on, told in another way. */
  function isChatRequest(bytes: Uint8Array): boolean {
    try {
      const body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
      const fine = (one: { role?: unknown; content?: unknown } | null): boolean =>
        typeof one?.role === 'string' && (typeof (one.content ?? '') === 'string' || Array.isArray(one.content));
      return (
        typeof body.model === 'string' &&
        body.model.length > 0 &&
        Array.isArray(body.messages) &&
        body.messages.length > 0 &&
        body.messages.every(fine) &&
        [undefined, null, true, false].includes(body.stream) &&
        Array.isArray(body.tools ?? [])
      );
    } catch {
      return false;
    }
  }

  const NAME_WITH_BACKSLASH = /\\\\(?:[^"\\]|\\.)*"\s*:/s;

  /** Bytes left out, put in or changed. */
  const damage = fc.array(
    fc.record({ at: fc.nat({ max: 400 }), take: fc.nat({ max: 3 }), put: fc.uint8Array({ maxLength: 3 }) }),
    { maxLength: 3 },
  );
  const damaged = fc.tuple(chatMembers, damage).map(([members, wounds]) => {
    let bytes = Buffer.from(objectText(members));
    for (const { at, take, put } of wounds) {
      const place = at % (bytes.length + 1);
      bytes = Buffer.concat([bytes.subarray(0, place), put, bytes.subarray(place + take)]);
    }
    return new Uint8Array(bytes);
  });
  const wrongTypes = fc.array(memberOf(fc.constantFrom(...ownNames.map((one) => JSON.stringify(one))), anyValue), {
    maxLength: 6,
  });
  const anyBody = fc.oneof(
    { weight: 4, arbitrary: damaged },
    fc.tuple(chatMembers, wrongTypes).map(([members, wrong]) => bytesOf(objectText([...members, ...wrong]))),
    anyValue.map(bytesOf),
    fc.uint8Array({ maxLength: 30 }),
    fc.string({ unit: 'binary' }).map((text) => bytesOf(`\ufeff${text.toWellFormed()}`)),
  );

  test('of any bytes is refused with a 400 or means upstream what it meant, and never fails', () => {
    holds(
      fc.property(anyBody, (bytes) => {
        const text = new TextDecoder().decode(bytes);
        fc.pre(!NAME_WITH_BACKSLASH.test(text));
        try {
          const request = readChatRequest(bytes);
          expect(request.text).toBe(text);
          const sent = upstreamBody(request.text, request.body, MODEL, OPTIONS);
          const { stream_options: asked, ...meant } = entriesOf(text);
          const { stream_options: asks, ...means } = entriesOf(sent.text);
          expect(means).toEqual({ ...meant, model: 'theirs' });
          expect(asks).toEqual(sent.ownUsage ? { ...(asked as object | null), include_usage: true } : asked);
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          expect(error.fields.status).toBe(400);
          expect(JSON.parse(errorBody(error.fields)).error.type).toBe('invalid_request_error');
          expect(isChatRequest(bytes)).toBe(false);
          return;
        }
        expect(isChatRequest(bytes)).toBe(true);
      }),
    );
  });
});
