/** Keeps a snapshot before the one that was the latest so far, unless that stands later or the log is another. */
import { EPOCH, PLACES } from './parts.ts';

export const PUT_SNAPSHOT = `
--[[
  KEYS[1]  the epoch
  KEYS[2]  the router's snapshots

  ARGV[1]  an epoch, if there is none
  ARGV[2]  the cursor's epoch
  ARGV[3]  the cursor
  ARGV[4]  the bytes

  Gives the epoch, and 1 where it was kept.
]]
${EPOCH}${PLACES}
local epoch = epochOf(KEYS[1], ARGV[1])
if ARGV[2] ~= epoch then return {epoch, 0} end
local latest = redis.call('HGET', KEYS[2], 'latest')
if latest and isBefore(ARGV[3], latest) then return {epoch, 0} end
if latest and latest ~= ARGV[3] then
  redis.call('HSET', KEYS[2], 'older', latest, 'older bytes', redis.call('HGET', KEYS[2], 'latest bytes'))
end
redis.call('HSET', KEYS[2], 'latest', ARGV[3], 'latest bytes', ARGV[4])
return {epoch, 1}
`;
