/** Reads a log behind a cursor, and tells what is missing there. */
import { EPOCH, PLACES } from './parts.ts';

export const READ_LOG = `
--[[
  KEYS[1]  the epoch
  KEYS[2]  the log
  KEYS[3]  its marks

  ARGV[1]  an epoch, if there is none
  ARGV[2]  the cursor's epoch; empty for the start of whichever log is there
  ARGV[3]  the cursor's place
  ARGV[4]  how many entries at most

  Gives the epoch, what is missing ('trimmed', 'other' or nothing), and the entries.
]]
${EPOCH}${PLACES}
local epoch = epochOf(KEYS[1], ARGV[1])
local after = ARGV[3]
local gap = ''
if ARGV[2] ~= '' and ARGV[2] ~= epoch then
  after = '0-0'
  gap = 'other'
else
  local trimmed = redis.call('HGET', KEYS[3], 'trimmed')
  if trimmed and isBefore(after, trimmed) then gap = 'trimmed' end
end
return {epoch, gap, redis.call('XRANGE', KEYS[2], '(' .. after, '+', 'COUNT', ARGV[4])}
`;
