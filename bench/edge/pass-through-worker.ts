/** The least that a Worker can do with a completion: hand it on. What it takes is workerd's own share. */
export default {
  fetch: (request: Request, { UPSTREAM }: { UPSTREAM: string }): Promise<Response> => fetch(UPSTREAM, request),
};
