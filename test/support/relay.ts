/** A connection in between: it can be slow, and it can be cut. */
import { createServer, connect as openSocket, type Socket } from 'node:net';

export interface Relay {
  port: number;
  /** What each side's bytes wait before they go on, in milliseconds. */
  delay(ms: number): void;
  /** Ends all connections, and takes no more until it is mended. */
  cut(): void;
  mend(): void;
  close(): void;
}

export async function startRelay(to: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let delayMs = 0;
  let isCut = false;
  const pipe = (from: Socket, into: Socket): void => {
    sockets.add(from);
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      into.destroy();
    });
    from.on('data', (bytes) => {
      if (delayMs === 0) into.write(bytes);
      else setTimeout(() => into.write(bytes), delayMs);
    });
  };
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = openSocket(to, '127.0.0.1');
    pipe(client, upstream);
    pipe(upstream, client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    delay: (ms) => {
      delayMs = ms;
    },
    cut,
    mend: () => {
      isCut = false;
    },
    close() {
      cut();
      server.close();
    },
  };
}
