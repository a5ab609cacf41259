/** Keeps a decision and its names, unless this version or a later one is there: all of it or nothing, and once. */
import { APPEND, EPOCH, FIND, PLACES } from './parts.ts';

export const REMEMBER = `
--[[
  KEYS[1]    the epoch
  KEYS[2]    the log of its router
  KEYS[3]    the bucket that its pointer goes into
  KEYS[4]    where it is if it was taken back
  KEYS[5]    the log's marks
  KEYS[6…]   for each name the bucket that it goes into

  ARGV[1]    an epoch, if there is none
  ARGV[2]    the channel on which growth is told
  ARGV[3]    the log's name
  ARGV[4]    the texts that its log's decisions have in common
  ARGV[5]    the decision's bytes
  ARGV[6]    the bytes of its id
  ARGV[7]    its handle
  ARGV[8]    the stretch of time of its pointer
  ARGV[9]    for how many milliseconds a bucket is kept from its first field on
  ARGV[10]   1 where it comes late: names that another decision has by now stay with that, and it may have been in the log before
  ARGV[11]   what is kept under each name
  ARGV[12…]  for each name its field

  Gives the epoch, the decision's place, and how long the log is; or the epoch, the place or nothing, 0, and the texts and
  bytes of the version that is there: a repeat of what seemed to fail changes nothing. One that comes late and was trimmed
  meanwhile is a repeat too, without texts and bytes.
]]
${EPOCH}${PLACES}${FIND}${APPEND}
local epoch = epochOf(KEYS[1], ARGV[1])
local late = ARGV[10] == '1'
local function name()
  local set = late and 'HSETNX' or 'HSET'
  for i = 6, #KEYS do
    redis.call(set, KEYS[i], ARGV[i + 6], ARGV[11])
    if redis.call('PTTL', KEYS[i]) < 0 then redis.call('PEXPIRE', KEYS[i], ARGV[9]) end
  end
end
local texts, bytes, place, last = entryOf(ARGV[8], ARGV[7])
if bytes and isOf(bytes, ARGV[6]) then
  -- One that was only taken back is in no log yet.
  local isThere = place or bytes ~= ARGV[5]
  if isThere and versionOf(bytes) >= versionOf(ARGV[5]) then
    -- Who wrote it again first may not have known its names.
    if late then name() end
    return {epoch, place or '', 0, texts, bytes}
  end
elseif late and last and not bytes then
  local trimmed = redis.call('HGET', KEYS[5], 'trimmed')
  if trimmed and not isBefore(trimmed, last) then
    name()
    return {epoch, '', 0}
  end
end
place = append(KEYS[2], KEYS[3], ARGV[7], ARGV[3], ARGV[4], ARGV[5], ARGV[9], ARGV[2], late)
redis.call('DEL', KEYS[4])
name()
return {epoch, place, redis.call('XLEN', KEYS[2])}
`;
