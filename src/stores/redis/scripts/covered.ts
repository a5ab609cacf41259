/** Tells up to where a snapshot that has another one behind it covers some logs, or a durable store one that no folds are of. */
export const COVERED = `
--[[
  KEYS[1]  the epoch
  KEYS[2…] for each log the snapshots of its router, or the marks of one that has none

  Gives the epoch or nothing, and for each log a place or nothing.
]]
local covered = {redis.call('GET', KEYS[1]) or ''}
for i = 2, #KEYS do
  covered[i] = redis.call('HGET', KEYS[i], 'older') or redis.call('HGET', KEYS[i], 'drained') or ''
end
return covered
`;
