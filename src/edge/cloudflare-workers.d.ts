/** The cache of the data centre that the Worker runs in. Outside of a request it cannot be asked. */
declare const caches: {
  open(name: string): Promise<import('./snapshot-cache.ts').DataCentreCache>;
};

/** What is used of the platform's own module, which only workerd has. */
declare module 'cloudflare:workers' {
  /** What a Durable Object is given. */
  export interface ObjectContext {
    readonly storage: ObjectStorage;
  }

  export interface ObjectStorage {
    readonly sql: {
      exec(query: string, ...bindings: readonly unknown[]): ObjectSqlCursor;
      /** In bytes. */
      readonly databaseSize: number;
    };
    /** All of it or, where it throws, nothing. */
    transactionSync<Result>(work: () => Result): Result;
    /** Milliseconds since 1970; null where none is set. */
    getAlarm(): Promise<number | null>;
    /** In the place of the one that is set. */
    setAlarm(time: number): Promise<void>;
  }

  export interface ObjectSqlCursor {
    raw(): IterableIterator<(string | number | null | ArrayBuffer)[]>;
    readonly rowsWritten: number;
  }

  export abstract class DurableObject<Environment = unknown> {
    protected readonly ctx: ObjectContext;
    protected readonly env: Environment;
    constructor(ctx: ObjectContext, env: Environment);
  }
}
