-- A database that was written before changes of arms were kept: its tables, two decisions of which one was rated, its views.

CREATE TABLE schema_version (version integer not null);

INSERT INTO schema_version VALUES (1);

INSERT INTO schema_version VALUES (2);

CREATE TABLE store_identity (id text not null, seq integer not null);

INSERT INTO store_identity VALUES ('74d7eed3b7fe', 1000000);

CREATE TABLE log_cursors (log text primary key, cursor text not null) without rowid;

INSERT INTO log_cursors VALUES ('auto', '2');

CREATE TABLE queries (
  decision_id text primary key,
  created_at integer not null,
  router text,
  call text,
  key text,
  encoder text,
  x text,
  prompt_tokens_estimate integer
) without rowid;

INSERT INTO queries VALUES ('dec_019ab697e80100000000000000000001', 1764000000001, 'auto', 'chat/completions', 'web', 'hand-1', '[1,-0.1234,0,0.9999,-3.5]', 250);

INSERT INTO queries VALUES ('dec_019ab697e80200000000000000000002', 1764000000002, 'auto', 'chat/completions', 'web', 'hand-1', '[1,-0.1234,0,0.9999,-3.5]', 250);

CREATE TABLE routing_decisions (
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
  past_labels text
, label text, label_before text, turn integer, retry integer);

INSERT INTO routing_decisions VALUES (1000001, 'dec_019ab697e80100000000000000000001', 1764000000001, 'auto', 1, 'openai/small', 'openai/small', 'explore', 0.30000000000000004, 0.123456789012345, 'a1b2-1', NULL, NULL, '[["openai/large",0,0.3333,1e-9,0.9999,0,12.25,1234.6,-0.12346],["openai/small",0.14285714285714285,0.3333,1e-9,0.9999,1.5e-7,12.25,1234.6,-0.12346],["local/tiny",0.2857142857142857,0.3333,1e-9,0.9999,3e-7,12.25,1234.6,-0.12346,"context too small: “128k”"]]', '[]', 1000001, 0, NULL, '[null,0,0,0,1]', NULL, 3, 1);

INSERT INTO routing_decisions VALUES (1000003, 'dec_019ab697e80200000000000000000002', 1764000000002, 'auto', 2, 'local/tiny', 'local/tiny', 'explore', 0.30000000000000004, 0.123456789012345, 'a1b2-2', 1, NULL, '[["openai/large",0,0.3333,1e-9,0.9999,0,12.25,1234.6,-0.12346],["openai/small",0.14285714285714285,0.3333,1e-9,0.9999,1.5e-7,12.25,1234.6,-0.12346],["local/tiny",0.2857142857142857,0.3333,1e-9,0.9999,3e-7,12.25,1234.6,-0.12346,"context too small: “128k”"]]', '["k"]', 1000002, 2, '[[1000002,[null,0,2,3,0.5]]]', '[1,1,2,3,0.5]', '[null,0,2,3,0.5]', 3, 1);

CREATE TABLE responses (
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

INSERT INTO responses VALUES ('dec_019ab697e80100000000000000000001', 1764000000001, 'completed', 'stop', 240, 300, 0.00123, 0, 'chatcmpl-1', 210.75, 3000.125, '[["openai/large","upstream_error",500,null,12.5],["openai/small","completed",200,210.75,3000.125]]');

INSERT INTO responses VALUES ('dec_019ab697e80200000000000000000002', 1764000000002, 'completed', 'stop', 240, 300, 0.00123, 0, 'chatcmpl-2', 210.75, 3000.125, '[["openai/large","upstream_error",500,null,12.5],["local/tiny","completed",200,210.75,3000.125]]');

CREATE TABLE feedback (
  decision_id text,
  position integer,
  signal text,
  value real,
  weight real,
  at integer,
  comment text,
  primary key (decision_id, signal)
) without rowid;

INSERT INTO feedback VALUES ('dec_019ab697e80200000000000000000002', 1, 'thumbs', 1, 1, 1764000120000, 'good');

CREATE TABLE implicit_feedback (
  decision_id text,
  position integer,
  signal text,
  value real,
  weight real,
  at integer,
  comment text,
  primary key (decision_id, position)
) without rowid;

INSERT INTO implicit_feedback VALUES ('dec_019ab697e80200000000000000000002', 0, 'continued', 1, 0.125, 1764000060000, NULL);

CREATE TABLE model_states (
  router text not null,
  seq integer not null,
  created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
  bytes blob not null,
  primary key (router, seq)
);

CREATE TABLE costs_by_day (
  day integer,
  router text,
  key text,
  usd real not null,
  primary key (day, router, key)
) without rowid;

INSERT INTO costs_by_day VALUES (20416, 'auto', 'web', 0.00246);

CREATE TABLE decision_names (decision_id text primary key, names text not null) without rowid;

INSERT INTO decision_names VALUES ('dec_019ab697e80100000000000000000001', '["n1"]');

INSERT INTO decision_names VALUES ('dec_019ab697e80200000000000000000002', '["n1"]');

CREATE INDEX routing_decisions_by_router on routing_decisions (router);

CREATE VIEW routing_analytics as
select
  date(d.created_at / 1000, 'unixepoch') as day,
  d.router,
  d.model,
  count(*) as decisions,
  count(*) filter (where d.reason in ('explore', 'warmup')) as explored,
  count(*) filter (where d.reason = 'fallback') as fallbacks,
  count(*) filter (where r.outcome = 'completed') as completed,
  count(*) filter (where r.outcome in ('upstream_error', 'upstream_drop', 'timeout')) as failed,
  count(d.reward) as rated,
  avg(d.reward) as mean_reward,
  total(r.cost_usd) as cost_usd,
  coalesce(sum(r.prompt_tokens), 0) as prompt_tokens,
  coalesce(sum(r.completion_tokens), 0) as completion_tokens,
  avg(r.first_byte_ms) as mean_first_byte_ms,
  avg(r.total_ms) as mean_total_ms,
  avg(d.propensity) as mean_propensity
from routing_decisions d left join responses r on r.decision_id = d.decision_id
group by 1, 2, 3;

CREATE VIEW implicit_feedback_analytics as
select
  date(d.created_at / 1000, 'unixepoch') as day,
  d.router,
  d.model,
  f.signal,
  count(*) as signals,
  avg(f.value) filter (where f.weight > 0) as mean_value,
  avg(f.weight) as mean_weight,
  count(distinct f.decision_id) as decisions
from implicit_feedback f join routing_decisions d on d.decision_id = f.decision_id
group by 1, 2, 3, 4;

CREATE VIEW combined_feedback_analytics as
with explicit as (
  select decision_id, avg(value) as mean from feedback group by decision_id
), implicit as (
  select decision_id, sum(value * weight) as weighted, sum(weight) as weight from implicit_feedback
  where weight > 0 group by decision_id
)
select
  d.router,
  d.model,
  count(*) as decisions,
  count(e.decision_id) as explicit,
  count(i.decision_id) as implicit,
  count(*) filter (where e.decision_id is not null and i.decision_id is not null) as both,
  avg(e.mean) as mean_explicit,
  sum(i.weighted) / nullif(sum(i.weight), 0) as mean_implicit,
  avg(d.reward) as mean_reward
from routing_decisions d
left join explicit e on e.decision_id = d.decision_id
left join implicit i on i.decision_id = d.decision_id
group by 1, 2;

CREATE VIEW usage_by_key as
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
from routing_decisions d
join queries q on q.decision_id = d.decision_id
left join responses r on r.decision_id = d.decision_id;
