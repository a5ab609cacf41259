/** Gives something to one holder for a time, who may have it again before that is over. */
export const LEASE = `
--[[
  KEYS[1]  the lease

  ARGV[1]  who asks
  ARGV[2]  for how many milliseconds
]]
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;
