/** What Supabase's answers mean: what an operator can do, and never a key or what is in a row. */
import { RejectedBatch, StoreUnavailable } from '../ports.ts';

export interface FailedAnswer {
  /** 0 where there was none. */
  status: number;
  /** PostgreSQL's five characters, or PostgREST's own; empty where something before them has answered. */
  code?: string;
  message: string;
  details?: string | null;
}

/** By code. */
const REMEDIES: readonly [RegExp, string][] = [
  [/^(PGRST202|PGRST205|42883|42P01|42703)$/, 'its tables or functions are missing: apply supabase/migrations'],
  [/^(PGRST30\d|28...)$/, 'it does not accept the key: look at stores.supabase.service_role_key'],
  [/^42501$/, 'the key may not do this: stores.supabase.service_role_key must be the secret or service_role key'],
  [/^53100$/, 'its disk is full: make room, or keep decisions for less long (stores.retention)'],
  [
    /^25006$/,
    'it is read-only, as when its space is used up: make room, or keep decisions for less long (stores.retention)',
  ],
  [/^(57014|55P03)$/, 'it took too long'],
];

/** By status, where no code tells more. */
const TROUBLES: Readonly<Record<number, string>> = {
  401: 'it does not accept the key: look at stores.supabase.service_role_key',
  402: 'the project has used up what its plan allows: look at its dashboard',
  403: 'the key may not do this: stores.supabase.service_role_key must be the secret or service_role key',
  404: 'there is no such project, or it has no API: look at stores.supabase.url',
  429: 'it is asked too often',
  540: 'the project is paused: restore it in its dashboard',
};

const CAUSE = /^Caused by: (.*)$/m;
/** Long enough for a sentence, and too short for a page of a gateway's. */
const MAX_MESSAGE = 200;

export function errorOf(answer: FailedAnswer, key: string): Error {
  const { status, code = '', message } = answer;
  if (status === 0) return new StoreUnavailable(`Supabase cannot be reached: ${reasonOf(answer, key)}`);
  const isRefused = status === 401 || status === 403;
  // 413 is the whole that is too big, and each half may do.
  if (!isRefused && (/^(21|22|23)/.test(code) || code === 'PGRST102' || status === 413)) {
    // What constraint it breaks tells nothing of a row; what a text was that is no number does.
    const words = code.startsWith('23') ? `${code}: ${message}` : code || `status ${status}`;
    return new RejectedBatch(`Supabase will not take this: ${words}`);
  }
  const remedy = REMEDIES.find(([pattern]) => pattern.test(code))?.[1] ?? TROUBLES[status];
  const said = code === '' ? `status ${status}` : `${code}: ${message.slice(0, MAX_MESSAGE)}`;
  return new StoreUnavailable(`Supabase fails: ${remedy ? `${remedy} (${said})` : said}`.replaceAll(key, '…'));
}

function reasonOf({ message, details }: FailedAnswer, key: string): string {
  const cause = CAUSE.exec(details ?? '')?.[1];
  if (cause !== undefined) return cause.replaceAll(key, '…');
  // Such an error quotes the header that it will not send.
  if (/header/i.test(message)) return 'stores.supabase.service_role_key has characters that no key has';
  return message.slice(0, MAX_MESSAGE).replaceAll(key, '…');
}
