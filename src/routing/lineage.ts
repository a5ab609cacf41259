/**
 * Names conversations by what was said in them: a running keyed hash over the messages gives each prefix a name, so that
 * a later request finds the decision that answered before, without a session id and in any language.
 */
import { type AnswerMessage, MAX_ANSWER_CHARACTERS } from '../upstream/observe.ts';

/** A keyed hash of a text; the key is the server's secret, so that names kept elsewhere tell nothing. */
export type Digest = (text: string) => string;

export interface Message {
  role: string;
  content?: unknown;
  tool_calls?: unknown;
  tool_call_id?: unknown;
}

export interface Lineage {
  /** Names under which an earlier decision of this conversation may be known, the latest first. */
  earlier: readonly string[];
  /** The name of exactly these messages: a repeat of them finds the decision that answered them. */
  answered: string;
  /** The name of this conversation once the answer belongs to it. */
  withAnswer(answer: AnswerMessage): string;
  session: string | null;
}

/** How many earlier answers of a conversation are looked for: a client may have dropped or edited the last ones. */
const ANSWERS_LOOKED_FOR = 4;

/**
 * `scope` keeps people apart: the key's name and, where sent, the session or the person. The same words in another scope
 * have other names.
 */
export function traceLineage(
  messages: readonly Message[],
  scope: string,
  session: string | null,
  digest: Digest,
): Lineage {
  const goesOn = (asked: string, words: string): string => digest(asked + asSaid('assistant', words));
  // What was asked since the last answer is hashed at once, since a hash costs more than the words of most messages; and
  // once only, since a prompt may be megabytes.
  let said = `scope\n${scope}`;
  const afterAnswers: string[] = [];
  for (const message of messages) {
    if (message.role === 'assistant') {
      said = goesOn(digest(said), wordsOf(message));
      afterAnswers.push(`talk:${said}`);
    } else said += asSaid(message.role, wordsOf(message));
  }
  const asked = digest(said);
  return {
    earlier: afterAnswers.reverse().slice(0, ANSWERS_LOOKED_FOR),
    answered: `asked:${asked}`,
    withAnswer: ({ text, toolCallIds }) => `talk:${goesOn(asked, answerWords(text, toolCallIds))}`,
    session: session === null ? null : `session:${digest(`session\n${scope}\n${session}`)}`,
  };
}

/** With its length in front, so that no words can pass for those of several messages. */
const asSaid = (role: string, words: string): string => `\n${role.length}:${role}${words.length}:${words}`;

function wordsOf({ role, content, tool_calls, tool_call_id }: Message): string {
  const text = textOf(content);
  if (role === 'assistant') {
    const calls = Array.isArray(tool_calls) ? tool_calls : [];
    return answerWords(
      text,
      calls.map((call: { id?: unknown } | null) => (typeof call?.id === 'string' ? call.id : '')),
    );
  }
  return typeof tool_call_id === 'string' ? `${tool_call_id}\n${text}` : text;
}

/** Tool calls count by their ids alone: clients write the arguments anew, an id they keep. */
function answerWords(text: string, toolCallIds: readonly string[]): string {
  return `${text.slice(0, MAX_ANSWER_CHARACTERS).trim()}\n${toolCallIds.join('\n')}`;
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: { type?: unknown; text?: unknown } | null) =>
      typeof part?.text === 'string' ? part.text : jsonOf(part),
    )
    .join('');
}

/** What is nested deeper than JSON can be written has no name of its own. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return 'too deep';
  }
}
