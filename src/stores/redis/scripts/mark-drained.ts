/** Marks up to where a durable store has a log. */
import { EPOCH, PLACES } from './parts.ts';

export const MARK_DRAINED = `
--[[
  KEYS[1]  the epoch
  KEYS[2]  the log's marks

  ARGV[1]  an epoch, if there is none
  ARGV[2]  the cursor's epoch
  ARGV[3]  the cursor's place
]]
${EPOCH}${PLACES}
if ARGV[2] ~= epochOf(KEYS[1], ARGV[1]) then return 0 end
local drained = redis.call('HGET', KEYS[2], 'drained')
if drained and not isBefore(drained, ARGV[3]) then return 0 end
redis.call('HSET', KEYS[2], 'drained', ARGV[3])
return 1
`;
