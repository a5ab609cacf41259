/** Tells whether an entry that a log had is still there, or was trimmed since. */
import { PLACES } from './parts.ts';

export const STILL_THERE = `
--[[
  KEYS[1]  the epoch
  KEYS[2]  the log
  KEYS[3]  its marks

  ARGV[1]  the entry's place
  ARGV[2]  its bytes

  Gives the epoch or nothing, and 1 where it is.
]]
${PLACES}
local epoch = redis.call('GET', KEYS[1]) or ''
local found = redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1])[1]
if found then return {epoch, found[2][2] == ARGV[2] and 1 or 0} end
local trimmed = redis.call('HGET', KEYS[3], 'trimmed')
return {epoch, trimmed and not isBefore(trimmed, ARGV[1]) and 1 or 0}
`;
