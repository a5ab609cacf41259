/** Keeps a snapshot before the one that was the latest so far, unless that stands later or the log is another. */
import { EPOCH, PLACES } from './parts.ts';

export const PUT_SNAPSHOT = `
--[[
  KEYS[1]  the epoch
  KEYS[2]  the cursors of the router's snapshots
  KEYS[3]  where the bytes are until now
  KEYS[4]  where they are kept

  ARGV[1]  an epoch, if there is none
  ARGV[2]  the cursor's epoch
  ARGV[3]  the cursor
  ARGV[4]  what the keys of the router's other snapshots begin with, before their cursors

  Gives the epoch, and 1 where it was kept, 0 where it was not, -1 where its bytes are gone.
]]
${EPOCH}${PLACES}
local epoch = epochOf(KEYS[1], ARGV[1])
local latest = redis.call('HGET', KEYS[2], 'latest')
if ARGV[2] ~= epoch or (latest and isBefore(ARGV[3], latest)) then
  redis.call('DEL', KEYS[3])
  return {epoch, 0}
end
if redis.call('EXISTS', KEYS[3]) == 0 then return {epoch, -1} end
if latest and latest ~= ARGV[3] then
  local older = redis.call('HGET', KEYS[2], 'older')
  if older then redis.call('DEL', ARGV[4] .. older) end
  redis.call('HSET', KEYS[2], 'older', latest)
end
redis.call('HSET', KEYS[2], 'latest', ARGV[3])
redis.call('RENAME', KEYS[3], KEYS[4])
redis.call('PERSIST', KEYS[4])
return {epoch, 1}
`;
