-- Everything that Conduit keeps for good: what was asked for, where it went and why, what came of it, what people said.
-- No prompt and no answer is among it. Never edit a migration that has been published: append another.

-- Tables ------------------------------------------------------------------------------------------------------------------

-- What is written anew with each change of a decision, in the order of the transactions: only conduit_ingest draws from it.
create sequence public.conduit_seq as bigint;

-- An arm as it stood when a decision was made. In JSON its numbers would take twice as much.
create type public.conduit_candidate as (
  model text,
  propensity double precision,
  -- From here on rounded to five digits where a call is settled, which this keeps exactly.
  quality real,
  quality_low real,
  quality_high real,
  cost_usd real,
  first_byte_ms real,
  total_ms real,
  utility real,
  -- Why it could not be drawn; null where it could.
  ruled_out text
);

create table public.queries (
  decision_id text primary key,
  created_at timestamptz not null,
  prompt_tokens_estimate bigint not null,
  router text,
  call text not null,
  key text,
  encoder text not null,
  -- A list of numbers. JSON, since in decimals they are shorter than in eight bytes each, and exact.
  x json not null
);
comment on table public.queries is 'What was asked for, one row a call: when, by which key, and the features of the prompt (never the prompt)';

create table public.routing_decisions (
  decision_id text primary key,
  seq bigint not null,
  -- The seq that it had first.
  first_seq bigint not null,
  -- [seq, reward] of the versions before this one: what whoever has read up to there knows of it. Null for the first.
  past_rewards jsonb,
  created_at timestamptz not null,
  propensity double precision not null,
  uniform double precision not null,
  reward double precision,
  reward_before double precision,
  version integer not null,
  router text,
  chosen text not null,
  model text not null,
  reason text not null,
  cursor text not null,
  candidates public.conduit_candidate[] not null,
  idempotency_keys json not null
-- Feedback writes a row anew: what it leaves behind shall soon be used again.
) with (autovacuum_vacuum_scale_factor = 0.05);
comment on table public.routing_decisions is 'Which model each call went to, why, and the quality that feedback gave it (reward, 0 to 1)';

create table public.responses (
  decision_id text primary key,
  created_at timestamptz not null,
  prompt_tokens bigint,
  completion_tokens bigint,
  cost_usd double precision not null,
  first_byte_ms double precision,
  total_ms double precision,
  estimated boolean not null,
  outcome text not null,
  finish_reason text,
  completion_id text,
  -- Lists of [model, outcome, status, ms to the first byte, ms in all].
  attempts json not null
);
comment on table public.responses is 'How each call ended: tokens, cost, times (never the answer)';

create table public.feedback (
  decision_id text not null,
  position integer not null,
  value double precision not null,
  weight double precision not null,
  at timestamptz not null,
  signal text not null,
  comment text,
  primary key (decision_id, signal)
);
comment on table public.feedback is 'What people said of answers, as it is now';

create table public.implicit_feedback (
  decision_id text not null,
  position integer not null,
  value double precision not null,
  weight double precision not null,
  at timestamptz not null,
  signal text not null,
  comment text,
  primary key (decision_id, position)
);
comment on table public.implicit_feedback is 'What people did with answers: went on, asked again';

create table public.model_states (
  router text not null,
  seq bigint not null,
  created_at timestamptz not null default now(),
  bytes bytea not null,
  primary key (router, seq)
);
comment on table public.model_states is 'What each router has learned, twice: a process that starts reads it. It can be made again from the decisions';

create table public.log_cursors (
  log text primary key,
  cursor text not null
);
comment on table public.log_cursors is 'How far each log of each feed has been taken over';

create table public.store_identity (
  id text primary key
);
comment on table public.store_identity is 'Made up once, so that cursors of another database are told from those of this one';
insert into public.store_identity (id) values (substr(replace(gen_random_uuid()::text, '-', ''), 1, 12));

-- Pinned calls have no router; '' is the name of their log.
create unique index routing_decisions_log on public.routing_decisions ((coalesce(router, '')), seq);
-- For retention, and for reports on a stretch of time: the views take theirs from here.
create index routing_decisions_created_at on public.routing_decisions (created_at);

-- Functions, one for each step that is done as a whole -----------------------------------------------------------------------

create function public.conduit_last_seq() returns bigint
language sql volatile security invoker set search_path = ''
as $$
  select case when is_called then last_value else 0 end from public.conduit_seq;
$$;

-- 0 where the log is empty.
create function public.conduit_last_seq_of(log text) returns bigint
language sql stable security invoker set search_path = ''
as $$
  select coalesce(max(d.seq), 0) from public.routing_decisions d where coalesce(d.router, '') = conduit_last_seq_of.log;
$$;

create function public.conduit_cursor_at(seq bigint) returns text
language sql stable security invoker set search_path = ''
as $$
  select case seq when 0 then '0' else id || '-' || seq end from public.store_identity;
$$;

-- The number in a cursor of this database's own log, 0 at its start; null where the cursor is of another, or ahead of this one,
-- as after a backup has been restored.
create function public.conduit_seq_of(cursor text) returns bigint
language sql volatile security invoker set search_path = ''
as $$
  select case
    when conduit_seq_of.cursor = '0' then 0
    when conduit_seq_of.cursor !~ ('^' || id || '-\d{1,18}$') then null
    when substr(conduit_seq_of.cursor, length(id) + 2)::bigint <= public.conduit_last_seq()
      then substr(conduit_seq_of.cursor, length(id) + 2)::bigint
  end
  from public.store_identity;
$$;

-- What a real can hold of a number, rather than an error where it cannot.
create function public.conduit_real(number double precision) returns real
language sql immutable security invoker set search_path = ''
as $$
  select case when abs(number) < 1e-37 then 0 else least(greatest(number, -3e38), 3e38) end::real;
$$;

create function public.conduit_candidates_from(lists json) returns public.conduit_candidate[]
language sql immutable security invoker set search_path = ''
as $$
  select coalesce(array_agg(row(
    list ->> 0, (list ->> 1)::double precision,
    public.conduit_real((list ->> 2)::double precision), public.conduit_real((list ->> 3)::double precision),
    public.conduit_real((list ->> 4)::double precision), public.conduit_real((list ->> 5)::double precision),
    public.conduit_real((list ->> 6)::double precision), public.conduit_real((list ->> 7)::double precision),
    public.conduit_real((list ->> 8)::double precision), list ->> 9
  )::public.conduit_candidate order by place), '{}')
  from json_array_elements(lists) with ordinality as given(list, place);
$$;

create function public.conduit_candidates_to(candidates public.conduit_candidate[]) returns json
language sql stable security invoker set search_path = '' set extra_float_digits = 1
as $$
  select coalesce(json_agg(json_build_array(
    c.model, c.propensity, c.quality, c.quality_low, c.quality_high, c.cost_usd, c.first_byte_ms, c.total_ms, c.utility,
    c.ruled_out
  ) order by c.place), '[]')
  from unnest(candidates) with ordinality as c(
    model, propensity, quality, quality_low, quality_high, cost_usd, first_byte_ms, total_ms, utility, ruled_out, place
  );
$$;

-- All that is kept of one decision, times in milliseconds since 1970.
create function public.conduit_rows_of(decision public.routing_decisions) returns json
language sql stable security invoker set search_path = '' set extra_float_digits = 1
as $$
  select json_build_object(
    'decision', json_build_object(
      'decision_id', decision.decision_id,
      'created_at', extract(epoch from decision.created_at) * 1000,
      'router', decision.router,
      'version', decision.version,
      'chosen', decision.chosen,
      'model', decision.model,
      'reason', decision.reason,
      'propensity', decision.propensity,
      'uniform', decision.uniform,
      'cursor', decision.cursor,
      'candidates', public.conduit_candidates_to(decision.candidates),
      'reward', decision.reward,
      'reward_before', decision.reward_before,
      'idempotency_keys', decision.idempotency_keys
    ),
    'query', (
      select json_build_object(
        'decision_id', q.decision_id,
        'created_at', extract(epoch from q.created_at) * 1000,
        'router', q.router,
        'call', q.call,
        'key', q.key,
        'encoder', q.encoder,
        'x', q.x,
        'prompt_tokens_estimate', q.prompt_tokens_estimate
      )
      from public.queries q
      where q.decision_id = decision.decision_id
    ),
    'response', (
      select json_build_object(
        'decision_id', r.decision_id,
        'created_at', extract(epoch from r.created_at) * 1000,
        'outcome', r.outcome,
        'finish_reason', r.finish_reason,
        'prompt_tokens', r.prompt_tokens,
        'completion_tokens', r.completion_tokens,
        'cost_usd', r.cost_usd,
        'estimated', r.estimated,
        'completion_id', r.completion_id,
        'first_byte_ms', r.first_byte_ms,
        'total_ms', r.total_ms,
        'attempts', r.attempts
      )
      from public.responses r
      where r.decision_id = decision.decision_id
    ),
    'feedback', (
      select coalesce(json_agg(json_build_object(
        'decision_id', f.decision_id,
        'position', f.position,
        'signal', f.signal,
        'value', f.value,
        'weight', f.weight,
        'at', extract(epoch from f.at) * 1000,
        'comment', f.comment
      )), '[]')
      from public.feedback f
      where f.decision_id = decision.decision_id
    ),
    'implicit_feedback', (
      select coalesce(json_agg(json_build_object(
        'decision_id', f.decision_id,
        'position', f.position,
        'signal', f.signal,
        'value', f.value,
        'weight', f.weight,
        'at', extract(epoch from f.at) * 1000,
        'comment', f.comment
      )), '[]')
      from public.implicit_feedback f
      where f.decision_id = decision.decision_id
    )
  );
$$;

-- Keeps each decision of a batch unless it has a version as late or later, and the log's new cursor: all of it or nothing.
-- `batch` has a list of rows for each of the five tables, and each decision in it once. Sent again, or by two at a time, it
-- counts once: the cursor must be where the batch begins.
create function public.conduit_ingest(log text, feed text, after text, cursor text, batch json) returns json
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '5s' set extra_float_digits = 1
as $$
declare
  standing text;
  before bigint;
  taken text[];
  counted json;
begin
  -- One at a time, until it is committed: so whoever has read up to a seq has not missed a smaller one.
  perform pg_advisory_xact_lock(hashtextextended('conduit', 0));
  select kept.cursor into standing from public.log_cursors kept where kept.log = conduit_ingest.feed || conduit_ingest.log;
  if standing is distinct from conduit_ingest.after then
    return json_build_object('outcome', 'moved', 'cursor', standing);
  end if;

  before := public.conduit_last_seq_of(conduit_ingest.log);

  select
    coalesce(array_agg(given.decision_id), '{}'),
    json_object_agg(
      coalesce(given.decision_id, ''),
      case when kept.version is null then '"nothing"'::json else json_build_object('reward', kept.reward) end
    )
  into taken, counted
  from json_to_recordset(batch -> 'routing_decisions') as given(decision_id text, version integer)
  left join public.routing_decisions kept on kept.decision_id = given.decision_id
  where kept.version is null or kept.version < given.version;

  insert into public.queries as kept
    (decision_id, created_at, prompt_tokens_estimate, router, call, key, encoder, x)
  select
    given.decision_id, to_timestamp(given.created_at / 1000), given.prompt_tokens_estimate, given.router, given.call,
    given.key, given.encoder, given.x
  from json_to_recordset(batch -> 'queries') as given(
    decision_id text, created_at double precision, prompt_tokens_estimate bigint, router text, call text, key text,
    encoder text, x json
  )
  -- One without an id fails here, and nothing of the batch is kept.
  where given.decision_id is null or given.decision_id = any (taken)
  on conflict (decision_id) do update set
    created_at = excluded.created_at,
    prompt_tokens_estimate = excluded.prompt_tokens_estimate,
    router = excluded.router,
    call = excluded.call,
    key = excluded.key,
    encoder = excluded.encoder,
    x = excluded.x
  -- A row that is written again takes room until it is vacuumed, and feedback changes nothing here.
  where (kept.created_at, kept.prompt_tokens_estimate, kept.router, kept.call, kept.key, kept.encoder, kept.x::text)
    is distinct from (
      excluded.created_at, excluded.prompt_tokens_estimate, excluded.router, excluded.call, excluded.key,
      excluded.encoder, excluded.x::text
    );

  insert into public.routing_decisions as kept
    (decision_id, seq, first_seq, created_at, propensity, uniform, reward, reward_before, version, router, chosen, model,
     reason, cursor, candidates, idempotency_keys)
  select
    given.decision_id, nextval('public.conduit_seq'), currval('public.conduit_seq'),
    to_timestamp(given.created_at / 1000), given.propensity, given.uniform, given.reward, given.reward_before, given.version, given.router, given.chosen, given.model,
    given.reason, given.cursor, public.conduit_candidates_from(given.candidates), given.idempotency_keys
  from json_to_recordset(batch -> 'routing_decisions') as given(
    decision_id text, created_at double precision, propensity double precision, uniform double precision,
    reward double precision, reward_before double precision, version integer, router text, chosen text, model text,
    reason text, cursor text, candidates json, idempotency_keys json
  )
  where given.decision_id = any (taken)
  on conflict (decision_id) do update set
    past_rewards = coalesce(kept.past_rewards, '[]') || jsonb_build_array(jsonb_build_array(kept.seq, kept.reward)),
    seq = excluded.seq,
    created_at = excluded.created_at,
    propensity = excluded.propensity,
    uniform = excluded.uniform,
    reward = excluded.reward,
    reward_before = excluded.reward_before,
    version = excluded.version,
    router = excluded.router,
    chosen = excluded.chosen,
    model = excluded.model,
    reason = excluded.reason,
    cursor = excluded.cursor,
    candidates = excluded.candidates,
    idempotency_keys = excluded.idempotency_keys;

  delete from public.responses kept
  where kept.decision_id = any (taken)
    and kept.decision_id not in (
      select given.decision_id from json_to_recordset(batch -> 'responses') as given(decision_id text)
    );
  insert into public.responses as kept
    (decision_id, created_at, prompt_tokens, completion_tokens, cost_usd, first_byte_ms, total_ms, estimated, outcome,
     finish_reason, completion_id, attempts)
  select
    given.decision_id, to_timestamp(given.created_at / 1000), given.prompt_tokens, given.completion_tokens,
    given.cost_usd, given.first_byte_ms, given.total_ms, given.estimated, given.outcome, given.finish_reason,
    given.completion_id, given.attempts
  from json_to_recordset(batch -> 'responses') as given(
    decision_id text, created_at double precision, prompt_tokens bigint, completion_tokens bigint,
    cost_usd double precision, first_byte_ms double precision, total_ms double precision, estimated boolean,
    outcome text, finish_reason text, completion_id text, attempts json
  )
  where given.decision_id = any (taken)
  on conflict (decision_id) do update set
    created_at = excluded.created_at,
    prompt_tokens = excluded.prompt_tokens,
    completion_tokens = excluded.completion_tokens,
    cost_usd = excluded.cost_usd,
    first_byte_ms = excluded.first_byte_ms,
    total_ms = excluded.total_ms,
    estimated = excluded.estimated,
    outcome = excluded.outcome,
    finish_reason = excluded.finish_reason,
    completion_id = excluded.completion_id,
    attempts = excluded.attempts
  where (
      kept.created_at, kept.prompt_tokens, kept.completion_tokens, kept.cost_usd, kept.first_byte_ms, kept.total_ms,
      kept.estimated, kept.outcome, kept.finish_reason, kept.completion_id, kept.attempts::text
    ) is distinct from (
      excluded.created_at, excluded.prompt_tokens, excluded.completion_tokens, excluded.cost_usd,
      excluded.first_byte_ms, excluded.total_ms, excluded.estimated, excluded.outcome, excluded.finish_reason,
      excluded.completion_id, excluded.attempts::text
    );

  delete from public.feedback said where said.decision_id = any (taken);
  insert into public.feedback (decision_id, position, value, weight, at, signal, comment)
  select given.decision_id, given.position, given.value, given.weight, to_timestamp(given.at / 1000), given.signal, given.comment
  from json_to_recordset(batch -> 'feedback') as given(
    decision_id text, position integer, value double precision, weight double precision, at double precision,
    signal text, comment text
  )
  where given.decision_id = any (taken);

  delete from public.implicit_feedback said where said.decision_id = any (taken);
  insert into public.implicit_feedback (decision_id, position, value, weight, at, signal, comment)
  select given.decision_id, given.position, given.value, given.weight, to_timestamp(given.at / 1000), given.signal, given.comment
  from json_to_recordset(batch -> 'implicit_feedback') as given(
    decision_id text, position integer, value double precision, weight double precision, at double precision,
    signal text, comment text
  )
  where given.decision_id = any (taken);

  insert into public.log_cursors (log, cursor) values (conduit_ingest.feed || conduit_ingest.log, conduit_ingest.cursor)
  on conflict on constraint log_cursors_pkey do update set cursor = excluded.cursor;

  return json_build_object(
    'outcome', 'ingested',
    'before', public.conduit_cursor_at(before),
    'at', public.conduit_cursor_at(public.conduit_last_seq_of(conduit_ingest.log)),
    'counted', counted
  );
end;
$$;

create function public.conduit_recall(decision_id text) returns json
language sql stable security invoker set search_path = ''
as $$
  select public.conduit_rows_of(d) from public.routing_decisions d where d.decision_id = conduit_recall.decision_id;
$$;

-- Decisions of a log behind a cursor, oldest first, each as it is now, and what whoever has
-- read up to the origin knows of it: a reading began there that goes on at the cursor.
create function public.conduit_read_kept(log text, cursor text, most integer, origin text) returns json
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  since bigint := public.conduit_seq_of(conduit_read_kept.cursor);
  began bigint := coalesce(public.conduit_seq_of(conduit_read_kept.origin), 0);
  upto bigint;
  found json;
begin
  select
    coalesce(json_agg(
      json_build_object(
        'rows', public.conduit_rows_of(entry),
        'counted', case
          when (entry).first_seq > began then '"nothing"'::json
          else json_build_object('reward', (
            select past -> 1
            from jsonb_array_elements((entry).past_rewards) past
            where (past ->> 0)::bigint <= began
            order by (past ->> 0)::bigint desc
            limit 1
          ))
        end
      )
      order by (entry).seq
    ), '[]'),
    max((entry).seq)
  into found, upto
  from (
    select d as entry
    from public.routing_decisions d
    where coalesce(d.router, '') = conduit_read_kept.log and d.seq > coalesce(since, 0)
    order by d.seq
    limit most
  ) entries;
  return json_build_object(
    'entries', found,
    'cursor', public.conduit_cursor_at(coalesce(upto, since, 0)),
    'gap', case when since is null then 'other' end
  );
end;
$$;

-- Keeps a snapshot of what a router has learned, and the one before it. False where a later one is there, or where the cursor
-- is of another database.
create function public.conduit_put_snapshot(router text, cursor text, bytes text) returns boolean
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '5s'
as $$
declare
  upto bigint := public.conduit_seq_of(conduit_put_snapshot.cursor);
begin
  perform pg_advisory_xact_lock(hashtextextended('conduit', 0));
  if upto is null or exists (
    select from public.model_states kept where kept.router = conduit_put_snapshot.router and kept.seq > upto
  ) then
    return false;
  end if;
  insert into public.model_states (router, seq, bytes)
  values (conduit_put_snapshot.router, upto, decode(conduit_put_snapshot.bytes, 'base64'))
  on conflict on constraint model_states_pkey do update set bytes = excluded.bytes, created_at = excluded.created_at;
  delete from public.model_states kept
  where kept.router = conduit_put_snapshot.router
    and kept.seq not in (
      select latest.seq from public.model_states latest
      where latest.router = conduit_put_snapshot.router
      order by latest.seq desc
      limit 2
    );
  return true;
end;
$$;

-- Forgets a router's snapshots.
create function public.conduit_drop_snapshots(router text) returns void
language sql volatile security invoker set search_path = ''
as $$
  delete from public.model_states state where state.router = conduit_drop_snapshots.router;
$$;

-- The latest first.
create function public.conduit_read_snapshots(router text) returns json
language sql stable security invoker set search_path = ''
as $$
  select coalesce(json_agg(json_build_object(
    'cursor', public.conduit_cursor_at(kept.seq),
    -- In lines of 76 characters it would not be JSON for everybody.
    'bytes', translate(encode(kept.bytes, 'base64'), E'\n', '')
  ) order by kept.seq desc), '[]')
  from public.model_states kept
  where kept.router = conduit_read_snapshots.router;
$$;

create function public.conduit_logs() returns json
language sql stable security invoker set search_path = ''
as $$
  -- From each name in the index to the next, and not over all decisions.
  with recursive names(log) as (
    select min(coalesce(d.router, '')) from public.routing_decisions d
    union all
    select (select min(coalesce(d.router, '')) from public.routing_decisions d where coalesce(d.router, '') > names.log)
    from names
    where names.log is not null
  )
  select coalesce(json_agg(names.log), '[]') from names where names.log is not null;
$$;

create function public.conduit_cursor_of(log text, feed text) returns text
language sql stable security invoker set search_path = ''
as $$
  select kept.cursor from public.log_cursors kept where kept.log = conduit_cursor_of.feed || conduit_cursor_of.log;
$$;

-- Forgets decisions made before a time (milliseconds since 1970), the oldest first and not more than `most`; gives how many.
create function public.conduit_forget(before double precision, most integer) returns integer
language plpgsql volatile security invoker set search_path = '' set lock_timeout = '5s'
as $$
declare
  gone text[];
begin
  perform pg_advisory_xact_lock(hashtextextended('conduit', 0));
  select coalesce(array_agg(old.decision_id), '{}') into gone
  from (
    select d.decision_id
    from public.routing_decisions d
    where d.created_at < to_timestamp(conduit_forget.before / 1000)
    order by d.created_at
    limit most
  ) old;
  delete from public.queries said where said.decision_id = any (gone);
  delete from public.responses said where said.decision_id = any (gone);
  delete from public.feedback said where said.decision_id = any (gone);
  delete from public.implicit_feedback said where said.decision_id = any (gone);
  delete from public.routing_decisions said where said.decision_id = any (gone);
  return cardinality(gone);
end;
$$;

-- Views -------------------------------------------------------------------------------------------------------------------------

create view public.routing_analytics with (security_invoker = true) as
select
  (d.created_at at time zone 'UTC')::date as day,
  d.router,
  d.model,
  count(*) as decisions,
  count(*) filter (where d.reason in ('explore', 'warmup')) as explored,
  count(*) filter (where d.reason = 'fallback') as fallbacks,
  count(*) filter (where r.outcome = 'completed') as completed,
  count(*) filter (where r.outcome in ('upstream_error', 'upstream_drop', 'timeout')) as failed,
  count(d.reward) as rated,
  avg(d.reward) as mean_reward,
  coalesce(sum(r.cost_usd), 0) as cost_usd,
  coalesce(sum(r.prompt_tokens), 0) as prompt_tokens,
  coalesce(sum(r.completion_tokens), 0) as completion_tokens,
  avg(r.first_byte_ms) as mean_first_byte_ms,
  avg(r.total_ms) as mean_total_ms,
  avg(d.propensity) as mean_propensity
from public.routing_decisions d
left join public.responses r on r.decision_id = d.decision_id
group by 1, 2, 3;
comment on view public.routing_analytics is 'By day (UTC), router and model: calls, how they went, what they cost';

create view public.implicit_feedback_analytics with (security_invoker = true) as
select
  (d.created_at at time zone 'UTC')::date as day,
  d.router,
  d.model,
  f.signal,
  count(*) as signals,
  avg(f.value) as mean_value,
  avg(f.weight) as mean_weight,
  count(distinct f.decision_id) as decisions
from public.implicit_feedback f
join public.routing_decisions d on d.decision_id = f.decision_id
group by 1, 2, 3, 4;
comment on view public.implicit_feedback_analytics is 'By day of the call (UTC), router, model and signal: what people did with answers';

create view public.combined_feedback_analytics with (security_invoker = true) as
with explicit as (
  select decision_id, avg(value) as mean from public.feedback group by decision_id
), implicit as (
  select decision_id, sum(value * weight) as weighted, sum(weight) as weight from public.implicit_feedback group by decision_id
)
select
  d.router,
  d.model,
  count(*) as decisions,
  count(explicit.decision_id) as explicit,
  count(implicit.decision_id) as implicit,
  count(*) filter (where explicit.decision_id is not null and implicit.decision_id is not null) as "both",
  avg(explicit.mean) as mean_explicit,
  sum(implicit.weighted) / nullif(sum(implicit.weight), 0) as mean_implicit,
  avg(d.reward) as mean_reward
from public.routing_decisions d
left join explicit on explicit.decision_id = d.decision_id
left join implicit on implicit.decision_id = d.decision_id
group by d.router, d.model;
comment on view public.combined_feedback_analytics is 'By router and model: what people said of answers, and what they did with them';

create view public.usage_by_key with (security_invoker = true) as
select
  d.created_at,
  q.key,
  d.router,
  q.call,
  d.model,
  d.decision_id,
  r.outcome,
  r.prompt_tokens,
  r.completion_tokens,
  r.cost_usd,
  r.estimated
from public.routing_decisions d
join public.queries q on q.decision_id = d.decision_id
left join public.responses r on r.decision_id = d.decision_id;
comment on view public.usage_by_key is 'One row a call, for usage-based billing';

-- Who may ------------------------------------------------------------------------------------------------------------------------

-- No policy: nobody sees a row but the service role, which goes by none, and the owner.
alter table public.queries enable row level security;
alter table public.routing_decisions enable row level security;
alter table public.responses enable row level security;
alter table public.feedback enable row level security;
alter table public.implicit_feedback enable row level security;
alter table public.model_states enable row level security;
alter table public.log_cursors enable row level security;
alter table public.store_identity enable row level security;

-- Supabase grants what is new in `public` to all of its roles, or to none, by the project's settings; a plain PostgreSQL has
-- not got these roles.
do $$
declare
  relations constant text := 'public.queries, public.routing_decisions, public.responses, public.feedback, '
    'public.implicit_feedback, public.model_states, public.log_cursors, public.store_identity, '
    'public.routing_analytics, public.implicit_feedback_analytics, public.combined_feedback_analytics, public.usage_by_key';
  functions constant text := 'public.conduit_last_seq(), public.conduit_last_seq_of(text), public.conduit_cursor_at(bigint), public.conduit_seq_of(text), '
    'public.conduit_real(double precision), public.conduit_drop_snapshots(text), public.conduit_candidates_from(json), public.conduit_candidates_to(public.conduit_candidate[]), '
    'public.conduit_rows_of(public.routing_decisions), public.conduit_ingest(text, text, text, text, json), '
    'public.conduit_recall(text), public.conduit_read_kept(text, text, integer, text), '
    'public.conduit_put_snapshot(text, text, text), public.conduit_read_snapshots(text), public.conduit_logs(), '
    'public.conduit_cursor_of(text, text), public.conduit_forget(double precision, integer)';
  one text;
begin
  execute format('revoke all on function %s from public', functions);
  foreach one in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = one) then
      execute format('revoke all on %s from %I', relations, one);
      execute format('revoke all on sequence public.conduit_seq from %I', one);
      execute format('revoke all on function %s from %I', functions, one);
    end if;
  end loop;
  if exists (select from pg_roles where rolname = 'service_role') then
    execute format('grant select, insert, update, delete on %s to service_role', relations);
    grant usage, select on sequence public.conduit_seq to service_role;
    execute format('grant execute on function %s to service_role', functions);
  end if;
end;
$$;

-- So that the API knows of the functions at once.
notify pgrst, 'reload schema';
