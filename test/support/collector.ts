/** A small OTLP collector over HTTP, that takes JSON and keeps the spans, or fails as it is told. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CollectedSpan, spansIn } from './collector-body.ts';

export interface Collector {
  /** For `telemetry.otlp.endpoint`. */
  url: string;
  spans: CollectedSpan[];
  /** Of each request that came. */
  headers: Record<string, string | string[] | undefined>[];
  paths: (string | undefined)[];
  /** What it answers from now on. */
  status: number;
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      collector.headers.push(request.headers);
      collector.paths.push(request.url);
      if (collector.status === 200) collector.spans.push(...spansIn(JSON.parse(Buffer.concat(pieces).toString())));
      response.writeHead(collector.status, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const collector: Collector = {
    url: `http://127.0.0.1:${port}`,
    spans: [],
    headers: [],
    paths: [],
    status: 200,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return collector;
}
