/** Takes back a decision that the log no longer has; it is in no log until it is revised. */
import { FIND } from './parts.ts';

export const REVIVE = `
--[[
  KEYS[1]  where it goes
  KEYS[2]  the bucket that its pointer would be in

  ARGV[1]  its texts
  ARGV[2]  its bytes
  ARGV[3]  the bytes of its id
  ARGV[4]  its handle
  ARGV[5]  the stretch of time of its pointer
  ARGV[6]  for how many milliseconds it is kept
]]
${FIND}
local _, bytes = entryOf(ARGV[5], ARGV[4])
if bytes and isOf(bytes, ARGV[3]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 1
`;
