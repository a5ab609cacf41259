/** Asks at a terminal that can draw over what it shows: lists to go through with the arrow keys. */
import { isCancel, multiselect, select, text, updateSettings } from '@clack/prompts';
import { type Asking, type Choice, Left } from './asking.ts';

/** What is said meanwhile goes to stderr, so that stdout holds the result alone. */
const AT = { input: process.stdin, output: process.stderr };
const CTRL_D = '\u0004';

export function askingDrawn(): Asking {
  // Else the question would stay open for ever, with nobody there to answer.
  updateSettings({ aliases: { [CTRL_D]: 'cancel' } });
  return {
    one: <Value extends string>(message: string, choices: readonly Choice<Value>[], preset: Value) =>
      answered<Value>(select<string>({ ...AT, message, options: [...choices], initialValue: preset })),
    several: <Value extends string>(message: string, choices: readonly Choice<Value>[]) =>
      answered<Value[]>(
        multiselect<string>({
          ...AT,
          message,
          options: choices,
          initialValues: choices.map(({ value }) => value),
          required: true,
          maxItems: 12,
        }),
      ),
    line: (message, problem) =>
      answered<string>(
        text({ ...AT, message, placeholder: 'none', defaultValue: 'none', validate: (value) => problem(value ?? '') }),
      ),
  };
}

async function answered<Answer>(question: Promise<unknown>): Promise<Answer> {
  const answer = await question;
  if (isCancel(answer)) throw new Left();
  return answer as Answer;
}
