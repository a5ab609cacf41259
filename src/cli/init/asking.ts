/** The ways to ask a person something, which a terminal that draws and one that does not have each in their own way. */

export interface Choice<Value> {
  value: Value;
  label: string;
  hint?: string;
}

/** Each rejects with `Left` where the person leaves. */
export interface Asking {
  one<Value extends string>(message: string, choices: readonly Choice<Value>[], preset: Value): Promise<Value>;
  /** At least one; all by default. */
  several<Value extends string>(message: string, choices: readonly Choice<Value>[]): Promise<Value[]>;
  /** A line that `problem` has nothing to say against; `none` by default. */
  line(message: string, problem: (text: string) => string | undefined): Promise<string>;
}

export class Left extends Error {}
