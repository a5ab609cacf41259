/** Errors in OpenAI's shape, so that the official clients raise their typed errors. */
import { StoreUnavailable } from '../stores/ports.ts';

export interface ApiErrorFields {
  status: 400 | 401 | 403 | 404 | 410 | 413 | 415 | 429 | 500 | 502 | 503 | 504;
  message: string;
  /** The field at fault, if one is. */
  param?: string | null;
  code?: string | null;
  /** Left out: the type that OpenAI gives to the status. */
  type?: string;
  headers?: Readonly<Record<string, string>>;
}

const TYPES: Readonly<Record<ApiErrorFields['status'], string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'invalid_request_error',
  410: 'invalid_request_error',
  413: 'invalid_request_error',
  415: 'invalid_request_error',
  429: 'rate_limit_error',
  500: 'server_error',
  502: 'upstream_error',
  503: 'server_error',
  504: 'timeout_error',
};

/** Thrown by a route's reading of its request; the app turns it into the response. */
export class ApiError extends Error {
  readonly fields: ApiErrorFields;

  constructor(fields: ApiErrorFields) {
    super(fields.message);
    this.name = 'ApiError';
    this.fields = fields;
  }
}

export function errorBody({ status, message, param = null, code = null, type }: ApiErrorFields): string {
  return JSON.stringify({ error: { message, type: type ?? TYPES[status], param, code } });
}

/** What an error is called in a log: its code, else its type. */
export const errorCode = ({ status, code = null, type }: ApiErrorFields): string => code ?? type ?? TYPES[status];

export function errorResponse(fields: ApiErrorFields): Response {
  return new Response(errorBody(fields), {
    status: fields.status,
    headers: { 'content-type': 'application/json', ...fields.headers },
  });
}

export const bodyTooLarge = (maxBytes: number): ApiError =>
  new ApiError({
    status: 413,
    message: `The body is larger than ${maxBytes} bytes.`,
    code: 'request_too_large',
  });

export const badRequest = (message: string, param: string | null = null, code: string | null = null): ApiError =>
  new ApiError({ status: 400, message, param, code });

/** What a client is told of a fault of our own; the log says more. */
export const internalError: ApiErrorFields = {
  status: 500,
  message: 'Something failed inside Conduit; its log says what.',
  code: 'internal_error',
};

export const isStoreUnavailable = (error: unknown): boolean => error instanceof StoreUnavailable;

/** For what cannot be answered without a store, be it the state store or the durable one, as feedback is; completions can. */
export const storeUnavailable: ApiErrorFields = {
  status: 503,
  message: 'A store that this needs is not available now; try again.',
  code: 'store_unavailable',
  headers: { 'retry-after': '1' },
};

/** From the moment on at which it is asked to end. */
export const shuttingDown: ApiErrorFields = {
  status: 503,
  message: 'Shutting down.',
  code: 'shutting_down',
  headers: { 'retry-after': '1', connection: 'close' },
};

/** Where a gateway is not open yet, or could not be opened. */
export const starting: ApiErrorFields = {
  status: 503,
  message: 'The gateway is not open yet; its log says what it waits for, or why it cannot be opened.',
  code: 'starting',
  headers: { 'retry-after': '1' },
};
