/** What starts as soon as a Worker can. */
export default { fetch: (): Response => new Response('ok') };
