/** A Supabase project of a test's own: the migrations in a real PostgreSQL or, where there is none, in PGlite. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NO_POSTGRES, startPostgresServer } from './postgres-server.ts';
import { ALL_GRANTED, type Database, openPGlite, openPostgres, ROLES } from './postgrest-database.ts';
import { type PostgrestServer, startPostgrestServer } from './postgrest-server.ts';

const FOLDER = join(import.meta.dirname, '../../supabase/migrations');

export interface SupabaseProject {
  server: PostgrestServer;
  database: Database;
  close(): Promise<void>;
}

/** Takes up to fifteen seconds without a PostgreSQL. */
export async function startSupabaseProject(): Promise<SupabaseProject> {
  const postgres = NO_POSTGRES === null ? await startPostgresServer() : null;
  const database = postgres ? openPostgres(await postgres.createDatabase('project')) : await openPGlite();
  await database.run(ROLES + ALL_GRANTED);
  const migrations = readdirSync(FOLDER).filter((name) => name.endsWith('.sql'));
  for (const name of migrations.sort()) await database.run(readFileSync(join(FOLDER, name), 'utf8'));
  const server = await startPostgrestServer(database);
  return {
    server,
    database,
    async close() {
      await server.close();
      await database.close();
      await postgres?.close();
    },
  };
}
