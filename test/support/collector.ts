/** A small OTLP collector over HTTP, that takes JSON and keeps the spans, or fails as it is told. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CollectedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  /** As OTLP numbers them: 2 is a server's, 3 a client's. */
  kind: number;
  start: number;
  end: number;
  status: number;
  attributes: Record<string, unknown>;
  service: unknown;
}

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

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

/** The spans in a request's body, as far as tests look at them. */
export function spansIn(body: {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { spans: (Record<string, unknown> & { attributes: Attribute[]; status: { code: number } })[] }[];
  }[];
}): CollectedSpan[] {
  return body.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId as string,
        spanId: span.spanId as string,
        parentSpanId: span.parentSpanId as string | undefined,
        name: span.name as string,
        kind: span.kind as number,
        start: Number(span.startTimeUnixNano) / 1e6,
        end: Number(span.endTimeUnixNano) / 1e6,
        status: span.status.code,
        attributes: plain(span.attributes),
        service: plain(resource.attributes)['service.name'],
      })),
    ),
  );
}

const plain = (attributes: Attribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, valueIn(value)]));

function valueIn(value: Record<string, unknown>): unknown {
  const { arrayValue, intValue, ...rest } = value;
  if (arrayValue) return (arrayValue as { values: Record<string, unknown>[] }).values.map(valueIn);
  return intValue === undefined ? Object.values(rest)[0] : Number(intValue);
}
