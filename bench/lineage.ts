/**
 * What it costs to recognise a conversation: its names, the sketch of its last question and what that says of the answer
 * before; and how many bytes are kept of it for each decision. Prints medians and 95th percentiles, with --json as JSON.
 */
import { createDigest } from '../src/crypto.ts';
import { type Asker, type Message, traceLineage } from '../src/routing/lineage.ts';
import { lastQuestion, verdictOn } from '../src/signals/next-message.ts';
import { sketchOf } from '../src/signals/sketch.ts';
import { type Measured, measured } from './measure.ts';
import { random } from './samples.ts';

const RUNS = 20_000;
/** Few, so that the processor's cache holds them, as it does what was just read out of a request's JSON. */
const CONVERSATIONS = 16;
const SKETCH_KEY = 0x5eed;

const digest = createDigest('secret');
const asker: Asker = { key: 'app', session: null, person: 'user-4711' };

/** Enough of them that no two texts are alike. */
const WORDS =
  'the a of to and in that is for with on as by at from model answer question river market seven because quickly under between never always please write explain function list error time'.split(
    ' ',
  );

const RUSSIAN =
  'и в не на что как это вопрос ответ река семь потому быстро под между всегда пожалуйста объясни время'.split(' ');

function text(characters: number, of = WORDS): string {
  let words = '';
  while (words.length < characters) words += `${of[Math.floor(random() * of.length)]} `;
  return words.slice(0, characters);
}

/** The system's words first, then questions and answers, the last one a question; as they come out of a request's JSON. */
function conversation(messages: number, characters: number, of = WORDS): Message[] {
  const each = Math.floor(characters / messages);
  const roles: string[] = Array.from({ length: messages - 1 }, (_, i) => (i % 2 === 0 ? 'user' : 'assistant'));
  if (messages % 2 === 0) roles.unshift('system');
  else roles.push('user');
  return JSON.parse(JSON.stringify(roles.map((role) => ({ role, content: text(each, of) }))));
}

function measureSize(what: string, messages: number, characters: number, runs: number, of = WORDS): Measured[] {
  const all = Array.from({ length: CONVERSATIONS }, () => conversation(messages, characters, of));
  const at = (i: number): Message[] => all[i % CONVERSATIONS]!;
  const traced = all.map((one) => traceLineage(one, asker, digest));
  const answer = { text: text(1000), toolCallIds: [] };
  return [
    measured(`${what}: names and sketch`, runs, (i) => {
      const conversation = at(i);
      return [traceLineage(conversation, asker, digest), sketchOf(lastQuestion(conversation), SKETCH_KEY)];
    }),
    measured(`${what}: names alone`, runs, (i) => traceLineage(at(i), asker, digest)),
    measured(`${what}: names, the older ones too`, runs, (i) => traceLineage(at(i), asker, digest).older),
    measured(`${what}: the answer's names`, runs, (i) => traced[i % CONVERSATIONS]!.withAnswer(answer)),
    measured(`${what}: what it says of the answer`, runs, (i) => verdictOn(at(i))),
  ];
}

/** As text, which is how stores keep names. */
function bytesKept(messages: number): number {
  const one = conversation(messages, messages * 1000);
  const lineage = traceLineage(one, { ...asker, session: 'session' }, digest);
  const names = [
    lineage.answered,
    lineage.before,
    lineage.session,
    ...lineage.withAnswer({ text: '', toolCallIds: [] }),
  ];
  return names.join('').length + sketchOf(lastQuestion(one), SKETCH_KEY).length;
}

const timings = [
  ...measureSize('20 messages, 20 kB', 20, 20_000, RUNS),
  // Two bytes a letter in UTF-8, so that it is 20 kB too.
  ...measureSize('20 messages, Russian', 20, 11_000, RUNS, RUSSIAN),
  ...measureSize('2 messages, 1 kB', 2, 1000, RUNS),
  ...measureSize('20 messages, 100 kB', 20, 100_000, RUNS / 5),
];
const kept = { first: bytesKept(2), later: bytesKept(20) };
if (process.argv.includes('--json')) console.log(JSON.stringify({ unit: 'microseconds', timings, bytesKept: kept }));
else {
  for (const { what, median, p95, bytes } of timings) {
    const times = `median ${median.toFixed(1).padStart(8)} µs   p95 ${p95.toFixed(1).padStart(8)} µs`;
    console.log(
      `${what.padEnd(50)} ${times}   ${Math.round(bytes ?? 0)
        .toString()
        .padStart(8)} bytes`,
    );
  }
  console.log(`kept of a decision: ${kept.first} bytes of the first of a conversation, ${kept.later} of a later one`);
}
