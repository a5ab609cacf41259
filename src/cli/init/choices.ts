/** What the options of `conduit init` allow; alone in a file, so that the command line can tell without loading the command. */

export const PREFERENCES = ['quality', 'balanced', 'cost', 'speed'] as const;
export const CALLERS = ['this-machine', 'network'] as const;
export const KEEPINGS = ['folder', 'redis', 'supabase', 'redis+supabase'] as const;
