/** The tables of the durable store in SQLite, in steps that are only ever appended to. */
import { NO_VIEWS, VIEWS } from './views.ts';

/**
 * Times are milliseconds since 1970, lists are JSON. What must not be missing is little: a number that is none, which JSON
 * and SQLite have no word for, is better kept as null than in the way of all that come after it.
 *
 * `seq` is the place in the log, `first_seq` the one that the decision had when it was new, and
 * `past_rewards` (`past_labels` later) those of its earlier versions with what they taught: what a fold up to there has counted;
 * `signals` counts the rows that it has in both tables of feedback. Tables without rowid lie in the order of their decision's id, which begins with its
 * time: new rows come to the end, and what is to be found by time is found by id. Each index more would be paid for by every
 * decision: there is one for ids, and one for logs, which ends with `seq` as any index of that table does.
 */
const TABLES = `
create table store_identity (id text not null, seq integer not null);
insert into store_identity values (lower(hex(randomblob(6))), 0);

create table log_cursors (log text primary key, cursor text not null) without rowid;

create table queries (
  decision_id text primary key,
  created_at integer not null,
  router text,
  call text,
  key text,
  encoder text,
  x text,
  prompt_tokens_estimate integer
) without rowid;

create table routing_decisions (
  seq integer primary key,
  decision_id text not null unique,
  created_at integer not null,
  router text,
  version integer not null,
  chosen text,
  model text,
  reason text,
  propensity real,
  uniform real,
  cursor text,
  reward real,
  reward_before real,
  candidates text,
  idempotency_keys text,
  first_seq integer not null,
  signals integer not null,
  past_rewards text
);
create index routing_decisions_by_router on routing_decisions (router);

create table responses (
  decision_id text primary key,
  created_at integer not null,
  outcome text,
  finish_reason text,
  prompt_tokens integer,
  completion_tokens integer,
  cost_usd real,
  estimated integer,
  completion_id text,
  first_byte_ms real,
  total_ms real,
  attempts text
) without rowid;

create table feedback (
  decision_id text,
  position integer,
  signal text,
  value real,
  weight real,
  at integer,
  comment text,
  primary key (decision_id, signal)
) without rowid;

create table implicit_feedback (
  decision_id text,
  position integer,
  signal text,
  value real,
  weight real,
  at integer,
  comment text,
  primary key (decision_id, position)
) without rowid;

create table model_states (
  router text not null,
  seq integer not null,
  created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
  bytes blob not null,
  primary key (router, seq)
);

create table costs_by_day (
  day integer,
  router text,
  key text,
  usd real not null,
  primary key (day, router, key)
) without rowid;

create table decision_names (decision_id text primary key, names text not null) without rowid;
`;

/**
 * A row from before has null in all that is new, and what it teaches is what its reward says: a database of millions of rows
 * opens as soon as ever. `reward_before` is only in such rows, and in `past_labels` stands the reward of what was kept so.
 */
const LABELS = `
alter table routing_decisions rename column past_rewards to past_labels;
alter table routing_decisions add column label text;
alter table routing_decisions add column label_before text;
alter table routing_decisions add column turn integer;
alter table routing_decisions add column retry integer;
`;

/** In a row from before all of it is null. */
const CHANGES = `
alter table routing_decisions add column prefix_tokens integer;
alter table routing_decisions add column worth_before real;
alter table responses add column cached_tokens integer;
`;

/** Of the days before, how many requests there were is not counted. */
const REQUESTS = `
alter table costs_by_day add column requests integer not null default 0;
alter table costs_by_day add column arrivals real not null default 0;
`;

/** The views are made anew by the last step that changes one. */
export const STEPS: readonly string[] = [TABLES, NO_VIEWS + LABELS, NO_VIEWS + CHANGES + VIEWS, REQUESTS];
