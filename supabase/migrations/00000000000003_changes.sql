-- With which decision an arm was found to have changed, and how much of each prompt a provider might have had in its cache, and
-- had.

-- Tables ------------------------------------------------------------------------------------------------------------------

alter table public.routing_decisions
  add column prefix_tokens bigint,
  add column worth_before double precision;
comment on column public.routing_decisions.prefix_tokens is 'Tokens that the provider might have in its cache, from an earlier answer of the conversation; null where there was none';
comment on column public.routing_decisions.worth_before is 'Where the model was found to have changed with this decision: how often what it had shown before counts from then on; else null';
alter table public.responses add column cached_tokens bigint;
comment on column public.responses.cached_tokens is 'Of the prompt''s tokens those that the provider had in its cache; null where it told nothing';

-- Functions -----------------------------------------------------------------------------------------------------------------

-- Those that take or give decisions call an argument otherwise than before: a gateway that knows of no changes is told that they
-- are missing, as one of this release is before this migration. What either has waits, and no change is lost.
drop function public.conduit_ingest(text, text, text, text, json);
drop function public.conduit_read_kept(text, text, integer, text);

create or replace function public.conduit_rows_of(decision public.routing_decisions) returns json
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
      'label', coalesce(decision.label, public.conduit_label_of(decision.reward)),
      'label_before', decision.label_before,
      'turn', coalesce(decision.turn, 0),
      'retry', coalesce(decision.retry, 0),
      'prefix_tokens', decision.prefix_tokens,
      'worth_before', decision.worth_before,
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
        'cached_tokens', r.cached_tokens,
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
-- `rows_by_table` has a list of rows for each of the five tables, and each decision in it once. Sent again, or by two at a time, it
-- counts once: the cursor must be where the batch begins.
create function public.conduit_ingest(log text, feed text, after text, cursor text, rows_by_table json) returns json
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
      case when kept.version is null then '"nothing"'::json else json_build_object(
        'label', coalesce(kept.label, public.conduit_label_of(kept.reward))
      ) end
    )
  into taken, counted
  from json_to_recordset(rows_by_table -> 'routing_decisions') as given(decision_id text, version integer)
  left join public.routing_decisions kept on kept.decision_id = given.decision_id
  where kept.version is null or kept.version < given.version;

  insert into public.queries as kept
    (decision_id, created_at, prompt_tokens_estimate, router, call, key, encoder, x)
  select
    given.decision_id, to_timestamp(given.created_at / 1000), given.prompt_tokens_estimate, given.router, given.call,
    given.key, given.encoder, given.x
  from json_to_recordset(rows_by_table -> 'queries') as given(
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
    (decision_id, seq, first_seq, created_at, propensity, uniform, reward, version, router, chosen, model, reason, cursor,
     candidates, idempotency_keys, label, label_before, turn, retry, prefix_tokens, worth_before)
  select
    given.decision_id, nextval('public.conduit_seq'), currval('public.conduit_seq'),
    to_timestamp(given.created_at / 1000), given.propensity, given.uniform, given.reward, given.version, given.router,
    given.chosen, given.model, given.reason, given.cursor, public.conduit_candidates_from(given.candidates),
    given.idempotency_keys, given.label, given.label_before, least(given.turn, 32767), least(given.retry, 32767),
    given.prefix_tokens, given.worth_before
  from json_to_recordset(rows_by_table -> 'routing_decisions') as given(
    decision_id text, created_at double precision, propensity double precision, uniform double precision,
    reward double precision, version integer, router text, chosen text, model text, reason text, cursor text,
    candidates json, idempotency_keys json, label json, label_before json, turn bigint, retry bigint,
    prefix_tokens bigint, worth_before double precision
  )
  where given.decision_id = any (taken)
  on conflict (decision_id) do update set
    past_labels = coalesce(kept.past_labels, '[]') || jsonb_build_array(
      jsonb_build_array(kept.seq, coalesce(kept.label, public.conduit_label_of(kept.reward)))
    ),
    seq = excluded.seq,
    created_at = excluded.created_at,
    propensity = excluded.propensity,
    uniform = excluded.uniform,
    reward = excluded.reward,
    version = excluded.version,
    router = excluded.router,
    chosen = excluded.chosen,
    model = excluded.model,
    reason = excluded.reason,
    cursor = excluded.cursor,
    candidates = excluded.candidates,
    idempotency_keys = excluded.idempotency_keys,
    label = excluded.label,
    label_before = excluded.label_before,
    turn = excluded.turn,
    retry = excluded.retry,
    prefix_tokens = excluded.prefix_tokens,
    worth_before = excluded.worth_before;

  delete from public.responses kept
  where kept.decision_id = any (taken)
    and kept.decision_id not in (
      select given.decision_id from json_to_recordset(rows_by_table -> 'responses') as given(decision_id text)
    );
  insert into public.responses as kept
    (decision_id, created_at, prompt_tokens, completion_tokens, cost_usd, first_byte_ms, total_ms, estimated, outcome,
     finish_reason, completion_id, attempts, cached_tokens)
  select
    given.decision_id, to_timestamp(given.created_at / 1000), given.prompt_tokens, given.completion_tokens,
    given.cost_usd, given.first_byte_ms, given.total_ms, given.estimated, given.outcome, given.finish_reason,
    given.completion_id, given.attempts, given.cached_tokens
  from json_to_recordset(rows_by_table -> 'responses') as given(
    decision_id text, created_at double precision, prompt_tokens bigint, completion_tokens bigint,
    cost_usd double precision, first_byte_ms double precision, total_ms double precision, estimated boolean,
    outcome text, finish_reason text, completion_id text, attempts json, cached_tokens bigint
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
    attempts = excluded.attempts,
    cached_tokens = excluded.cached_tokens
  where (
      kept.created_at, kept.prompt_tokens, kept.completion_tokens, kept.cost_usd, kept.first_byte_ms, kept.total_ms,
      kept.estimated, kept.outcome, kept.finish_reason, kept.completion_id, kept.attempts::text,
      kept.cached_tokens
    ) is distinct from (
      excluded.created_at, excluded.prompt_tokens, excluded.completion_tokens, excluded.cost_usd,
      excluded.first_byte_ms, excluded.total_ms, excluded.estimated, excluded.outcome, excluded.finish_reason,
      excluded.completion_id, excluded.attempts::text, excluded.cached_tokens
    );

  delete from public.feedback said where said.decision_id = any (taken);
  insert into public.feedback (decision_id, position, value, weight, at, signal, comment)
  select given.decision_id, given.position, given.value, given.weight, to_timestamp(given.at / 1000), given.signal, given.comment
  from json_to_recordset(rows_by_table -> 'feedback') as given(
    decision_id text, position integer, value double precision, weight double precision, at double precision,
    signal text, comment text
  )
  where given.decision_id = any (taken);

  delete from public.implicit_feedback said where said.decision_id = any (taken);
  insert into public.implicit_feedback (decision_id, position, value, weight, at, signal, comment)
  select given.decision_id, given.position, given.value, given.weight, to_timestamp(given.at / 1000), given.signal, given.comment
  from json_to_recordset(rows_by_table -> 'implicit_feedback') as given(
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

-- Decisions of a log behind a cursor, oldest first, each as it is now, and what whoever has
-- read up to the origin knows of it: a reading began there that goes on at the cursor.
create function public.conduit_read_kept(log text, cursor text, batch integer, origin text) returns json
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
          else json_build_object('label', (
            select past -> 1
            from jsonb_array_elements((entry).past_labels) past
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
    limit batch
  ) entries;
  return json_build_object(
    'entries', found,
    'cursor', public.conduit_cursor_at(coalesce(upto, since, 0)),
    'gap', case when since is null then 'other' end
  );
end;
$$;

-- Views -------------------------------------------------------------------------------------------------------------------------

create or replace view public.usage_by_key with (security_invoker = true) as
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
  r.estimated,
  r.cached_tokens
from public.routing_decisions d
join public.queries q on q.decision_id = d.decision_id
left join public.responses r on r.decision_id = d.decision_id;

-- Who may ------------------------------------------------------------------------------------------------------------------------

do $$
declare
  functions constant text :=
    'public.conduit_ingest(text, text, text, text, json), public.conduit_read_kept(text, text, integer, text)';
  one text;
begin
  execute format('revoke all on function %s from public', functions);
  foreach one in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = one) then
      execute format('revoke all on function %s from %I', functions, one);
    end if;
  end loop;
  if exists (select from pg_roles where rolname = 'service_role') then
    execute format('grant execute on function %s to service_role', functions);
  end if;
end;
$$;

-- So that the API knows of the functions at once.
notify pgrst, 'reload schema';
