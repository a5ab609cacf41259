/** What the load says: hundreds of conversations of one to four turns, made ready as bytes before the clock runs. */

export interface Address {
  host: string;
  port: number;
  path: string;
  model: string;
  headers: Record<string, string>;
}

/** The pieces of the mock's answer, one a chunk of a stream. */
export const PIECES: readonly string[] =
  'Well, |the two |largest |numbers |of a |list can |be found |in one |pass: |keep the |best two |seen so |far, and |compare |each new |number |with the |smaller |of the |pair.'.split(
    '|',
  );
const ANSWER = PIECES.join('');

const OPENINGS = [
  'Write a function that takes a list of integers and returns the two largest of them.',
  'She bought 3 boxes for $4.50 each and gave half of them to her brother; how much is left?',
  'Explain step by step why the sky looks red in the evening, and compare it with noon.',
  'Which of these is right?\nA. the first\nB. the second\nC. neither',
  'Bitte fasse den folgenden Text in zwei Sätzen zusammen und nenne die Quelle.',
  'def solve(x: int) -> int:\n    return x * 2 + 1  # TODO: check {edge} cases',
  'Let $f(x) = x^2 + 3x - 4$. What is the sum of its roots?',
  'The passage says that the harvest failed in 1846, and that many people left the country.',
];
const FOLLOW_UPS = ['And what if the list is empty?', 'Say it in one sentence.', 'Now with an example, please.'];

const CONVERSATIONS = 240;
/** Written over with a number of eight digits, so that no two conversations are the same. */
const PLACEHOLDER = '00000000';
export const NUMBER = /conversation (\d{8})/;

interface Template {
  bytes: Buffer;
  numberAt: number;
}

export interface Request {
  bytes: Buffer;
  number: string;
}

/** The turns of every conversation as whole HTTP requests to one target. */
function templates(address: Address, stream: boolean): Template[][] {
  return Array.from({ length: CONVERSATIONS }, (_, index) =>
    Array.from({ length: 1 + (index % 4) }, (_, turn) => template(address, stream, index, turn)),
  );
}

function template(address: Address, stream: boolean, index: number, turn: number): Template {
  const bytes = Buffer.from(requestText(address, JSON.stringify(body(address.model, stream, index, turn))));
  return { bytes, numberAt: bytes.indexOf(`conversation ${PLACEHOLDER}`) + 'conversation '.length };
}

function body(model: string, stream: boolean, index: number, turn: number) {
  const opening = Array.from({ length: 1 + (index % 5) }, (_, i) => OPENINGS[(index * 3 + i) % OPENINGS.length]);
  const messages = [{ role: 'user', content: `${opening.join(' ')} (conversation ${PLACEHOLDER})` }];
  for (let i = 0; i < turn; i++) {
    messages.push({ role: 'assistant', content: ANSWER });
    messages.push({ role: 'user', content: FOLLOW_UPS[(index + i) % FOLLOW_UPS.length]! });
  }
  return { model, ...(stream && { stream }), temperature: 0.7, messages };
}

function requestText({ host, port, path, headers }: Address, text: string): string {
  const lines = Object.entries({
    host: `${host}:${port}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  return `POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${text}`;
}

let conversationsBegun = 0;

/** Gives talkers: each goes through one conversation after the other, turn by turn, as one person would. */
export function createTalkers(address: Address, stream: boolean): () => () => Request {
  const conversations = templates(address, stream);
  return () => {
    let number = '';
    let turns: Template[] = [];
    let turn = 0;
    return () => {
      if (turn === turns.length) {
        conversationsBegun += 1;
        number = String(conversationsBegun).padStart(PLACEHOLDER.length, '0');
        turns = conversations[conversationsBegun % CONVERSATIONS]!;
        turn = 0;
      }
      const { bytes, numberAt } = turns[turn]!;
      turn += 1;
      const copy = Buffer.allocUnsafe(bytes.length);
      bytes.copy(copy);
      copy.write(number, numberAt, 'latin1');
      return { bytes: copy, number };
    };
  };
}
