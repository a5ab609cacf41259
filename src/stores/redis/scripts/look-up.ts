/** Finds the decisions' ids behind names. */
export const LOOK_UP = `
--[[
  KEYS     for each name, one name after the other, the bucket it would lie in of each stretch of time, the latest first

  ARGV[1]  how many stretches there are
  ARGV[2…] for each name its field

  Gives for each name the packed id of the decision that had it last; empty where no decision had it.
]]
local stretches = tonumber(ARGV[1])
local found = {}
for name = 1, #KEYS / stretches do
  found[name] = ''
  for stretch = 1, stretches do
    local id = redis.call('HGET', KEYS[(name - 1) * stretches + stretch], ARGV[name + 1])
    if id then
      found[name] = id
      break
    end
  end
end
return found
`;
