import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Asker, type Message, traceLineage } from '../../src/routing/lineage.ts';
import { testRuntime } from './runtime.ts';

const { digest } = testRuntime();
const ME: Asker = { key: 'app', session: null, person: 'me' };
const NOBODY: Asker = { key: 'app', session: null, person: null };
const trace = (messages: readonly Message[], asker: Asker = ME) => traceLineage(messages, asker, digest);

const user = (content: unknown): Message => ({ role: 'user', content });
const said = (content: unknown): Message => ({ role: 'assistant', content });
const system = (content: unknown): Message => ({ role: 'system', content });
const result = (id: string, content: string): Message => ({ role: 'tool', tool_call_id: id, content });
const reply = (text: string, ...toolCallIds: string[]) => ({ text, toolCallIds });

const text = fc.string({ unit: 'binary', maxLength: 20 }).map((one) => one.toWellFormed());
const message = fc.record({ role: fc.constantFrom('system', 'user', 'assistant', 'developer', 'tool'), content: text });
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

/** Whether the names of the latest answer in a later request are among those that its decision has. */
const finds = (later: readonly Message[], names: readonly string[], asker: Asker = ME): boolean =>
  trace(later, asker).latest.some((name) => names.includes(name));

describe('a conversation that goes on', () => {
  test('finds the answer that it goes on from, by each of its names', () => {
    fc.assert(
      fc.property(messages, answer, message, fc.constantFrom(ME, NOBODY), (before, one, next, asker) => {
        fc.pre(before.at(-1)?.role !== 'assistant');
        const { latest } = trace([...before, asMessage(one), { ...next, role: 'user' }], asker);
        expect(latest).toEqual(trace(before, asker).withAnswer(one));
      }),
    );
  });

  test('finds it through several turns of tools', () => {
    const asked = [user('Weather?')];
    const call = reply('', 'call_1', 'call_2');
    const loop = [...asked, asMessage(call), result('call_1', 'rain'), result('call_2', 'wind')];
    expect(finds(loop, trace(asked).withAnswer(call))).toBe(true);
    expect(finds([...loop, said('Wet.'), user('And then?')], trace(loop).withAnswer(reply('Wet.')))).toBe(true);
  });

  test('finds it where the client has trimmed the answer, sends it in parts or with other ends of lines', () => {
    const asked = [user('Hi')];
    const names = trace(asked).withAnswer(reply(' Hello\nyou\n'));
    for (const content of [
      'Hello\nyou',
      ' Hello\r\nyou\r\n',
      [{ type: 'text', text: ' Hello\nyou\n' }],
      [
        { type: 'text', text: ' Hel' },
        { type: 'text', text: 'lo\nyou' },
      ],
    ]) {
      expect(finds([...asked, said(content), user('And?')], names)).toBe(true);
    }
    expect(trace([user([{ type: 'text', text: 'Hi' }])]).answered).toBe(trace(asked).answered);
    expect(trace([{ role: 'user', content: 'Hi', name: 'Ada' } as Message]).answered).toBe(trace(asked).answered);
  });

  test('is named the same whether lines end as on Windows or not, however long and in whatever script', () => {
    const line = fc.constantFrom(
      '',
      'a',
      'word ',
      'Grüße',
      'слово ',
      '中',
      '👍',
      'x'.repeat(16_383),
      '中'.repeat(16_384),
    );
    const lines = fc.array(line, { maxLength: 12 });
    fc.assert(
      fc.property(lines, lines, lines, (one, two, three) => {
        const asIn = (end: string) => {
          const all = [user(one.join(end)), said(two.join(end)), result('call', three.join(end)), user(two.join(end))];
          const { answered, before, latest, question } = trace(all);
          return { answered, before, latest, question };
        };
        expect(asIn('\r\n')).toEqual(asIn('\n'));
      }),
    );
    // Longer than what is kept of an answer.
    const long = 'line\n'.repeat(60_000);
    const latest = (text: string) => trace([user('Hi'), said(text), user('And?')]).latest;
    expect(latest(long.replaceAll('\n', '\r\n'))).toEqual(latest(long));
    expect(trace([user('a\rb')]).answered).not.toBe(trace([user('ab')]).answered);
  });

  test('finds the last exchange where the client has dropped what came before', () => {
    const whole = [user('One'), said('First'), user('Two'), said('Second'), user('Three')];
    const names = trace(whole).withAnswer(reply('Third'));
    const later = [said('Third'), user('Four')];
    expect(finds([...whole, ...later], names)).toBe(true);
    expect(finds([user('Three'), ...later], names)).toBe(true);
    expect(finds([said('Second'), user('Three'), ...later], names)).toBe(true);
    expect(finds([user('Another'), ...later], names)).toBe(false);
  });

  test('finds an agent’s last exchange where the beginning was cut before a tool’s result', () => {
    const whole = [user('Weather?'), asMessage(reply('', 'call_1')), result('call_1', 'rain')];
    const names = trace(whole).withAnswer(reply('Wet.'));
    expect(finds([result('call_1', 'rain'), said('Wet.'), user('And then?')], names)).toBe(true);
  });

  test('takes no answer alone for an exchange', () => {
    const names = trace([user('One'), said('First'), user('Two'), said('Well')]).withAnswer(reply('Done.'));
    expect(finds([said('Done.'), user('Three')], names)).toBe(false);
  });

  test('needs one name after the first exchange, two after others', () => {
    expect(trace([user('One')]).withAnswer(reply('First'))).toHaveLength(1);
    expect(trace([user('One'), said('First'), user('Two')]).withAnswer(reply('Second'))).toHaveLength(2);
    expect(trace([user('One')]).latest).toEqual([]);
  });

  test('finds the question where the client rewrites answers', () => {
    const asked = [user('One'), said('First'), user('Two')];
    const { question, latest } = trace([...asked, said('an answer without its thoughts'), user('Three')]);
    expect(question).toBe(trace(asked).answered);
    for (const name of trace(asked).withAnswer(reply('<think>…</think>an answer'))) expect(latest).not.toContain(name);
    expect(trace([user('One')]).question).toBeNull();
    const first = [system('Be brief'), user('One')];
    expect(trace([...first, said('First'), user('Two')], NOBODY).question).toBe(trace(first, NOBODY).answered);
  });

  test('finds the answers before, the latest first, where the last one was edited', () => {
    const asked: Message[] = [];
    const names: (readonly string[])[] = [];
    for (const turn of ['One', 'Two', 'Three', 'Four', 'Five', 'Six']) {
      asked.push(user(turn));
      names.push(trace(asked).withAnswer(reply(`to ${turn}`)));
      asked.push(said(`to ${turn}`));
    }
    const { older } = trace([...asked.slice(0, -1), said('not what was said'), user('And?')]);
    expect(older).toHaveLength(3);
    for (const [i, name] of older.entries()) expect(names[4 - i]).toContain(name);
  });

  test('has names where the answer is empty', () => {
    const asked = [user('One')];
    const names = trace(asked).withAnswer(reply(''));
    for (const content of ['', null, undefined, []])
      expect(finds([...asked, said(content), user('Two')], names)).toBe(true);
  });

  test('finds an answer whose beginning the request gave, as one message or as two', () => {
    const asked = [user('JSON, please'), said('{"a":')];
    const names = trace(asked).withAnswer(reply(' 1}'));
    expect(finds([user('JSON, please'), said('{"a": 1}'), user('More')], names)).toBe(true);
    expect(finds([...asked, said(' 1}'), user('More')], names)).toBe(true);
  });
});

describe('the same messages', () => {
  test('have the same name, and others one of their own', () => {
    fc.assert(
      fc.property(messages, messages, (one, other) => {
        expect(trace(one).answered).toBe(trace(structuredClone(one)).answered);
        const words = (all: typeof one) =>
          JSON.stringify(
            all
              .filter(({ role }) => role !== 'system' && role !== 'developer')
              .map(({ role, content }) => [role, content.replaceAll('\r\n', '\n').trim()]),
          );
        expect(trace(one).answered === trace(other).answered).toBe(words(one) === words(other));
      }),
    );
  });

  test('are known by one letter, wherever it stands in them', () => {
    const long = 'All work and no play. '.repeat(3000);
    const names = new Set<string>([trace([user(long)]).answered]);
    for (let at = 0; at < long.length; at += 997) {
      names.add(trace([user(`${long.slice(0, at)}#${long.slice(at + 1)}`)]).answered);
    }
    expect(names.size).toBe(1 + Math.ceil(long.length / 997));
  });

  test('are told apart where records that fill the same form differ in a few digits', () => {
    const form = (i: number, k: number) =>
      user(`{"id": ${1000 + i}, "name": "Ada", "left": ${1000 + k}, "of": ${i * k}}`);
    const names = new Set<string>();
    for (let i = 0; i < 100; i++) for (let k = 0; k < 100; k++) names.add(trace([form(i, k)]).answered);
    expect(names.size).toBe(10_000);
  });

  test('have other names with another key of the server', () => {
    const other = traceLineage([user('One')], ME, (words) => digest(`another ${words}`));
    expect(other.answered).not.toBe(trace([user('One')]).answered);
  });

  test('are found whatever time of day the system tells', () => {
    const at = (time: string) => [system(`It is ${time}.`), user('One'), said('First'), user('Two')];
    for (const asker of [ME, NOBODY]) {
      const [noon, night] = [trace(at('noon'), asker), trace(at('night'), asker)];
      expect(noon.answered).toBe(night.answered);
      expect(noon.latest).toEqual(night.latest);
    }
    expect(trace(at('noon').slice(0, 2)).answered).toBe(trace(at('night').slice(0, 2)).answered);
  });

  test('are told apart by the system’s words where nobody is named and nothing was answered', () => {
    const [one, other] = ['Translate.', 'Summarise.'].map((words) => trace([system(words), user('Text')], NOBODY));
    expect(one?.answered).not.toBe(other?.answered);
    expect(one?.before).not.toBe(other?.before);
  });

  test('with another image are others', () => {
    const ask = (url: string) =>
      trace([
        user([
          { type: 'text', text: 'What is it?' },
          { type: 'image_url', image_url: { url } },
        ]),
      ]).answered;
    expect(ask('https://a')).toBe(ask('https://a'));
    expect(ask('https://a')).not.toBe(ask('https://b'));
    const data = `data:image/png;base64,${'A'.repeat(100_000)}`;
    expect(ask(`${data}B`)).not.toBe(ask(`${data}C`));
  });
});

describe('a question that was reworded', () => {
  const start = [user('One'), said('First')];

  test('shares the name of what came before', () => {
    expect(trace([...start, user('Two')]).before).toBe(trace([...start, user('Two, please')]).before);
    expect(trace([...start, user('Two'), user('at once')]).before).toBe(trace([...start, user('Two')]).before);
    expect(trace([user('One')]).before).toBe(trace([user('Another')]).before);
  });

  test('shares it with none of another conversation, as in another tab', () => {
    expect(trace([...start, user('Two')]).before).not.toBe(trace([user('One'), said('Else'), user('Two')]).before);
    expect(trace([...start, user('Two')]).before).not.toBe(trace([user('Two')]).before);
  });

  test('is none where the request ends in something else', () => {
    expect(trace([...start, user('Two'), said('Sec')]).before).toBeNull();
    expect(trace([user('Weather?'), asMessage(reply('', 'call_1')), result('call_1', 'rain')]).before).toBeNull();
    expect(trace([system('Begin.')]).before).toBeNull();
    expect(trace([...start, user('Two'), system('Be brief.')]).before).not.toBeNull();
  });
});

describe('people', () => {
  const theirs: Asker = { ...ME, person: 'you' };

  test('share no name with one another', () => {
    fc.assert(
      fc.property(messages, answer, (words, one) => {
        const names = ({ answered, before, latest, question, older, withAnswer }: ReturnType<typeof trace>) =>
          [answered, before, ...latest, question, ...older, ...withAnswer(one)].filter((name) => name !== null);
        const mine = new Set(names(trace(words)));
        for (const asker of [theirs, NOBODY, { ...ME, key: 'other' }, { ...ME, session: 's' }]) {
          for (const name of names(trace(words, asker))) expect(mine).not.toContain(name);
        }
      }),
    );
  });

  test('are kept apart by names of any length', () => {
    const named = (person: string) => trace([user('Hi')], { ...ME, person }).answered;
    expect(named(`${'x'.repeat(1000)}1`)).not.toBe(named(`${'x'.repeat(1000)}2`));
  });

  test('have sessions of their own, under the same word', () => {
    const session = (key: string, word: string | null) => trace([], { key, session: word, person: null }).session;
    expect(session('app', 's')).toBe(session('app', 's'));
    expect(session('app', 's')).not.toBe(session('other', 's'));
    expect(session('app', 's')).not.toBe(session('app', 't'));
    expect(session('app', null)).toBeNull();
  });

  test('are named by session or as end user', () => {
    expect(trace([]).named).toBe(true);
    expect(trace([], { key: 'app', session: 's', person: null }).named).toBe(true);
    expect(trace([], NOBODY).named).toBe(false);
  });

  test('read nothing in a name', () => {
    const { answered, before, latest, question, session, withAnswer } = trace(
      [user('secret words'), said('secret answer'), user('secret')],
      { key: 'secret', session: 'secret session', person: 'secret person' },
    );
    for (const name of [answered, before, ...latest, question, session, ...withAnswer(reply('secret'))]) {
      expect(name).toMatch(/^(asked|before|talk|tail|session):[\w-]{22}$/);
    }
  });
});
