/** Adds to a counter that vanishes some time after its first addition. */
export const ADD = `
--[[
  KEYS[1]  the counter

  ARGV[1]  what is added, with or without a fraction
  ARGV[2]  for how many milliseconds it is kept from its first addition on

  Gives its new value, as text: a number would lose its fraction.
]]
local value = redis.call('INCRBYFLOAT', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return value
`;
