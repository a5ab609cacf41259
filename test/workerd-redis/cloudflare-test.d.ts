/** What these tests use of the pool's own module, whose types ask for more than is installed. */
declare module 'cloudflare:test' {
  /** The Worker under test: each call is a request of its own, on the isolate of the tests. */
  export const SELF: { fetch(url: string, init?: RequestInit): Promise<Response> };
}
