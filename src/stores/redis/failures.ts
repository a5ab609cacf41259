/** What ioredis rejects with, in the words and the kinds of the state port. */
import { StoreUnavailable, UncertainWrite } from '../ports.ts';
import { Refused } from './refused.ts';

/** In words of its own: ioredis hangs the command onto its errors, password and all. */
export function translated(error: Error): Error {
  if (error.name === 'ReplyError') return new Refused(wordsOf(error));
  if (error.message.startsWith("Stream isn't writeable")) return new StoreUnavailable('Redis cannot be reached');
  return new UncertainWrite(`Redis did not answer: ${wordsOf(error)}`);
}

export function wordsOf(error: Error): string {
  if (error.name === 'MaxRetriesPerRequestError') return 'the connection was lost';
  // Several addresses that were tried in turn: the reasons stand in the errors, and the message is empty.
  const { errors } = error as AggregateError;
  return error.message || (Array.isArray(errors) ? errors.map((one: Error) => one.message).join('; ') : error.name);
}

/** The node of a cluster that has the keys, as "HOST:PORT", without a host where it is the one that said so; else null. */
export const movedTo = (error: Error): string | null => /^MOVED \d+ (\S*:\d+)/.exec(error.message)?.[1] ?? null;
