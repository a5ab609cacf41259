/** Reads what is known of all rests, and forgets what has been kept for long enough. */
export const READ_HEALTH = `
--[[
  KEYS[1]  the hash of all that is known, as put-health keeps it

  Gives what each is about and the knowledge, in turn.
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local all = redis.call('HGETALL', KEYS[1])
local known = {}
for i = 1, #all, 2 do
  local untilMs, start = string.match(all[i + 1], '^(%d+);[^;]+;()')
  if untilMs and tonumber(untilMs) > now then
    known[#known + 1] = all[i]
    known[#known + 1] = string.sub(all[i + 1], start)
  else
    redis.call('HDEL', KEYS[1], all[i])
  end
end
return known
`;
