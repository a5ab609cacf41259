/** What tests inside workerd, which can start nothing, tell what was started for them: commands by name, over HTTP. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ControlServer {
  /** A command is a POST to its name; its answer is what the command gives, as JSON. */
  url: string;
  close(): void;
}

export async function startControlServer(
  commands: Readonly<Record<string, (body: string) => unknown>>,
): Promise<ControlServer> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    try {
      const value = await commands[(request.url ?? '').slice(1)]?.(body);
      response.end(JSON.stringify(value ?? null));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
