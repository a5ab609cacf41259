/** The database behind the PostgREST-shaped server: a real PostgreSQL, or PGlite in this process. */
import { PGlite } from '@electric-sql/pglite';
import { Pool, types } from 'pg';

export interface Queries {
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
}

export interface Database extends Queries {
  /** Several statements at once, as an SQL editor sends them. */
  run(sql: string): Promise<void>;
  /** Undone where `work` throws. */
  inTransaction<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** The roles of a Supabase project. They belong to the server, where another of its databases may have made them. */
export const ROLES = `
  do $$
  begin
    if not exists (select from pg_roles where rolname = 'service_role') then
      create role anon nologin;
      create role authenticated nologin;
      create role service_role nologin bypassrls;
    end if;
  end;
  $$;
`;

/** As in projects that let the API have nothing of what is new in `public`. */
export const NOTHING_GRANTED = 'grant usage on schema public to anon, authenticated, service_role;';

/** As in projects that let it have everything, so that it takes a migration to forbid it again. */
export const ALL_GRANTED = `
  ${NOTHING_GRANTED}
  alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
  alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
`;

export function openPostgres(url: string): Database {
  // JSON comes as the text that it is: PostgREST passes it on so.
  const asText = { getTypeParser: (id: number) => (id === 114 ? (text: string) => text : types.getTypeParser(id)) };
  const pool = new Pool({ connectionString: url, max: 4, types: asText as typeof types });
  pool.on('error', () => {});
  const query: Database['query'] = async (sql, values) => (await pool.query(sql, values as unknown[])).rows;
  return {
    query,
    run: async (sql) => void (await pool.query(sql)),
    async inTransaction(work) {
      const client = await pool.connect();
      try {
        await client.query('begin');
        const result = await work({
          query: async (sql, values) => (await client.query(sql, values as unknown[])).rows,
        });
        await client.query('commit');
        return result;
      } catch (error) {
        await client.query('rollback').catch(() => {});
        throw error;
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
}

export async function openPGlite(): Promise<Database> {
  const parsers = { 114: (text: string) => text };
  const database = await PGlite.create({ parsers });
  return {
    query: async (sql, values) => (await database.query<Record<string, unknown>>(sql, values as unknown[])).rows,
    run: async (sql) => void (await database.exec(sql)),
    inTransaction: (work) =>
      database.transaction((transaction) =>
        work({
          query: async (sql, values) =>
            (await transaction.query<Record<string, unknown>>(sql, values as unknown[])).rows,
        }),
      ),
    close: () => database.close(),
  };
}
