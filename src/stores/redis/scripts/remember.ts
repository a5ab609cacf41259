/** Keeps a finished decision, its names and the first revision of its evidence: all of it or nothing, and once. */
export const REMEMBER = `
--[[
  KEYS[1]   the decision
  KEYS[2]   the log of its router
  KEYS[3…]  for each name the bucket that it goes into

  ARGV[1]   the decision: "VERSION;REVISION;" and its bytes
  ARGV[2]   for how many milliseconds it is kept
  ARGV[3]   for how many milliseconds a bucket of names is kept from its first name on
  ARGV[4]   the decision's packed id
  ARGV[5]   the bytes of its evidence; empty where it teaches nothing
  ARGV[6]   about how many entries the log keeps
  ARGV[7]   the channel on which growth is told
  ARGV[8]   the router's name
  ARGV[9…]  for each name its field

  Gives 1, or 0 where the decision has been kept before: a repeat of what seemed to fail changes nothing, and takes nothing
  from what has been revised meanwhile.
]]
if not redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then return 0 end
for i = 3, #KEYS do
  redis.call('HSET', KEYS[i], ARGV[i + 6], ARGV[4])
  if redis.call('PTTL', KEYS[i]) < 0 then redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
end
if ARGV[5] ~= '' then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*', 'r', 1, 'd', ARGV[4], 'e', ARGV[5])
  -- What was written counts, whether or not this user may tell of it.
  redis.pcall('PUBLISH', ARGV[7], ARGV[8])
end
return 1
`;
