/** Finds the decision behind the first of some names that is known. */
import { FIND } from './parts.ts';

export const LOOK_UP = `
--[[
  KEYS     for each name, one name after the other, the bucket it would lie in of each stretch of time, the latest first

  ARGV[1]  how many stretches there are
  ARGV[2]  the latest of them
  ARGV[3…] for each name its field

  Gives the decision's texts and bytes, and which name it was, from 0; or nothing.

  Under a name is the handle of the decision that had it last, and behind it how many stretches its pointer's is before the
  name's; nothing where they are the same.
]]
${FIND}
local stretches = tonumber(ARGV[1])
for name = 1, #KEYS / stretches do
  for back = 0, stretches - 1 do
    local kept = redis.call('HGET', KEYS[(name - 1) * stretches + back + 1], ARGV[name + 2])
    if kept then
      local stretch = ARGV[2] - back - (tonumber(string.sub(kept, 9)) or 0)
      local texts, bytes = entryOf(stretch, string.sub(kept, 1, 8))
      if bytes then return {texts, bytes, name - 1} end
      break
    end
  end
end
return {}
`;
