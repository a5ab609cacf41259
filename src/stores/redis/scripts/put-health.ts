/** Keeps what is known of a rest, unless what is kept is as late or later. */
export const PUT_HEALTH = `
--[[
  KEYS[1]  the hash of all that is known: "UNTIL;AT;" and the knowledge, by what it is about

  ARGV[1]  what it is about
  ARGV[2]  when it became known, in milliseconds since 1970
  ARGV[3]  for how many milliseconds it is kept, by the clock of Redis
  ARGV[4]  the knowledge

  Gives 1 where it was kept, 0 where something later was known.
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if kept then
  local untilMs, at = string.match(kept, '^(%d+);([^;]+);')
  if untilMs and tonumber(untilMs) > now and tonumber(at) >= tonumber(ARGV[2]) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f;%s;', now + ARGV[3], ARGV[2]) .. ARGV[4])
-- Goes with the last of what it holds.
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1
`;
