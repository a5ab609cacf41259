/** What a Supabase project answers with under /rest/v1, as far as Conduit asks it, and ways in which it can fail. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Database, Queries } from './postgrest-database.ts';
import { type Faults, NO_FAULTS } from './postgrest-faults.ts';

export const SERVICE_ROLE_KEY = 'service-role-key-of-a-test';
export const ANON_KEY = 'anon-key-of-a-test';

const ROLE_OF_KEY: Readonly<Record<string, string>> = { [SERVICE_ROLE_KEY]: 'service_role', [ANON_KEY]: 'anon' };

export interface PostgrestServer {
  url: string;
  faults: Faults;
  /** Functions that were called, in their order. */
  calls: string[];
  /** Nobody listens any more, until `listen`. */
  refuse(): Promise<void>;
  listen(): Promise<void>;
  close(): Promise<void>;
}

interface Answer {
  /** The function. */
  of?: string;
  status: number;
  body: string;
}

export async function startPostgrestServer(database: Database): Promise<PostgrestServer> {
  const faults = { ...NO_FAULTS };
  const calls: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    void answer(request).then((given) => send(response, given));
  }).on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  let port = 0;

  async function answer(request: IncomingMessage): Promise<Answer | null> {
    const body = await textOf(request);
    if (faults.frozen) return null;
    if (faults.slowMs > 0) await new Promise((resolve) => setTimeout(resolve, faults.slowMs));
    if (faults.status !== null) return { status: faults.status, body: '<html>not now</html>' };
    const key = request.headers.apikey;
    const role = ROLE_OF_KEY[String(key)];
    if (!role || request.headers.authorization !== `Bearer ${key}`) return failure(401, 'PGRST301', 'No suitable key');
    const url = new URL(request.url ?? '', 'http://localhost');
    try {
      return await database.inTransaction(async (queries) => {
        await queries.query(`set local role ${role}`);
        if (faults.readOnly) await queries.query('set local transaction_read_only = on');
        if (faults.diskFull) return failure(503, '53100', 'could not extend file: No space left on device');
        const [, name = ''] = /^\/rest\/v1\/(?:rpc\/)?(\w+)$/.exec(url.pathname) ?? [];
        if (request.method === 'POST') {
          calls.push(name);
          return { ...(await callFunction(queries, name, body)), of: name };
        }
        return await readRows(queries, name, url.searchParams);
      });
    } catch (error) {
      return failureOf(error as PostgresError, role);
    }
  }

  function send(response: ServerResponse, given: Answer | null): void {
    if (given === null) return;
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(given.body) };
    response.writeHead(given.status, headers);
    if (faults.cutOff === 0 || (faults.cutOffOf !== null && faults.cutOffOf !== given.of)) {
      response.end(given.body);
      return;
    }
    faults.cutOff--;
    response.write(given.body.slice(0, given.body.length / 2), () => response.destroy());
  }

  const listen = (): Promise<void> =>
    new Promise((resolve) => {
      server.listen(port, '127.0.0.1', () => {
        ({ port } = server.address() as AddressInfo);
        resolve();
      });
    });
  const refuse = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  await listen();
  return { url: `http://127.0.0.1:${port}`, faults, calls, refuse, listen, close: refuse };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Each argument by its name, from the JSON as it came. */
async function callFunction(queries: Queries, name: string, body: string): Promise<Answer> {
  let given: string[];
  try {
    given = Object.keys(JSON.parse(body || '{}') as object).sort();
  } catch {
    return failure(400, 'PGRST102', 'Empty or invalid json');
  }
  const known = await queries.query(
    `select coalesce(proargnames, '{}') as names,
       array(select format_type(t, null) from unnest(proargtypes) with ordinality as u(t, n) order by n) as types
     from pg_proc where pronamespace = 'public'::regnamespace and proname = $1`,
    [name],
  );
  const found = known.find(({ names }) => [...(names as string[])].sort().join() === given.join());
  if (!found) {
    const message = `Could not find the function public.${name}(${given.join(', ')}) in the schema cache`;
    return failure(404, 'PGRST202', message);
  }
  const [names, types] = [found.names as string[], found.types as string[]];
  const columns = names.map((one, at) => `"${one}" ${types[at]}`).join(', ');
  const passed = names.map((one) => `"${one}" := given."${one}"`).join(', ');
  const from = names.length === 0 ? '' : `from json_to_record($1::json) as given(${columns})`;
  const rows = await queries.query(
    `select to_json(public."${name}"(${passed})) as result ${from}`,
    names.length === 0 ? [] : [body],
  );
  return { status: 200, body: (rows[0]?.result as string | null | undefined) ?? 'null' };
}

const OPERATORS: Readonly<Record<string, string>> = { eq: '=', gt: '>' };
/** What a project gives at once, whatever is asked for. */
const MOST_ROWS = 1_000;

/** `select`, `order`, `limit`, `column=eq.value` and `column=gt.value`. */
async function readRows(queries: Queries, table: string, asked: URLSearchParams): Promise<Answer> {
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const list = (text: string): string => (text === '*' ? '*' : text.split(',').map(quoted).join(', '));
  const wheres = [...asked].filter(([, value]) => /^(eq|gt)\./.test(value));
  const conditions = wheres.map(([column, value], at) => {
    const operator = OPERATORS[value.slice(0, 2)];
    return `${quoted(column)}::text ${operator} $${at + 1}`;
  });
  const values = wheres.map(([, value]) => value.slice(3));
  const [order, direction] = (asked.get('order') ?? '').split('.');
  const inner = [
    `select ${list(asked.get('select') ?? '*')} from public.${quoted(table)}`,
    conditions.length > 0 ? `where ${conditions.join(' and ')}` : '',
    order ? `order by ${quoted(order)} ${direction === 'desc' ? 'desc' : 'asc'}` : '',
    `limit ${Math.min(MOST_ROWS, Number(asked.get('limit') ?? MOST_ROWS))}`,
  ].join(' ');
  const rows = await queries.query(`select coalesce(json_agg(found), '[]') as result from (${inner}) found`, values);
  return { status: 200, body: rows[0]?.result as string };
}

interface PostgresError extends Error {
  code?: string;
  detail?: string;
  hint?: string;
}

const failure = (status: number, code: string, message: string, details?: string, hint?: string): Answer => ({
  status,
  body: JSON.stringify({ code, message, details: details ?? null, hint: hint ?? null }),
});

/** As PostgREST turns them into statuses. */
function failureOf({ code = 'XX000', message, detail, hint }: PostgresError, role: string): Answer {
  const statuses: readonly [RegExp, number][] = [
    [/^23503$|^23505$/, 409],
    [/^25006$/, 405],
    [/^42501$/, role === 'anon' ? 401 : 403],
    [/^42883$|^42P01$/, 404],
    [/^53400$/, 500],
    [/^(08|53)/, 503],
    [/^(0L|0P|28)/, 403],
    [/^(09|25|2D|38|39|3B|40|54|55|57|58|F0|HV|XX)/, 500],
  ];
  const [, status] = statuses.find(([pattern]) => pattern.test(code)) ?? [null, 400];
  return failure(status, code, message, detail, hint);
}
