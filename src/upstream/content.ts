/** What a body is, as its headers tell. */
import type { ResponseHeaders } from './port.ts';

export const isJson = (contentType: string | undefined): boolean =>
  /^application\/([\w.-]+\+)?json\b/i.test(contentType ?? '');

export const isEventStream = (headers: ResponseHeaders): boolean =>
  /^text\/event-stream\b/i.test(headers['content-type'] ?? '');

/** Whether its bytes are packed, so that nothing can be read of them as they are. */
export const isEncoded = (headers: ResponseHeaders): boolean =>
  !/^identity$/i.test(headers['content-encoding'] ?? 'identity');
