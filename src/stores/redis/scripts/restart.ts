/** Begins another epoch, in which each router has one snapshot: everybody starts again from there. */
export const RESTART = `
--[[
  KEYS[1]  the epoch
  KEYS[2…] for each router the cursors of its snapshots, where the bytes are until now, and where they are kept

  ARGV[1]  the new epoch
  ARGV[2]  the channel on which growth is told
  ARGV[3…] for each router its name, the cursor of its snapshot, and what the keys of its snapshots begin with before theirs

  Gives 1, or -1 where the bytes of one are gone: nothing has been done then.
]]
for i = 3, #KEYS, 3 do
  if redis.call('EXISTS', KEYS[i]) == 0 then return -1 end
end
redis.call('SET', KEYS[1], ARGV[1])
for i = 2, #KEYS, 3 do
  for _, old in ipairs(redis.call('HVALS', KEYS[i])) do redis.call('DEL', ARGV[i + 3] .. old) end
  redis.call('DEL', KEYS[i])
  redis.call('HSET', KEYS[i], 'latest', ARGV[i + 2])
  redis.call('RENAME', KEYS[i + 1], KEYS[i + 2])
  redis.call('PERSIST', KEYS[i + 2])
end
for i = 3, #ARGV, 3 do redis.pcall('PUBLISH', ARGV[2], ARGV[i]) end
return 1
`;
