/**
 * Hears whose log has grown, over a connection of its own: one that is subscribed can ask nothing else. What is told while
 * it is down is lost, so whoever watches is told of every log once it is up again.
 */
import type { Connection } from './connection.ts';
import { GROWN_CHANNEL } from './keys.ts';

export interface Growth {
  isHeard(): boolean;
  close(): void;
}

export interface GrowthOptions {
  open: (events: {
    onUp: () => void;
    onDown: (error: Error) => void;
    onMessage: (channel: string, router: string) => void;
  }) => Connection;
  onGrown: (router: string) => void;
  /** From now on everything is heard, and something may have been missed before. */
  onHeard: () => void;
  onDown: (error: Error) => void;
}

/** Between two questions whether Redis is still there: nothing else would tell a silent one from one that is gone. */
const PING_MS = 5_000;

export function hearGrowth({ open, onGrown, onHeard, onDown }: GrowthOptions): Growth {
  let heard = false;
  const down = (error: Error): void => {
    heard = false;
    onDown(error);
  };
  const subscribe = async (): Promise<void> => {
    try {
      await connection.call('subscribe', GROWN_CHANNEL);
      heard = true;
      onHeard();
    } catch (error) {
      down(error as Error);
    }
  };
  const connection = open({
    onUp: () => void subscribe(),
    onDown: down,
    onMessage: (_channel, router) => onGrown(router),
  });
  const ping = setInterval(() => {
    // One that answers nothing is closed by its time limit and made anew; one that could not subscribe tries again.
    if (heard) connection.call('ping').catch(() => {});
    else if (connection.isUp()) void subscribe();
  }, PING_MS);
  ping.unref();
  return {
    isHeard: () => heard,
    close() {
      clearInterval(ping);
      connection.close();
    },
  };
}
