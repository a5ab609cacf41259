/** What it costs to read from an answer how it went. Prints medians and 95th percentiles, with --json as JSON. */
import { type AnswerToJudge, type Asked, shownSigns } from '../src/signals/answer.ts';
import { createStreamObserver, type Observed, UNSEEN } from '../src/upstream/observe.ts';
import { type Measured, measured } from './measure.ts';
import { random } from './samples.ts';

const WORDS = 'the of a model answer is whole and each line says what it came to where some other was expected'.split(
  ' ',
);

function prose(characters: number): string {
  let text = '';
  while (text.length < characters) text += `${WORDS[Math.floor(random() * WORDS.length)]} `;
  return text.slice(0, characters);
}

const answer = (text: string, more: Partial<Observed> = {}): AnswerToJudge => ({
  ...UNSEEN,
  finishReason: 'stop',
  message: { text, toolCallIds: [] },
  outcome: 'completed',
  totalMs: 4000,
  outputTokens: Math.ceil(text.length / 4),
  expected: { outputTokens: 900, firstByteMs: 400, totalMs: 5000 },
  ...more,
});

const plain: Asked = { responseFormat: undefined, tools: undefined, outputCap: null };
const person = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    age: { type: 'integer', minimum: 0 },
    born: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}$' },
    tags: { type: 'array', items: { enum: ['new', 'regular', 'gone'] } },
    notes: { anyOf: [{ type: 'string' }, { type: 'null' }] },
  },
  required: ['name', 'age', 'born', 'tags', 'notes'],
  additionalProperties: false,
};
const people = { type: 'object', properties: { people: { type: 'array', items: person } }, required: ['people'] };
const bySchema: Asked = {
  ...plain,
  responseFormat: { type: 'json_schema', json_schema: { name: 'people', schema: people } },
};
const withTools: Asked = { ...plain, tools: [{ type: 'function', function: { name: 'note', parameters: person } }] };
const onePerson = () => ({
  name: prose(20),
  age: Math.floor(random() * 90),
  born: '1990-03-04',
  tags: ['new', 'regular'],
  notes: prose(30),
});
const calls = [{ id: 'call_1', name: 'note', arguments: JSON.stringify(onePerson()) }];

/** Several of each, so that nothing is judged by one text that happens to be quick. */
const several = <Item>(make: () => Item): Item[] => Array.from({ length: 16 }, make);
const texts = several(() => answer(prose(4000)));
const short = several(() => answer(prose(200)));
const loops = several(() => answer(prose(500) + prose(60).repeat(60)));
const lists = several(() => answer(JSON.stringify({ people: Array.from({ length: 30 }, onePerson) })));
const calling = answer('', { toolCalls: calls, finishReason: 'tool_calls' });

const event = (content: string): Uint8Array =>
  new TextEncoder().encode(
    `data: ${JSON.stringify({ id: 'chatcmpl-1', choices: [{ index: 0, delta: { content } }] })}\n\n`,
  );
const chunks = Array.from({ length: 1000 }, () => event(prose(4)));

const judging = (what: string, answers: readonly AnswerToJudge[], asked: Asked): Measured =>
  measured(what, 5000, (i) => shownSigns(answers[i % answers.length] as AnswerToJudge, asked));

const results = [
  judging('a plain answer of 4 kB', texts, plain),
  judging('a plain answer of 200 characters', short, plain),
  judging('a loop of 4 kB', loops, plain),
  judging('JSON of 4 kB by its schema', lists, bySchema),
  judging('a tool call by its schema', [calling], withTools),
  measured(
    'observing a stream of 1,000 chunks',
    300,
    () => {
      const observer = createStreamObserver();
      for (const chunk of chunks) observer.push(chunk);
      return observer.observed();
    },
    1,
  ),
];
if (process.argv.includes('--json')) console.log(JSON.stringify({ unit: 'microseconds', timings: results }));
else {
  for (const { what, median, p95, bytes } of results) {
    const times = `median ${median.toFixed(1).padStart(8)} µs   p95 ${p95.toFixed(1).padStart(8)} µs`;
    const memory = bytes === null ? '' : `   ${Math.round(bytes).toString().padStart(8)} bytes`;
    console.log(`${what.padEnd(36)} ${times}${memory}`);
  }
}
