// What the gateway tells, as it tells it: reconnects by itself, and says how that goes.

const AGAIN_MS = [1000, 2000, 5000, 10_000];

/**
 * Follows a router until `close` is called. `on` has `snapshot`, `change`, `report` for what is told, and `live`, `lost`, `out`
 * for how it goes.
 */
export function follow(router, range, on) {
  let source = null;
  let timer = 0;
  let failures = 0;
  let closed = false;

  const open = () => {
    const query = new URLSearchParams({ range, ...(router === null ? {} : { router }) });
    source = new EventSource(`dashboard/events?${query}`);
    for (const name of ['snapshot', 'change', 'report']) {
      source.addEventListener(name, ({ data }) => {
        failures = 0;
        on[name](JSON.parse(data));
        if (name !== 'report') on.live();
      });
    }
    source.addEventListener('signed-out', () => on.out());
    source.addEventListener('error', () => {
      if (closed) return;
      // The gateway ends each stream after a while, and the browser comes again at once: nothing is lost by that.
      if (source.readyState === EventSource.CONNECTING && failures++ === 0) return;
      on.lost();
      if (source.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(() => again(query), AGAIN_MS[Math.min(failures++, AGAIN_MS.length - 1)]);
    });
  };
  /** The browser gives up after an answer that is no stream; whether that was for want of a session it does not say. */
  const again = async (query) => {
    const asked = new AbortController();
    const response = await fetch(`dashboard/events?${query}`, { signal: asked.signal }).catch(() => null);
    asked.abort();
    if (closed) return;
    if (response?.status === 401 || response?.status === 403) on.out();
    else if (response?.status === 404) on.gone();
    else open();
  };
  open();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      source?.close();
    },
  };
}
