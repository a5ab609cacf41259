/** What a config can begin with. */
import type { Preset } from '../../config/presets.ts';
import type { StartingModel, StartingProvider } from '../../config/starting-config.ts';

export interface FoundProvider extends StartingProvider {
  /** For people: what was found, such as `OPENAI_API_KEY works`. */
  told: string;
  /** Null for a server near by. */
  preset: Preset | null;
  /** Whether its key may use this model, as far as that is known. */
  has: (model: string) => boolean;
}

export interface LeftOut {
  /** A model as PROVIDER/NAME, how many more of a provider's there are, or a server's address. */
  what: string;
  why: string;
}

export interface Found {
  /** Also those of which no model is there to begin with. */
  providers: FoundProvider[];
  models: StartingModel[];
  leftOut: LeftOut[];
  warnings: string[];
}

export const NOTHING: Found = { providers: [], models: [], leftOut: [], warnings: [] };
