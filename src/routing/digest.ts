/**
 * A keyed hash of a text; the key is the server's secret, so that names kept elsewhere tell nothing. What is hashed begins with
 * what it is hashed for, so that a hash made for one purpose is of no use for another.
 */
export type Digest = (text: string) => string;
