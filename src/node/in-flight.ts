/** Answers that are under way where another server passes them on: how many there are, and an end to them. */
import { createWebExchange, type WebExchange } from '../http/exchange-web.ts';

/** One request, which the app hands on to whoever opens its exchange. */
export interface Call {
  openExchange(request: Request): WebExchange;
}

export interface InFlight {
  /** Answers with what `app` does; the answer is in flight until its last byte is handed on, or its client has gone. */
  answer(app: (call: Call) => Response | Promise<Response>): Promise<Response>;
  /** Waits for all of them, at most this long (milliseconds); false where some had to be cut off then. */
  drain(limitMs: number): Promise<boolean>;
}

export function createInFlight(): InFlight {
  /** Null before the request has come so far. */
  const exchanges = new Map<Call, WebExchange | null>();
  let onEmpty = (): void => {};
  const over = (call: Call): void => {
    if (exchanges.delete(call) && exchanges.size === 0) onEmpty();
  };

  return {
    async answer(app) {
      const call: Call = {
        openExchange(request) {
          const exchange = createWebExchange(request, () => over(call));
          exchanges.set(call, exchange);
          return exchange;
        },
      };
      exchanges.set(call, null);
      try {
        return await app(call);
      } finally {
        if (!exchanges.get(call)?.isStreaming()) over(call);
      }
    },
    async drain(limitMs) {
      if (exchanges.size === 0) return true;
      let timer: NodeJS.Timeout | undefined;
      const whole = await new Promise<boolean>((resolve) => {
        onEmpty = () => resolve(true);
        timer = setTimeout(() => resolve(false), limitMs);
      });
      clearTimeout(timer);
      for (const exchange of exchanges.values()) exchange?.cutOff();
      return whole;
    },
  };
}
