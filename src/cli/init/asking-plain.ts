/** Asks in plain lines, for a terminal that cannot draw and for a screen reader: choices by their numbers. */
import { createInterface } from 'node:readline/promises';
import { type Asking, type Choice, Left } from './asking.ts';

export const askingPlain: Asking = {
  async one(message, choices, preset) {
    sayChoices(message, choices);
    const usual = choices.findIndex(({ value }) => value === preset) + 1;
    const allowed = `allowed is a number from 1 to ${choices.length}`;
    const picked = await until(`Number [${usual}]: `, (text) => {
      const [choice, ...more] = text === '' ? [choices[usual - 1]] : chosen(text, choices);
      return choice && more.length === 0 ? { value: choice.value } : { problem: allowed };
    });
    return picked;
  },
  async several(message, choices) {
    sayChoices(message, choices);
    const allowed = `allowed are numbers from 1 to ${choices.length}, as in 1, 3`;
    return until('Numbers [all]: ', (text) => {
      const picked = text === '' ? [...choices] : chosen(text, choices);
      return picked.length > 0 ? { value: picked.map(({ value }) => value) } : { problem: allowed };
    });
  },
  line: (message, problem) =>
    until(`${message} [none]: `, (text) => {
      const why = problem(text);
      return why === undefined ? { value: text === '' ? 'none' : text } : { problem: why };
    }),
};

function sayChoices(message: string, choices: readonly Choice<string>[]): void {
  const lines = choices.map(({ label, hint }, index) => `  ${index + 1}. ${label}${hint ? ` (${hint})` : ''}`);
  process.stderr.write([message, ...lines, ''].join('\n'));
}

/** None where one of the numbers is no choice. */
function chosen<Value>(text: string, choices: readonly Choice<Value>[]): Choice<Value>[] {
  const picked = text.split(/[\s,]+/).map((number) => (/^\d+$/.test(number) ? choices[Number(number) - 1] : undefined));
  return picked.every((choice) => choice !== undefined) ? [...new Set(picked)] : [];
}

/** Asks again for as long as the line is none that is allowed. */
async function until<Value>(
  question: string,
  read: (text: string) => { value: Value } | { problem: string },
): Promise<Value> {
  for (;;) {
    const answer = read((await line(question)).trim());
    if ('value' in answer) return answer.value;
    process.stderr.write(`${answer.problem}\n`);
  }
}

/** An interface of its own for each line: one that is left open would hold what is typed meanwhile. */
async function line(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const left = new AbortController();
  // Ctrl-C and Ctrl-D
  terminal.once('SIGINT', () => left.abort()).once('close', () => left.abort());
  try {
    return await terminal.question(question, { signal: left.signal });
  } catch {
    process.stderr.write('\n');
    throw new Left();
  } finally {
    terminal.close();
  }
}
