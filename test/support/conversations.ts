/** Hand-made conversations, and the verdict that each of their answers must get. */
import { type Conversation, type Message, NOBODY, type Person, type ToolCall, type Turn } from './conversation.ts';

const call = (id: string, city: string): ToolCall => ({
  id,
  type: 'function',
  function: { name: 'look_up', arguments: JSON.stringify({ city }) },
});

const SORT = 'Write a Python function that sorts a list of people by their last name.';
const SORT_ANSWER = 'def by_last_name(people):\n    return sorted(people, key=lambda one: one.last)';
const CAPITAL = 'What is the capital of Australia?';
const CAPITAL_ANSWER = 'The capital of Australia is Sydney.';

/** Somebody goes on: the best that an answer can be told without a thumb. */
const GOING_ON: readonly Conversation[] = [
  {
    name: 'says thanks',
    turns: [{ says: SORT, answer: SORT_ANSWER, gets: 'continued' }, { says: 'Thanks!' }],
  },
  {
    name: 'asks the next question, and one more',
    turns: [
      { says: 'How long do I boil a soft egg?', answer: 'Six minutes.', gets: 'continued' },
      { says: 'And what goes well with it?', answer: 'Buttered toast.', gets: 'continued' },
      { says: 'Which bread would you take for that?' },
    ],
  },
  {
    name: 'wants to know why',
    turns: [{ says: 'Is 91 a prime number?', answer: 'No.', gets: 'continued' }, { says: 'and why?' }],
  },
  {
    name: 'quotes a part of the answer and asks about it',
    turns: [
      { says: SORT, answer: SORT_ANSWER, gets: 'continued' },
      { says: '> key=lambda one: one.last\n\nWhat does the lambda do here?' },
    ],
  },
  {
    name: 'declines what the answer offered, which contradicts nothing',
    turns: [
      { says: 'Name three rivers in France.', answer: 'Loire, Seine, Rhône. Shall I add maps?', gets: 'continued' },
      { says: 'No, thanks. That is all I needed.' },
    ],
  },
  {
    name: 'asks what could go wrong, which does not say that anything did',
    turns: [
      {
        says: 'How do I move my blog to another host?',
        answer: 'Copy the files, then the database.',
        gets: 'continued',
      },
      { says: 'What could go wrong with this approach?' },
    ],
  },
  {
    name: 'says to go on, twice, which asks nothing again',
    turns: [
      { says: 'Tell me a long story about a lighthouse.', answer: 'Once there was a keeper.', gets: 'continued' },
      { says: 'Continue', answer: 'One night the lamp went out.', gets: 'continued' },
      { says: 'Continue', answer: 'And at dawn the ship came in.' },
    ],
  },
  ...Object.entries({
    German: ['Wie hoch ist der Brocken?', 'Der Brocken ist 1141 Meter hoch.', 'Danke! Und wie komme ich hinauf?'],
    Spanish: ['¿Cuánto mide el Aneto?', 'Mide 3404 metros.', 'Gracias. ¿Y cuándo es mejor subir?'],
    Chinese: ['泰山有多高？', '泰山高1545米。', '谢谢！什么季节去最好？'],
    Hindi: ['गंगा नदी कितनी लंबी है?', 'गंगा लगभग 2525 किलोमीटर लंबी है।', 'धन्यवाद! यह कहाँ से निकलती है?'],
  }).map(
    ([language, [question, answer, next]]): Conversation => ({
      name: `goes on in ${language}`,
      turns: [{ says: question, answer: answer as string, gets: 'continued' }, { says: next }],
    }),
  ),
];

/** Somebody wants another answer to the very same. */
const ASKING_AGAIN: readonly Conversation[] = [
  {
    name: 'asks the same again the moment the answer has ended',
    turns: [{ says: SORT, answer: SORT_ANSWER, gets: 'regenerated' }, { again: true }],
  },
  {
    name: 'asks the same again after a streamed answer',
    turns: [
      { says: SORT, answer: SORT_ANSWER, stream: true, gets: 'regenerated' },
      { again: true, stream: true },
    ],
  },
  {
    name: 'asks again twice, and goes on from the third answer',
    turns: [
      { says: 'Suggest a name for my boat.', answer: 'Seagull.', gets: 'regenerated' },
      { again: true, answer: 'Wave Rider.', gets: 'regenerated' },
      { again: true, answer: 'Halcyon.', gets: 'continued' },
      { says: 'Lovely. Now a name for the dinghy.' },
    ],
  },
  {
    name: 'asks again deep in a conversation',
    turns: [
      { says: 'I have flour, eggs and milk. What can I cook?', answer: 'Pancakes.', gets: 'continued' },
      { says: 'How do I make those?', answer: 'Mix everything and fry it.', gets: 'continued' },
      { says: 'And without a pan?', answer: 'You cannot.', gets: 'regenerated' },
      { again: true, answer: 'Bake the batter in the oven.' },
    ],
  },
  {
    name: 'goes far back and has an early answer made anew',
    turns: [
      { says: 'Plan a day in Rome.', answer: 'Colosseum, then the Forum.', gets: 'regenerated' },
      { says: 'Where do I eat?', answer: 'In Trastevere.', gets: 'continued' },
      { says: 'What does that cost?', answer: 'Some 30 euros.' },
      { after: 0, again: true, answer: 'Vatican, then a walk along the river.' },
    ],
  },
  {
    name: 'has an answer made anew, but then goes on from the first one: the later verdict counts',
    turns: [
      { says: 'Write a haiku about rain.', answer: 'Soft rain on the roof', gets: 'continued' },
      { again: true, answer: 'Rain again today' },
      { after: 0, says: 'Now one about snow.' },
    ],
  },
  {
    name: 'asks the same again in a new tab, with another question in between',
    turns: [
      { says: 'Translate “good night” to Finnish.', answer: 'Hyvää yötä.', gets: 'regenerated' },
      { after: null, says: 'Who wrote Faust?', answer: 'Goethe.' },
      { after: null, says: 'Translate “good night” to Finnish.' },
    ],
  },
  {
    name: 'asks the same again though nobody is named',
    as: NOBODY,
    turns: [
      { says: 'What is the tallest lighthouse of the Baltic Sea?', answer: 'I do not know.', gets: 'regenerated' },
      { again: true },
    ],
  },
  {
    name: 'asks the same again, known by a safety identifier',
    as: { safety_identifier: 'person-7' },
    turns: [{ says: CAPITAL, answer: CAPITAL_ANSWER, gets: 'regenerated' }, { again: true }],
  },
  {
    name: 'asks the same again, known by a session',
    as: { session: 'session-7' },
    turns: [{ says: CAPITAL, answer: CAPITAL_ANSWER, gets: 'regenerated' }, { again: true }],
  },
];

/** Somebody says the same in other words, and the answer is dropped. */
const REWORDING: readonly Conversation[] = [
  {
    name: 'adds a clause to the question',
    turns: [
      { says: SORT, answer: SORT_ANSWER, gets: 'rephrased' },
      { rewords: `${SORT} Ignore upper and lower case.` },
    ],
  },
  {
    name: 'mends a typo',
    turns: [
      {
        says: 'Explain how a rainbow is fromed, for a child of eight years',
        answer: 'By light in drops.',
        gets: 'rephrased',
      },
      { rewords: 'Explain how a rainbow is formed, for a child of eight years' },
    ],
  },
  {
    name: 'words the question slightly differently',
    turns: [
      { says: 'How do I reverse the order of a list in Python?', answer: 'With reverse.', gets: 'rephrased' },
      { rewords: 'How can I reverse the order of a list in Python 3?' },
    ],
  },
  {
    name: 'rewords deep in a conversation',
    turns: [
      { says: 'I want to learn the guitar.', answer: 'Start with three chords.', gets: 'continued' },
      { says: 'Which ones?', answer: 'G, C and D.', gets: 'continued' },
      { says: 'Give me a practice plan for the first week.', answer: 'Practise every day.', gets: 'rephrased' },
      { rewords: 'Give me a practice plan for the first week, day by day.' },
    ],
  },
  {
    name: 'edits the first message far back, and everything behind it is dropped',
    turns: [
      { says: 'Plan a weekend in Lisbon for two people.', answer: 'Saturday: Alfama.', gets: 'rephrased' },
      { says: 'Where do we sleep?', answer: 'In Baixa.', gets: 'continued' },
      { says: 'How do we get there from the airport?', answer: 'By metro.', gets: 'continued' },
      { says: 'What is a ticket?', answer: 'Under two euros.' },
      { after: 0, rewords: 'Plan a weekend in Lisbon for two people and a small child.' },
    ],
  },
  {
    name: 'edits a message in the middle, and everything behind it is dropped',
    turns: [
      { says: 'Which laptop is good for travelling?', answer: 'A light one.', gets: 'continued' },
      { says: 'Name three of them that cost less than 1000 euros.', answer: 'A, B and C.', gets: 'rephrased' },
      { says: 'Which has the best screen?', answer: 'B.', gets: 'continued' },
      { says: 'And the best keyboard?', answer: 'C.' },
      { after: 1, rewords: 'Name three of them that cost less than 1500 euros.' },
    ],
  },
  {
    name: 'asks again, then rewords: each answer gets its own',
    turns: [
      { says: 'Summarise the plot of Hamlet in two sentences.', answer: 'He dies.', gets: 'regenerated' },
      { again: true, answer: 'Everybody dies.', gets: 'rephrased' },
      { rewords: 'Summarise the plot of Hamlet in four sentences.' },
    ],
  },
  {
    name: 'puts another question in the last one’s place, which says nothing of its answer',
    turns: [
      { says: 'What should I see in Oslo?', answer: 'The opera house.', gets: 'continued' },
      { says: 'How cold is it there in March?', answer: 'Around freezing.' },
      { rewords: 'Find me a vegetarian restaurant near the harbour.' },
    ],
  },
  ...Object.entries({
    German: [
      'Schreibe eine Einladung zum Geburtstag meiner Großmutter.',
      'Schreibe eine kurze Einladung zum 80. Geburtstag meiner Großmutter.',
    ],
    Spanish: [
      'Explica la diferencia entre ser y estar con ejemplos.',
      'Explica la diferencia entre ser y estar con cinco ejemplos sencillos.',
    ],
    Chinese: ['请用三句话介绍一下长城的历史和修建的原因', '请用五句话介绍一下长城的历史和修建的原因'],
    Hindi: ['भारत के स्वतंत्रता संग्राम के बारे में एक निबंध लिखो।', 'भारत के स्वतंत्रता संग्राम के बारे में एक छोटा निबंध लिखो।'],
    Japanese: ['富士山に登るのに一番いい季節はいつですか。', '富士山に初めて登るのに一番いい季節はいつですか。'],
    Arabic: ['اكتب رسالة قصيرة إلى مديري أطلب فيها إجازة.', 'اكتب رسالة قصيرة إلى مديري أطلب فيها إجازة لمدة أسبوع.'],
    Russian: [
      'Напиши короткое стихотворение про осень в городе.',
      'Напиши короткое весёлое стихотворение про осень в городе.',
    ],
  }).map(
    ([language, [question, reworded]]): Conversation => ({
      name: `rewords in ${language}`,
      turns: [{ says: question, gets: 'rephrased' }, { rewords: reworded }],
    }),
  ),
];

const TRACEBACK = [
  'Traceback (most recent call last):',
  '  File "main.py", line 12, in <module>',
  '    print(by_last_name(people))',
  '  File "main.py", line 2, in <lambda>',
  "AttributeError: 'dict' object has no attribute 'last'",
].join('\n');

/** Somebody keeps the answer and says, one way or another, that it is wrong. */
const CORRECTING: readonly Conversation[] = [
  {
    name: 'pastes a traceback of the code that was the answer',
    turns: [{ says: SORT, answer: SORT_ANSWER, gets: 'corrected' }, { says: TRACEBACK }],
  },
  {
    name: 'pastes an error of another tool, with a word before it',
    turns: [
      { says: 'How do I list the names in my component?', answer: 'Map over names.', gets: 'corrected' },
      {
        says: "I get this now:\n```\nTypeError: Cannot read properties of undefined (reading 'map')\n    at Names (Names.jsx:4:17)\n    at renderWithHooks (react-dom.js:1498:18)\n```",
      },
    ],
  },
  {
    name: 'pastes what the compiler said',
    turns: [
      { says: 'Print the vector twice in Rust.', answer: 'for n in names {}', gets: 'corrected' },
      { says: 'error[E0382]: use of moved value: `names`\n --> src/main.rs:5:14\n  |\n5 |     for n in names {}' },
    ],
  },
  {
    name: 'begins with a traceback, which says nothing of any answer, and goes on',
    turns: [
      { says: `What does this mean?\n\n${TRACEBACK}`, answer: 'The people are dicts.', gets: 'continued' },
      { says: 'Ah, I see. How do I read a key of a dict?' },
    ],
  },
  {
    name: 'repeats the question behind the answer',
    turns: [{ says: CAPITAL, answer: 'Australia is a country.', gets: 'corrected' }, { says: CAPITAL }],
  },
  {
    name: 'repeats the question behind the answer, in Chinese and in nearly the same words',
    turns: [
      { says: '请列出中国面积最大的五个省级行政区', answer: '中国有很多省。', gets: 'corrected' },
      { says: '请你列出中国面积最大的五个省级行政区' },
    ],
  },
  {
    name: 'goes on for a while before something is wrong',
    turns: [
      { says: 'Who painted the Night Watch?', answer: 'Rembrandt.', gets: 'continued' },
      { says: 'When?', answer: 'In 1742.', gets: 'corrected' },
      { says: 'That’s not right, it was in 1642.', answer: 'Indeed, 1642.', gets: 'continued' },
      { says: 'Where does it hang today?' },
    ],
  },
  ...Object.entries({
    English: [CAPITAL, CAPITAL_ANSWER, 'No, that is wrong. It is Canberra.'],
    German: ['Was ist die Hauptstadt Australiens?', 'Sydney.', 'Nein, das stimmt nicht. Es ist Canberra.'],
    Spanish: ['¿Cuál es la capital de Australia?', 'Sídney.', 'No, eso no es correcto. Es Canberra.'],
    Chinese: ['澳大利亚的首都是哪里？', '悉尼。', '不对，是堪培拉。'],
    Hindi: ['ऑस्ट्रेलिया की राजधानी क्या है?', 'सिडनी।', 'नहीं, यह गलत है। राजधानी कैनबरा है।'],
    French: ['Quelle est la capitale de l’Australie ?', 'Sydney.', 'Non, c’est faux. C’est Canberra.'],
    Portuguese: ['Qual é a capital da Austrália?', 'Sydney.', 'Não, isso está errado. É Camberra.'],
    Japanese: ['オーストラリアの首都はどこですか。', 'シドニーです。', '違います。キャンベラです。'],
    Arabic: ['ما هي عاصمة أستراليا؟', 'سيدني.', 'هذا خطأ. العاصمة هي كانبرا.'],
    Russian: ['Какой город столица Австралии?', 'Сидней.', 'Нет, это неправильно. Столица — Канберра.'],
  }).map(
    ([language, [question, answer, objection]]): Conversation => ({
      name: `objects in ${language}`,
      turns: [{ says: question, answer: answer as string, gets: 'corrected' }, { says: objection }],
    }),
  ),
];

/** An agent comes back with what its tools gave, which is no verdict; what the person says goes to the last answer. */
const AGENTS: readonly Conversation[] = [
  {
    name: 'an agent calls a tool, and the person says thanks',
    turns: [
      { says: 'How warm is it in Lima?', answer: { calls: [call('call_a1', 'Lima')] }, gets: 'resumed' },
      { returns: ['19 degrees'], answer: 'It is 19 degrees in Lima.', gets: 'continued' },
      { says: 'Thanks!' },
    ],
  },
  {
    name: 'an agent calls tools three times, one of which fails, and the person objects',
    turns: [
      { says: 'Which is warmer, Lima or Quito?', answer: { calls: [call('call_b1', 'Lima')] }, gets: 'resumed' },
      { returns: ['19 degrees'], answer: { calls: [call('call_b2', 'Quitto')] }, gets: 'resumed' },
      { returns: [TRACEBACK], answer: { calls: [call('call_b3', 'Quito')] }, gets: 'resumed' },
      { returns: ['14 degrees'], answer: 'Quito is warmer.', gets: 'corrected' },
      { says: 'No, that is wrong: 19 is more than 14.' },
    ],
  },
  {
    name: 'an agent calls two tools at once, in a stream',
    turns: [
      {
        says: 'Compare Oslo and Bergen.',
        answer: { calls: [call('call_c1', 'Oslo'), call('call_c2', 'Bergen')] },
        stream: true,
        gets: 'resumed',
      },
      { returns: ['dry', 'wet'], answer: 'Bergen is wetter.', stream: true, gets: 'continued' },
      { says: 'And how far is it from one to the other?', stream: true },
    ],
  },
  {
    name: 'a person has the answer behind a tool loop made anew',
    turns: [
      { says: 'Is it raining in Cork?', answer: { calls: [call('call_d1', 'Cork')] }, gets: 'resumed' },
      { returns: ['rain'], answer: 'Perhaps.', gets: 'regenerated' },
      { again: true, answer: 'Yes, it is.' },
    ],
  },
  {
    name: 'a person asks the same again, and the agent starts over: the last answer was refused, not the call',
    turns: [
      { says: 'Is it windy in Kiel?', answer: { calls: [call('call_e1', 'Kiel')] }, gets: 'resumed' },
      { returns: ['wind'], answer: 'Who knows.', gets: 'regenerated' },
      { after: 0, again: true, answer: 'Yes.' },
    ],
  },
  {
    name: 'a person rewords the question after a tool loop: the last answer was refused, not the call',
    turns: [
      {
        says: 'Will it snow in Tromsø at the weekend?',
        answer: { calls: [call('call_f1', 'Tromsø')] },
        gets: 'resumed',
      },
      { returns: ['snow'], answer: 'It is cold there.', gets: 'rephrased' },
      { after: 0, rewords: 'Will it snow in Tromsø at the weekend or on Monday?' },
    ],
  },
  {
    name: 'an agent writes the arguments of its calls anew',
    client: (messages) =>
      messages.map((message) => ({
        ...message,
        ...(message.tool_calls && { tool_calls: message.tool_calls.map(rewritten) }),
      })),
    turns: [
      { says: 'How high is La Paz?', answer: { calls: [call('call_g1', 'La Paz')] }, gets: 'resumed' },
      { returns: ['3640'], answer: '3640 metres.', gets: 'continued' },
      { says: 'And how high is El Alto?' },
    ],
  },
];

function rewritten(one: ToolCall): ToolCall {
  const text = JSON.stringify(JSON.parse(one.function.arguments), null, 2);
  return { ...one, function: { name: one.function.name, arguments: text } };
}

const WITHIN_SYSTEM = 'You help the customers of a bicycle shop.';
const BICYCLE_QUESTIONS: readonly Turn[] = [
  { says: 'My chain squeaks. What do I do?', answer: 'Oil it.', gets: 'continued' },
  { says: 'Which oil is best in winter?', answer: 'A wet lubricant.', gets: 'continued' },
  { says: 'How often do I use it?', answer: 'Every 200 kilometres.', gets: 'continued' },
  { says: 'My brakes squeak, too.', answer: 'Clean the rims.', gets: 'regenerated' },
  { again: true, answer: 'Sand the pads.', gets: 'continued' },
  { says: 'With which paper?' },
];
const isSystem = ({ role }: Message): boolean => role === 'system';
const lastThree = (messages: readonly Message[]): Message[] => [
  ...messages.filter(isSystem),
  ...messages.filter((message) => !isSystem(message)).slice(-3),
];
const mapContent = (
  messages: readonly Message[],
  role: string,
  change: (content: unknown, index: number) => unknown,
): Message[] =>
  messages.map((message, i) => (message.role === role ? { ...message, content: change(message.content, i) } : message));

/** How clients send a history: with less of it, or with more, or written in another way. */
const CLIENTS: readonly Conversation[] = [
  {
    name: 'a client that keeps the system prompt and the last three messages',
    system: WITHIN_SYSTEM,
    client: lastThree,
    turns: BICYCLE_QUESTIONS,
  },
  {
    name: 'a client that keeps the last three messages and sums up the others in the system prompt',
    system: WITHIN_SYSTEM,
    client: (messages, turn) =>
      mapContent(lastThree(messages), 'system', (content) => `${content} So far ${turn} answers were given.`),
    turns: BICYCLE_QUESTIONS,
  },
  {
    name: 'a client whose system prompt tells the time',
    system: WITHIN_SYSTEM,
    client: (messages, turn) =>
      mapContent(messages, 'system', (content) => `It is 10:0${turn}:17 on Monday. ${content} Be kind.`),
    turns: BICYCLE_QUESTIONS,
  },
  {
    name: 'a client that trims answers',
    client: (messages) => mapContent(messages, 'assistant', (content) => String(content).trim()),
    turns: [
      { says: 'Draw me a tree.', answer: '\n  /\\\n /__\\\n  ||\n\n', gets: 'continued' },
      { says: 'Taller!', answer: '  /\\  \n', gets: 'regenerated' },
      { again: true, stream: true },
    ],
  },
  {
    name: 'a client that adds white space behind answers',
    client: (messages) => mapContent(messages, 'assistant', (content) => `${content} \n\n`),
    turns: [{ says: 'What rhymes with sea?', answer: 'Free.', gets: 'continued' }, { says: 'And with ocean?' }],
  },
  {
    name: 'a client that sends texts as parts from the second turn on',
    client: (messages, turn) =>
      turn === 0
        ? [...messages]
        : messages.map((message) => ({ ...message, content: [{ type: 'text', text: message.content }] })),
    turns: BICYCLE_QUESTIONS,
  },
  {
    name: 'a client that streams now and then',
    turns: BICYCLE_QUESTIONS.map((turn, i) => ({ ...turn, stream: i % 2 === 0 })),
  },
  {
    name: 'one person with two tabs, now in the one and now in the other',
    turns: [
      { says: 'What is a good first houseplant?', answer: 'A pothos.', gets: 'continued' },
      { after: null, says: 'Why does my code not compile?', answer: 'Show me.', gets: 'continued' },
      { after: 0, says: 'How much light does it need?', answer: 'Not much.', gets: 'regenerated' },
      { after: 1, says: 'int x = "1";', answer: 'A string is no int.', gets: 'continued' },
      { after: 2, again: true, answer: 'Some shade is fine.' },
      { after: 3, says: 'Thanks, it works.' },
    ],
  },
];

const RETRIED = { 'x-stainless-retry-count': '1' };

/** Two that are told apart by one thing alone. */
const OTHERS: Readonly<Record<string, { one: Person; another: Person }>> = {
  'another key': { one: {}, another: { key: 'key-app' } },
  'another user': { one: { user: 'kim' }, another: { user: 'lee' } },
  'another safety identifier': { one: { safety_identifier: 'ann' }, another: { safety_identifier: 'bob' } },
  'another session': { one: { session: 'first' }, another: { session: 'second' } },
};

/** What looks like a follow-up and says nothing of any answer. */
const NO_VERDICT: readonly Conversation[] = [
  {
    name: 'one person asks two different questions',
    turns: [{ says: 'How far is the moon?' }, { after: null, says: 'Which wood is best for a cutting board?' }],
  },
  {
    name: 'an SDK sends the same again of itself, though the answer was whole',
    turns: [{ says: SORT }, { again: true, headers: RETRIED }],
  },
  {
    name: 'an SDK sends the same again of itself, deep in a conversation',
    turns: [
      { says: 'Who was Ada Lovelace?', gets: 'continued' },
      { says: 'Whom did she work with?' },
      { again: true, headers: RETRIED },
    ],
  },
  {
    name: 'no arm answered, and the same is sent again',
    turns: [
      { says: 'Is anybody there?', answer: { fails: 500 } },
      { again: true, answer: 'Yes.' },
    ],
  },
  {
    name: 'the answer broke off, and the same is sent again',
    turns: [
      { says: 'Tell me about Rome.', answer: { drops: 'Rome was not bu' }, stream: true },
      { again: true, answer: 'Rome was not built in a day.', stream: true },
    ],
  },
  ...Object.entries(OTHERS).flatMap(([whom, other]): Conversation[] => [
    {
      name: `${whom} sends the same`,
      as: { user: 'sam', ...other.one },
      turns: [{ says: `Is this seen by ${whom}?` }, { again: true, as: { user: 'sam', ...other.another } }],
    },
    {
      name: `${whom} goes on, rewords and objects`,
      as: { user: 'eve', ...other.one },
      turns: [
        { says: `Who, if not ${whom}, hears a tree that falls in the forest?`, answer: 'Owls.' },
        { says: 'Thanks!', as: { user: 'eve', ...other.another } },
        {
          after: 0,
          rewords: `Who, if not ${whom}, hears a tree that falls in the forest at night?`,
          as: { user: 'eve', ...other.another },
        },
        { after: 0, says: 'No, that is wrong.', as: { user: 'eve', ...other.another } },
      ],
    },
  ]),
];

export const CONVERSATIONS: readonly Conversation[] = [
  ...GOING_ON,
  ...ASKING_AGAIN,
  ...REWORDING,
  ...CORRECTING,
  ...AGENTS,
  ...CLIENTS,
  ...NO_VERDICT,
];
