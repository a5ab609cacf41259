/** By which address a person on this machine opens what listens on one. */

export interface FromHere {
  /** What a browser here can open. */
  url: string;
  /** Whether it listens on all addresses, so that other machines reach it by others. */
  isOpenToOthers: boolean;
}

/** What listens on all addresses, in the spelling that a parsed URL has, and one of them that is always there. */
const ALL: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': 'localhost' };

/** `url`: scheme, host and port, as a gateway tells where it listens. */
export function fromHere(url: string): FromHere {
  const { protocol, hostname, port } = new URL(url);
  const here = ALL[hostname];
  return here === undefined
    ? { url, isOpenToOthers: false }
    : { url: `${protocol}//${here}${port && `:${port}`}`, isOpenToOthers: true };
}
