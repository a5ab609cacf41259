/** Appends the next version of a decision, which is then the one that is found. */
import { APPEND, EPOCH, FIND } from './parts.ts';

export const REVISE = `
--[[
  KEYS[1]   the epoch
  KEYS[2]   the log of its router
  KEYS[3]   the bucket of its pointer
  KEYS[4]   where it is if it was taken back

  ARGV      as of remember, but for its last three

  Gives the epoch, the version's place, and how long the log is, also where just this was written before; or the epoch alone
  where the decision is another than the one before it, and nothing for a place where it is gone.
]]
${EPOCH}${FIND}${APPEND}
local epoch = epochOf(KEYS[1], ARGV[1])
local texts, bytes, place = entryOf(ARGV[8], ARGV[7])
if not bytes or not isOf(bytes, ARGV[6]) then return {epoch, ''} end
if place and bytes == ARGV[5] and texts == ARGV[4] then return {epoch, place, redis.call('XLEN', KEYS[2])} end
if versionOf(bytes) ~= versionOf(ARGV[5]) - 1 then return {epoch} end
place = append(KEYS[2], KEYS[3], ARGV[7], ARGV[3], ARGV[4], ARGV[5], ARGV[9], ARGV[2])
redis.call('DEL', KEYS[4])
return {epoch, place, redis.call('XLEN', KEYS[2])}
`;
