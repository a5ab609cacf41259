/** A keyed hash of a text; the key is the server's secret, so that names kept elsewhere tell nothing. */
export type Digest = (text: string) => string;
