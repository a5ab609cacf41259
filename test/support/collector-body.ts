/** What an OTLP collector is sent, as far as tests look at it. */

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
