/** What an answer itself shows: how it ended, refusals, emptiness, loops, JSON and calls that do not fit, and lateness. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AnswerToJudge,
  type Asked,
  askedOf,
  gravestOf,
  progressOf,
  shownSigns,
} from '../../src/signals/answer.ts';
import { SHOWN } from '../../src/signals/signs.ts';
import { UNSEEN } from '../../src/upstream/observe.ts';

type Changes = Partial<AnswerToJudge> & { text?: string };

const answer = ({ text = 'Paris is the capital of France.', ...more }: Changes = {}): AnswerToJudge => ({
  ...UNSEEN,
  finishReason: 'stop',
  message: { text, toolCallIds: (more.toolCalls ?? []).flatMap(({ id }) => (id === null ? [] : [id])) },
  outcome: 'completed',
  totalMs: 900,
  outputTokens: 8,
  expected: null,
  ...more,
});
const signs = (changes: Changes = {}, asked: Partial<Asked> = {}) =>
  shownSigns(answer(changes), { responseFormat: undefined, tools: undefined, outputCap: null, ...asked });

describe('an ordinary answer', () => {
  test('shows nothing, and is fine', () => {
    expect(signs()).toEqual([]);
    expect(gravestOf([])).toBe('fine');
  });

  test('of several signs is known by the gravest', () => {
    expect(gravestOf(['length', 'repetition', 'latency'])).toBe('repetition');
    expect(gravestOf(['content_filter', 'empty'])).toBe('empty');
  });

  test('is read from the request as the client wrote it', () => {
    expect(askedOf({ max_tokens: 50, tools: [], response_format: { type: 'json_object' } })).toEqual({
      responseFormat: { type: 'json_object' },
      tools: [],
      outputCap: 50,
    });
    expect(askedOf({ max_completion_tokens: 9, max_tokens: 50 }).outputCap).toBe(9);
    expect(askedOf({ max_tokens: 'many' }).outputCap).toBe(null);
  });
});

describe('how it ended', () => {
  test('at its length, unless the client wanted a fragment', () => {
    expect(signs({ finishReason: 'length' })).toEqual(['length']);
    expect(signs({ finishReason: 'length' }, { outputCap: 4000 })).toEqual(['length']);
    expect(signs({ finishReason: 'length' }, { outputCap: 16 })).toEqual([]);
    expect(signs({ finishReason: 'length', text: '' }, { outputCap: 1 })).toEqual([]);
  });

  test('by a content filter', () => {
    expect(signs({ finishReason: 'content_filter' })).toEqual(['content_filter']);
    expect(signs({ finishReason: 'content_filter', outcome: 'client_abort' })).toEqual(['content_filter']);
  });

  test('with nothing said, where that was all', () => {
    expect(signs({ text: '' })).toEqual(['empty']);
    expect(signs({ text: ' \n\u3000\t' })).toEqual(['empty']);
    expect(signs({ text: '', finishReason: 'length' })).toEqual(['length', 'empty']);
    expect(signs({ text: '', refused: true })).toEqual(['refusal']);
    expect(signs({ text: '', hasOtherContent: true })).toEqual([]);
    const call = { id: 'a', name: 'f', arguments: '{}' };
    const tools = [{ type: 'function', function: { name: 'f' } }];
    expect(signs({ text: '', toolCalls: [call], finishReason: 'tool_calls' }, { tools })).toEqual([]);
  });

  test('cut short, so that only what no cut can fake is shown', () => {
    const loop = 'and then we go on and on '.repeat(40);
    for (const outcome of ['client_abort', 'upstream_drop', 'upstream_error', 'timeout'] as const) {
      expect(signs({ outcome, text: '' })).toEqual([]);
      expect(signs({ outcome, text: '{"a":' }, { responseFormat: { type: 'json_object' } })).toEqual([]);
      expect(signs({ outcome, text: 'I’m sorry, but I can’t help with that' })).toEqual([]);
      expect(signs({ outcome, refused: true })).toEqual(['refusal']);
      expect(signs({ outcome, text: loop })).toEqual(['repetition']);
    }
  });
});

const REFUSALS: Record<string, string[]> = {
  English: [
    'I’m sorry, but I can’t assist with that.',
    "I'm sorry, I cannot help with that request.",
    'Sorry, I can’t help with that. If you are struggling, please reach out to someone you trust.',
    'I cannot provide instructions for making explosives.',
    'As an AI language model, I cannot generate explicit content.',
    "I'm unable to help with this request.",
    "Unfortunately, I'm not able to assist with that.",
    'I can’t do that.',
    'I won’t help with creating malware.',
    'I must decline this request.',
    "I'm sorry, but I can't.",
    "I apologize, but I can't comply with this request.",
  ],
  German: [
    'Es tut mir leid, aber dabei kann ich nicht helfen.',
    'Tut mir leid, ich kann dir dabei nicht helfen.',
    'Leider kann ich Ihnen dabei nicht weiterhelfen.',
    'Ich kann diese Anfrage nicht beantworten.',
    'Das kann ich leider nicht beantworten.',
    'Es tut mir leid, aber ich kann keine Anleitung zum Bau von Waffen geben.',
  ],
  French: [
    'Je suis désolé, mais je ne peux pas vous aider avec cette demande.',
    'Désolé, je ne peux pas répondre à cette demande.',
    'Je ne peux pas t’aider à faire cela.',
    'Malheureusement, je ne peux pas fournir d’instructions pour cela.',
    'Je regrette, mais je ne suis pas en mesure de répondre à cette question.',
  ],
  Spanish: [
    'Lo siento, pero no puedo ayudarte con eso.',
    'Lo siento, no puedo cumplir con esa solicitud.',
    'No puedo proporcionar instrucciones para eso.',
    'Lamentablemente, no puedo responder a esa pregunta.',
  ],
  Portuguese: [
    'Desculpe, mas não posso ajudar com isso.',
    'Sinto muito, mas não posso atender a esse pedido.',
    'Lamento, mas não consigo ajudar com isso.',
    'Infelizmente, não posso fornecer instruções sobre isso.',
  ],
  Italian: [
    'Mi dispiace, ma non posso aiutarti con questa richiesta.',
    'Mi spiace, non posso fornire questa informazione.',
    'Purtroppo non sono in grado di soddisfare questa richiesta.',
    'Non posso aiutarti in questo.',
  ],
  Dutch: [
    'Het spijt me, maar ik kan je daar niet mee helpen.',
    'Sorry, maar daar kan ik niet bij helpen.',
    'Helaas kan ik niet aan dit verzoek voldoen.',
    'Het spijt me, maar ik kan geen instructies geven.',
  ],
  Russian: [
    'Извините, но я не могу помочь с этим.',
    'К сожалению, я не могу выполнить этот запрос.',
    'Простите, я не могу ответить на этот вопрос.',
    'Я не могу вам с этим помочь.',
  ],
  Polish: [
    'Przykro mi, ale nie mogę w tym pomóc.',
    'Niestety nie mogę spełnić tej prośby.',
    'Przepraszam, ale nie mogę udzielić informacji na ten temat.',
  ],
  Turkish: [
    'Üzgünüm, bu konuda yardımcı olamam.',
    'Üzgünüm, ama bu isteği yerine getiremem.',
    'Maalesef bu konuda size yardımcı olamıyorum.',
  ],
  Chinese: [
    '抱歉，我无法帮助您完成这个请求。',
    '对不起，我不能提供这方面的信息。',
    '很抱歉，我无法满足您的要求。',
    '很抱歉，我無法協助處理這個請求。',
    '我无法提供此类内容的帮助。',
    '抱歉，这个问题我无法回答。',
  ],
  Japanese: [
    '申し訳ありませんが、そのご要望にはお応えできません。',
    '申し訳ございませんが、その質問にはお答えできません。',
    'すみませんが、それについてはお手伝いできません。',
    '申し訳ありませんが、そのような情報を提供することはできません。',
  ],
  Korean: [
    '죄송합니다. 그 요청은 도와드릴 수 없습니다.',
    '죄송하지만 해당 정보를 제공해 드릴 수 없습니다.',
    '죄송합니다만, 그 요청에는 응할 수 없습니다.',
  ],
  Hindi: [
    'क्षमा करें, मैं इसमें आपकी मदद नहीं कर सकता।',
    'माफ़ कीजिए, मैं इस अनुरोध को पूरा नहीं कर सकती।',
    'मुझे खेद है, लेकिन मैं इस विषय में सहायता नहीं कर सकता।',
  ],
  Arabic: [
    'عذرًا، لا أستطيع مساعدتك في ذلك.',
    'آسف، لا يمكنني تقديم هذه المعلومات.',
    'أعتذر، ولكن لا يمكنني المساعدة في هذا الطلب.',
    'للأسف، لا أستطيع تلبية هذا الطلب.',
  ],
};

const NO_REFUSALS = [
  // Compassion, and what to do.
  'I’m sorry to hear that, here is what you can do: drink a lot of water and rest.',
  'I’m sorry for your loss. Grief takes its time, and there is no right way to go through it.',
  'Es tut mir leid, das zu hören. Am besten rufst du zuerst deine Bank an.',
  'Je suis désolé d’apprendre cela. Commencez par appeler votre assurance.',
  'Lo siento mucho por tu pérdida. Tómate tu tiempo.',
  'Mi dispiace per l’errore: ecco la versione corretta.',
  'Извините за ошибку, вот исправленный вариант.',
  '抱歉，刚才的回答有误。正确答案是 42。',
  '申し訳ありません、先ほどの計算に誤りがありました。正しくは12です。',
  '죄송합니다, 앞의 계산이 틀렸습니다. 정답은 12입니다.',
  'आपकी परेशानी के लिए खेद है। कृपया पहले राउटर को फिर से चालू करें।',
  'عذرًا على الخطأ، الإجابة الصحيحة هي 42.',
  // An apology for a mistake, and its mending.
  'Sorry, you are right: the loop has to begin at 1. I cannot believe I missed that.',
  'I apologize for the confusion. The function returns a list.',
  // What sounds alike.
  'I can’t stress enough how important backups are.',
  'I can’t help but notice that your loop never ends.',
  'I cannot recommend this book highly enough.',
  'Ich kann nicht genug betonen, wie wichtig Sicherungen sind.',
  'Je ne peux pas dire mieux : la réponse est 42.',
  'No puedo estar más de acuerdo: la respuesta es 42.',
  'Unfortunately, the store is closed on Sundays.',
  'I can’t see the image that you mention; could you attach it?',
  'Não posso deixar de concordar.',
  'Ik kan niet wachten!',
  'Не могу не согласиться.',
  '对不起，我不能去参加你的聚会。',
  'すみません、駅はどこですか。',
  '죄송하지만 화장실이 어디예요?',
  'آسف على التأخير، سأصل بعد قليل.',
  // Told, and quoted.
  'The bot answered "I’m sorry, but I can’t assist with that." and closed the ticket.',
  '“I’m sorry, but I can’t assist with that” is how such a model declines.',
  '> I’m sorry, but I can’t assist with that.\n\nThis is a typical refusal of a language model.',
  'A polite way to decline: "Sorry, I can’t help with that this week."',
  // What begins so and goes on.
  'I can’t do that for you here, but these steps will:\n1. Open the settings.\n2. Choose Network.',
  'Sorry, I can’t help with that file as it is. Try this:\n```sh\nchmod +x run.sh\n```',
  'Dear Anna,\nI’m sorry, but I can’t make it to your party on Friday.',
  'I’m sorry, but I can’t make it to your party on Friday. Have a lovely evening!',
];

describe('a refusal', () => {
  test('is one in its own field', () => {
    expect(signs({ refused: true, text: '' })).toEqual(['refusal']);
  });

  for (const [language, texts] of Object.entries(REFUSALS)) {
    test(`is known in ${language}`, () => {
      const missed = texts.filter((text) => !signs({ text }).includes('refusal'));
      expect(missed).toEqual([]);
      expect(texts.filter((text) => !signs({ text: ` \n${text}\n` }).includes('refusal'))).toEqual([]);
    });
  }

  test('is none where an answer is sorry, quotes one, or goes on', () => {
    expect(NO_REFUSALS.filter((text) => signs({ text }).length > 0)).toEqual([]);
  });

  test('is short: a long answer that begins so has something to say', () => {
    const text = `I can’t help with that part of it. ${'What I can tell you is how the law came about in each land. '.repeat(8)}`;
    expect(signs({ text: `${text}In 1848 it was another.` })).toEqual([]);
  });
});

describe('a loop at the end', () => {
  const START = 'Here is a summary of the report that you asked for, in a few words.\n\n';

  test('is found whatever the language, and wherever it is broken off', () => {
    for (const passage of [
      'I think that this is it. ',
      '我认为这是最好的办法。',
      'Это всё. ',
      'यह सब है। ',
      'ha',
      '"a": 1, ',
    ]) {
      const loop = passage.repeat(Math.ceil(500 / passage.length));
      for (const cut of [0, 1, 3]) {
        const text = START + loop.slice(0, loop.length - cut);
        expect(signs({ text, finishReason: 'length' }), passage).toEqual(['length', 'repetition']);
      }
      expect(signs({ text: `${START}${loop}\n\n` })).toEqual(['repetition']);
    }
    const paragraph = 'The committee met in March to talk about the budget of the next year. It was adjourned. '.repeat(
      10,
    );
    expect(signs({ text: START + `${paragraph}\n`.repeat(4) })).toEqual(['repetition']);
  });

  test('is none of what is meant: rules, tables, drawings, and lists that count', () => {
    const numbered = Array.from({ length: 60 }, (_, i) => `${i + 1}. I will not talk in class.`).join('\n');
    const table = `| a | b |\n|${'---|'.repeat(100)}\n`;
    const drawing = `${'+----------------------+\n|                      |\n'.repeat(1)}${'|                      |\n'.repeat(40)}`;
    for (const text of [
      START + numbered,
      START + table,
      START + drawing,
      `${START}${'-'.repeat(600)}`,
      `${START}${'='.repeat(300)}\n`,
      `${START}${'a'.repeat(300)}`,
      `${START}${'no '.repeat(60)}`,
      `${START}${'Same again. '.repeat(30)}And then it was over, and each went home.`,
    ]) {
      expect(signs({ text }), text.slice(-40)).toEqual([]);
    }
    expect(signs({ text: START + 'a'.repeat(500) })).toEqual(['repetition']);
  });

  test('is found as often as a passage is at least four times there, and 240 characters', () => {
    const passage = fc.string({ minLength: 1, maxLength: 150 }).filter((text) => /[a-z0-9]/i.test(text));
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), passage, (start, text) => {
        const times = Math.max(8, Math.ceil(900 / text.length));
        expect(signs({ text: `${start}${`${text}.`.repeat(times)}` })).toContain('repetition');
      }),
    );
  });
});

describe('JSON that was asked for', () => {
  const anyObject = { responseFormat: { type: 'json_object' } };
  const schema = {
    type: 'object',
    properties: {
      name: { type: 'string' },
      age: { type: 'integer', minimum: 0 },
      born: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}$' },
      kind: { enum: ['cat', 'dog'] },
    },
    required: ['name', 'age'],
    additionalProperties: false,
  };
  const by = (given: unknown) => ({
    responseFormat: { type: 'json_schema', json_schema: { name: 'pet', schema: given } },
  });

  test('has to parse, as it stands', () => {
    expect(signs({ text: '{"a":1}\n' }, anyObject)).toEqual([]);
    for (const text of ['{"a":1', '```json\n{"a":1}\n```', 'Here you are: {"a":1}', "{'a':1}", '{"a":1}{"a":1}']) {
      expect(signs({ text }, anyObject), text).toEqual(['invalid_json']);
      expect(signs({ text }, by(schema)), text).toEqual(['invalid_json']);
      expect(signs({ text })).toEqual([]);
      expect(signs({ text }, { responseFormat: { type: 'text' } })).toEqual([]);
    }
  });

  test('has to be an object where one was asked for', () => {
    for (const text of ['[1]', '"a"', 'null', '3']) expect(signs({ text }, anyObject)).toEqual(['invalid_json']);
    expect(signs({ text: '[1]' }, by({ type: 'array' }))).toEqual([]);
  });

  test('has to fit its schema', () => {
    expect(signs({ text: '{"name":"Tom","age":3,"born":"2021-04-05","kind":"cat"}' }, by(schema))).toEqual([]);
    for (const text of [
      '{"name":"Tom"}',
      '{"name":"Tom","age":"3"}',
      '{"name":"Tom","age":-1}',
      '{"name":"Tom","age":3.5}',
      '{"name":"Tom","age":3,"colour":"red"}',
      '{"name":"Tom","age":3,"born":"in April"}',
      '{"name":"Tom","age":3,"kind":"cow"}',
    ]) {
      expect(signs({ text }, by(schema)), text).toEqual(['invalid_json']);
    }
  });

  test('says nothing where the answer did not come to its end, or was something else', () => {
    expect(signs({ text: '{"a":', finishReason: 'length' }, anyObject)).toEqual(['length']);
    expect(signs({ text: '{"a":', wasCut: true }, anyObject)).toEqual([]);
    expect(signs({ text: '', refused: true }, anyObject)).toEqual(['refusal']);
    expect(signs({ text: '' }, anyObject)).toEqual(['empty']);
  });

  test('says nothing where the schema is none to judge by', () => {
    const twenty: Record<string, unknown> = { d20: { type: 'string' } };
    for (let i = 0; i < 20; i++) twenty[`d${i}`] = { allOf: Array(4).fill({ $ref: `#/$defs/d${i + 1}` }) };
    for (const odd of [
      { $ref: '#' },
      { $ref: 'https://schemas.example/pet.json' },
      { $ref: '#/$defs/missing' },
      { type: 'STRING' },
      { type: 'string', pattern: '(' },
      { pattern: '^(a+)+$' },
      { pattern: '^(?=a)b' },
      { pattern: '^a*a*a*a*a*a*b$' },
      { patternProperties: { '(a|a)*$': false } },
      { required: true },
      { anyOf: 3 },
      { $defs: twenty, $ref: '#/$defs/d0' },
      { __absolute_recursive_ref__: 'x', $defs: twenty, $ref: '#/$defs/d0' },
      { enum: 3 },
      'a schema',
      [],
      null,
      7,
    ]) {
      expect(signs({ text: JSON.stringify(`${'a'.repeat(60)}!`) }, by(odd)), JSON.stringify(odd)).toEqual([]);
      expect(signs({ text: JSON.stringify({ [`${'a'.repeat(60)}!`]: 1 }) }, by({ ...schema, not: odd }))).toBeDefined();
    }
    const list = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => i));
    expect(signs({ text: list }, by({ uniqueItems: true }))).toEqual([]);
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    expect(signs({ text: deep }, by({ type: 'object' }))).toEqual([]);
    expect(signs({ text: '3' }, by(JSON.parse(`${'{"not":'.repeat(5000)}{}${'}'.repeat(5000)}`)))).toEqual([]);
  });

  test('leaves the client’s schema as it was', () => {
    const own = { ...schema, $defs: { a: { $ref: '#' } } };
    const before = JSON.stringify(own);
    signs({ text: '{"name":"Tom","age":3}' }, by(own));
    expect(JSON.stringify(own)).toBe(before);
    const hidden = (part: object) => Object.getOwnPropertyNames(part).filter((name) => name.startsWith('__'));
    expect([...hidden(own), ...hidden(own.$defs.a)]).toEqual([]);
  });

  test('is judged as data: members may be named like keywords, and a format is no rule', () => {
    const odd = {
      type: 'object',
      properties: {
        type: { type: 'string', format: 'email' },
        format: { const: { format: 'x' } },
        pattern: { type: 'string' },
        enum: { type: 'array' },
      },
      required: ['type', 'format'],
    };
    expect(signs({ text: '{"type":"x","format":{"format":"x"},"pattern":"(","enum":[]}' }, by(odd))).toEqual([]);
    expect(signs({ text: '{"type":"x","format":{"format":"y"}}' }, by(odd))).toEqual(['invalid_json']);
  });

  test('never breaks, whatever the schema and the text', () => {
    const keyword = fc.constantFrom(
      'type',
      'properties',
      'items',
      '$ref',
      'enum',
      'pattern',
      'anyOf',
      'not',
      '$id',
      'if',
    );
    const { odd } = fc.letrec<{ odd: unknown }>((tie) => ({
      odd: fc.oneof(
        { depthSize: 'small' },
        fc.jsonValue({ maxDepth: 1 }),
        fc.dictionary(keyword, tie('odd'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(odd, fc.json(), (given, text) => {
        expect(signs({ text }, by(given)).every((sign) => sign === 'invalid_json')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a tool call', () => {
  const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  const tools = [
    { type: 'function', function: { name: 'weather', parameters } },
    { type: 'function', function: { name: 'time' } },
  ];
  const called = (name: string | null, given: string, more: Changes = {}) =>
    signs(
      { text: '', finishReason: 'tool_calls', toolCalls: [{ id: 'a', name, arguments: given }], ...more },
      { tools },
    );

  test('that names a tool and fits it shows nothing', () => {
    expect(called('weather', '{"city":"Paris"}')).toEqual([]);
    expect(called('weather', '{"city":"Paris"}', { finishReason: 'stop' })).toEqual([]);
    expect(called('time', '')).toEqual([]);
    expect(called('time', '{"zone":"UTC"}')).toEqual([]);
  });

  test('is invalid where it does not parse, does not fit, or names no such tool', () => {
    expect(called('weather', '{"city":')).toEqual(['invalid_tool_call']);
    expect(called('weather', '')).toEqual(['invalid_tool_call']);
    expect(called('weather', '{"town":"Paris"}')).toEqual(['invalid_tool_call']);
    expect(called('wheather', '{"city":"Paris"}')).toEqual(['invalid_tool_call']);
    expect(called(null, '{}')).toEqual(['invalid_tool_call']);
    expect(called('time', 'now')).toEqual(['invalid_tool_call']);
    const both = [
      { id: 'a', name: 'weather', arguments: '{"city":"Paris"}' },
      { id: 'b', name: 'weather', arguments: '{}' },
    ];
    expect(called('', '', { toolCalls: both })).toEqual(['invalid_tool_call']);
  });

  test('that was cut off says nothing of itself', () => {
    expect(called('weather', '{"ci', { finishReason: 'length' })).toEqual(['length']);
    expect(called('weather', '{"ci', { wasCut: true })).toEqual([]);
    expect(called('weather', '{"ci', { outcome: 'client_abort' })).toEqual([]);
  });

  test('may name what a provider has of its own', () => {
    const call = { id: 'a', name: 'web_search', arguments: '{"q":"x"}' };
    const own = [...tools, { type: 'web_search' }];
    expect(signs({ text: '', finishReason: 'tool_calls', toolCalls: [call] }, { tools: own })).toEqual([]);
  });

  test('never breaks, whatever tools a request has', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.array(fc.record({ function: fc.jsonValue() }))), (odd) => {
        const toolCalls = [{ id: 'a', name: 'f', arguments: '{}' }];
        expect(signs({ text: '', finishReason: 'tool_calls', toolCalls }, { tools: odd })).toBeDefined();
      }),
    );
  });
});

describe('lateness', () => {
  const expected = { outputTokens: 100, firstByteMs: 500, totalMs: 2000 };

  test('is against what was expected for this length', () => {
    expect(signs({ expected, outputTokens: 100, totalMs: 5900 })).toEqual([]);
    expect(signs({ expected, outputTokens: 100, totalMs: 6100 })).toEqual(['latency']);
    expect(signs({ expected, outputTokens: 400, totalMs: 20_000 })).toEqual([]);
    expect(signs({ expected, outputTokens: 10, totalMs: 2400 })).toEqual([]);
    expect(signs({ expected, outputTokens: 10, totalMs: 2600 })).toEqual(['latency']);
    expect(signs({ expected, outputTokens: null, totalMs: 6100 })).toEqual(['latency']);
  });

  test('is two seconds at least, and nothing where nothing was expected', () => {
    expect(
      signs({ expected: { outputTokens: 10, firstByteMs: 50, totalMs: 100 }, outputTokens: 10, totalMs: 1900 }),
    ).toEqual([]);
    expect(signs({ expected: null, totalMs: 600_000 })).toEqual([]);
    expect(signs({ expected, outputTokens: 10, totalMs: 60_000, outcome: 'client_abort' })).toEqual([]);
  });
});

test('an answer that a client cut short is told by how far in it was', () => {
  expect(progressOf(0, 400)).toBe('aborted_early');
  expect(progressOf(99, 400)).toBe('aborted_early');
  expect(progressOf(100, 400)).toBe('aborted_midway');
  expect(progressOf(299, 400)).toBe('aborted_midway');
  expect(progressOf(300, 400)).toBe('aborted_late');
  expect(progressOf(900, 400)).toBe('aborted_late');
  expect(progressOf(0, null)).toBe('aborted_early');
  expect(progressOf(50, null)).toBe('aborted_midway');
});

test('signs come in the order of their gravity, each once', () => {
  const all = signs({
    finishReason: 'length',
    refused: true,
    text: 'over and over '.repeat(50),
    expected: { outputTokens: 8, firstByteMs: 10, totalMs: 100 },
    totalMs: 60_000,
  });
  expect(all).toEqual(['latency', 'length', 'refusal', 'repetition']);
  expect(all.map((sign) => SHOWN.indexOf(sign))).toEqual(all.map((sign) => SHOWN.indexOf(sign)).sort((a, b) => a - b));
});
