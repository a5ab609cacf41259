/** Servers that answer as they are told, in the place of providers and of model servers near by. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Answering {
  url: string;
  asked: { path: string; authorization?: string }[];
}

/**
 * Answers by path; a path with the name of a model behind it is for a POST that asks of that model. A text goes out as it
 * is, `slow` never; any other path is answered with 404.
 */
export async function answering(
  routes: Readonly<Record<string, unknown>>,
  status = 200,
  headers: Record<string, string> = {},
): Promise<Answering> {
  const asked: Answering['asked'] = [];
  const server = createServer(async (request, response) => {
    const { authorization } = request.headers;
    let body = '';
    for await (const part of request) body += part;
    const model = body === '' ? '' : ` ${(JSON.parse(body) as { model: string }).model}`;
    const path = `${request.url}${model}`;
    asked.push({ path, ...(authorization !== undefined && { authorization }) });
    const answer = routes[path];
    if (answer === 'slow') return;
    response.writeHead(status !== 200 ? status : answer === undefined ? 404 : 200, headers);
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** The variable by which a process asks these addresses where it means those: providers have fixed ones. */
export function instead(origins: Readonly<Record<string, string>>): { NODE_OPTIONS: string } {
  const code = `
    const origins = ${JSON.stringify(Object.entries(origins))};
    const real = globalThis.fetch;
    globalThis.fetch = (url, init) => {
      const [from, to] = origins.find(([from]) => url.startsWith(from)) ?? ['', ''];
      return real(to + url.slice(from.length), init);
    };`;
  return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(code)}` };
}
