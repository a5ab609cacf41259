/** Takes off a log's beginning what nobody needs any more. */
import { PLACES } from './parts.ts';

export const TRIM = `
--[[
  KEYS[1]  the log
  KEYS[2]  its marks
  KEYS[3]  the snapshots of its router

  ARGV[1]  how many entries stay at most
  ARGV[2]  how many stay in any case
  ARGV[3]  1 where folds are made of it, so that the older snapshot has to cover what goes
  ARGV[4]  the place before which nothing is kept for its own sake, if no durable store takes it first; else empty
  ARGV[5]  how many entries are looked at at once
  ARGV[6]  how often

  Gives 1 where there may be more to take off. The entry that was taken off last is marked, for who has not read so far.
]]
${PLACES}
local covered = redis.call('HGET', KEYS[2], 'drained')
if not covered and ARGV[4] ~= '' then covered = ARGV[4] end
if covered and ARGV[3] == '1' then
  local older = redis.call('HGET', KEYS[3], 'older')
  if not older then covered = nil
  elseif isBefore(older, covered) then covered = older end
end
local length = redis.call('XLEN', KEYS[1])
for _ = 1, tonumber(ARGV[6]) do
  local entries = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[5])
  local last
  local going = 0
  for _, entry in ipairs(entries) do
    local left = length - going
    local isCovered = covered and not isBefore(covered, entry[1])
    if left <= tonumber(ARGV[1]) and not (isCovered and left > tonumber(ARGV[2])) then break end
    last = entry[1]
    going = going + 1
  end
  if not last then return 0 end
  local ms, seq = partsOf(last)
  redis.call('HSET', KEYS[2], 'trimmed', last)
  redis.call('XTRIM', KEYS[1], 'MINID', string.format('%.0f-%d', ms, seq + 1))
  length = length - going
  if going < #entries then return 0 end
end
return 1
`;
