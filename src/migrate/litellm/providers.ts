/** The providers of Conduit's file: deployments that are called alike share one. */
import { vendorOf } from '../../config/presets.ts';
import { knowsStreamOptions } from '../../config/quirks.ts';
import type { Deployment } from './deployments.ts';

export interface WrittenProvider {
  base_url: string;
  api_key?: string | string[];
  headers?: Record<string, string>;
  stream_usage?: boolean;
}

export interface Providers {
  /** In the order of the file. */
  written: Map<string, WrittenProvider>;
  /** The name of the provider that is called so; made where there is none. */
  named(deployment: Deployment, keys: readonly string[]): string;
}

export function createProviders(): Providers {
  const written = new Map<string, WrittenProvider>();
  const names = new Map<string, string>();
  const named = ({ address, fields: { headers } }: Deployment, keys: readonly string[]): string => {
    const { baseUrl, vendor } = address;
    const identity = JSON.stringify([baseUrl, Object.entries(headers).sort(), keys]);
    const known = names.get(identity);
    if (known !== undefined) return known;
    const label = baseUrl.includes('${') ? null : new URL(baseUrl).hostname.split('.')[0];
    const byHost =
      label && label !== address.name && /^[a-z][a-z0-9-]*$/i.test(label) && !/^(api|www|localhost)$/.test(label);
    const wished = [address.name, ...(byHost ? [`${address.name}-${label}`.slice(0, 60)] : [])];
    const name = firstFree(wished, address.name, (one) => written.has(one));
    const asks = knowsStreamOptions(vendor);
    written.set(name, {
      base_url: baseUrl,
      ...(keys.length > 0 && { api_key: keys.length === 1 ? keys[0]! : [...keys] }),
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(asks !== knowsStreamOptions(vendorOf(name, parsable(baseUrl))) && { stream_usage: asks }),
    });
    names.set(identity, name);
    return name;
  };
  return { written, named };
}

function firstFree(wished: readonly string[], base: string, isTaken: (name: string) => boolean): string {
  const free = wished.find((name) => !isTaken(name));
  if (free !== undefined) return free;
  let n = 2;
  while (isTaken(`${base}-${n}`)) n++;
  return `${base}-${n}`;
}

/** A variable in an address is not known yet: what host it is nobody can tell. */
export const parsable = (baseUrl: string): string => (baseUrl.includes('${') ? 'https://not-set.invalid/v1' : baseUrl);
