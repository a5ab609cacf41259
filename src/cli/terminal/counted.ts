/** Counts as people read them. */

/** `1,234 decisions`, `1 decision`. */
export const counted = (n: number, noun: string): string => `${thousands(n)} ${noun}${n === 1 ? '' : 's'}`;

export const thousands = (n: number): string => n.toLocaleString('en');
