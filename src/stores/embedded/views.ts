/** What is asked of the tables most often, as views: the same by name and column in Supabase. */

export const NO_VIEWS = `
drop view if exists routing_analytics;
drop view if exists implicit_feedback_analytics;
drop view if exists combined_feedback_analytics;
drop view if exists usage_by_key;
`;

/** A signal that weighs nothing says that there is no verdict: it is counted, and no opinion. */
export const VIEWS = `
create view routing_analytics as
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

create view implicit_feedback_analytics as
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

create view combined_feedback_analytics as
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

create view usage_by_key as
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
from routing_decisions d
join queries q on q.decision_id = d.decision_id
left join responses r on r.decision_id = d.decision_id;
`;
