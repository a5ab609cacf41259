/** Tells what of a changed config counts from the next request on, and what does not. */
import type { ConduitConfig } from './resolve.ts';

/** What of `server` counts from the next request on. */
const TAKEN_OVER = ['maxBodyBytes', 'cors', 'keepAliveMs'];

/** Paths of what differs from how the process was started, and stays as it is until it is started again. */
export function needsRestart({ server, stores, telemetry }: ConduitConfig, next: ConduitConfig): string[] {
  const { asked: _, retentionMs: retention, ...rest } = stores;
  const { asked: _other, retentionMs: nextRetention, ...nextRest } = next.stores;
  const changed = changedNames(server, next.server).filter((name) => !TAKEN_OVER.includes(name));
  // That traces end, and which share of requests has them, counts at once.
  const sent = next.telemetry && JSON.stringify({ ...next.telemetry, share: telemetry?.share });
  return [
    ...(sent !== null && sent !== JSON.stringify(telemetry) ? ['telemetry'] : []),
    ...changed.map((name) => `server.${name}`),
    ...changedNames({ ...rest, retention }, { ...nextRest, retention: nextRetention }).map((name) => `stores.${name}`),
  ];
}

function changedNames(before: object, after: object): string[] {
  const [one, other]: Record<string, unknown>[] = [{ ...before }, { ...after }];
  const names = Object.keys({ ...one, ...other });
  return names.filter((name) => JSON.stringify(one?.[name]) !== JSON.stringify(other?.[name]));
}
