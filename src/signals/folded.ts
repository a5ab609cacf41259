/** Makes texts plain, so that a phrase is found however its letters are written. */

/** Small letters without accents, as many people write them: the phrases, and what is searched for them. */
export function folded(text: string): string {
  const small = text.toLowerCase().replace(/[’‘ʼ`´]/g, "'");
  if (!/[^\0-\x7f]/.test(small)) return small;
  return small
    .normalize('NFKD')
    .replace(/[\u0300-\u036f\u064b-\u0655\u093c]/g, '')
    .normalize('NFC');
}
