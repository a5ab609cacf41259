/** What the clients of the edge's bench send: small questions, and conversations of 100 kB in several languages and in code. */
import { createDice } from '../dice.ts';
import { PIECES } from '../proxy/conversations.ts';

export type Kind = 'small, whole' | 'small, streamed' | '100 kB, new' | '100 kB, going on';
export const KINDS: readonly Kind[] = ['small, whole', 'small, streamed', '100 kB, new', '100 kB, going on'];

export interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** The next body of one person, as JSON. */
export type Person = () => string;

const SMALL = 1_000;
const LARGE = 100_000;
/** Of a large conversation when it begins, and how often it goes on. */
const MESSAGES = 25;
const TURNS = 10;
const ANSWER = PIECES.join('');

const PARAGRAPHS = [
  'The harbour was rebuilt after the storm, and the council decided that the new wall should be two metres higher than the old one. Nobody asked who would pay for it until the first invoices came in March.',
  'Please go through the report below and tell me which of the three suppliers kept to the agreed dates, how large the penalties are, and whether we should renew the contract for another year.',
  'Die Kommission hat den Entwurf gelesen und einige Änderungen vorgeschlagen, über die wir am Donnerstag sprechen müssen. Könntest du die wichtigsten Punkte für alle zusammenfassen?',
  "Le train de nuit s'est arrêté à la frontière pendant deux heures, et personne n'a expliqué pourquoi. Peux-tu m'écrire une lettre de réclamation polie mais ferme à la compagnie ?",
  'La receta de mi abuela lleva tomates maduros, un diente de ajo y mucho aceite; lo que no recuerdo es cuánto tiempo tiene que reposar la masa antes de meterla en el horno.',
  'Вчера вечером мы долго обсуждали, почему запросы стали медленнее: база данных отвечает быстро, а сервер всё равно ждёт. Объясни, пожалуйста, где искать причину.',
  'この関数は入力の順序に依存しているため、並列に実行すると結果が変わることがあります。どのように修正すればよいか、例を挙げて説明してください。',
  '请把下面这段话翻译成英文，保持原来的语气，并且说明为什么你选择了这些词语，而不是更常见的说法。',
  'كتبت هذا التقرير قبل أسبوع وأريد أن أعرف هل الأرقام في الجدول الثاني صحيحة، وما الذي يجب تغييره قبل إرساله إلى العميل.',
  'Let $f(x) = \\int_0^x e^{-t^2} dt$. Show that $f$ is bounded, find its limit for large $x$, and say what changes if the exponent is $-|t|$ instead.',
  '```ts\nexport async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array> {\n  const chunks: Uint8Array[] = [];\n  for (;;) {\n    const { done, value } = await reader.read();\n    if (done) return concat(chunks);\n    chunks.push(value);\n  }\n}\n```',
  '```python\ndef largest_two(numbers: list[int]) -> tuple[int, int]:\n    """Raises ValueError for fewer than two."""\n    if len(numbers) < 2:\n        raise ValueError("two are needed")\n    first, second = sorted(numbers, reverse=True)[:2]\n    return first, second\n```',
  'Traceback (most recent call last):\n  File "/app/main.py", line 41, in handle\n    total += row["amount"] * rates[row["currency"]]\nKeyError: \'CHF\'\n\nIt happens only for some of the rows. What is the least change that fixes it?',
  '| month | visitors | orders | returned |\n|---|---|---|---|\n| May | 18,204 | 611 | 23 |\n| June | 21,960 | 702 | 41 |\n| July | 19,377 | 655 | 38 |\n\nIs the rise in returns more than chance?',
];

const { random } = createDice(1);
const bytes = (text: string): number => Buffer.byteLength(text);

let texts = 0;

/** So many bytes, a paragraph more or less; no two are alike. */
function text(size: number): string {
  const parts = [`No. ${++texts}.`];
  for (let length = 0; length < size; length += bytes(parts.at(-1) as string) + 2) {
    parts.push(PARAGRAPHS[Math.floor(random() * PARAGRAPHS.length)] as string);
  }
  return parts.join('\n\n');
}

/** The system's words, then questions and answers, the last one a question. */
function conversation(): Message[] {
  const each = LARGE / MESSAGES;
  const talk = Array.from(
    { length: MESSAGES - 2 },
    (_, i): Message => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content: text(each),
    }),
  );
  return [{ role: 'system', content: 'You are a careful assistant. Answer in the language of the question.' }, ...talk];
}

/** Somebody who asks one thing after the other of the same kind. */
export function createPerson(kind: Kind, model: string): Person {
  const body = (stream: boolean, messages: readonly Message[]): string => JSON.stringify({ model, stream, messages });
  if (kind === 'small, whole') return () => body(false, [{ role: 'user', content: text(SMALL) }]);
  if (kind === 'small, streamed') return () => body(true, [{ role: 'user', content: text(SMALL) }]);
  if (kind === '100 kB, new') return () => body(true, conversation());
  let messages: Message[] = [];
  let turn = TURNS;
  return () => {
    if (turn++ === TURNS) {
      turn = 1;
      messages = conversation();
    } else {
      messages.push({ role: 'assistant', content: ANSWER }, { role: 'user', content: text(200) });
    }
    return body(true, messages);
  };
}
