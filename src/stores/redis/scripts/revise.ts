/** Puts a changed decision in the place of the one before it, and appends the next revision of its evidence. */
export const REVISE = `
--[[
  KEYS[1]  the decision
  KEYS[2]  the log of its router

  ARGV[1]  the version that this one follows
  ARGV[2]  the bytes of the changed decision
  ARGV[3]  the decision's packed id
  ARGV[4]  the bytes of its evidence; empty where it teaches nothing
  ARGV[5]  about how many entries the log keeps
  ARGV[6]  the channel on which growth is told
  ARGV[7]  the router's name

  Gives 1 where it was written, or just this was written before; 0 where the decision is gone or another than that.
]]
local kept = redis.call('GET', KEYS[1])
if not kept then return 0 end
local version, revision, start = string.match(kept, '^(%d+);(%d+);()')
if not version then return 0 end
local before = tonumber(ARGV[1])
if tonumber(version) == before + 1 and string.sub(kept, start) == ARGV[2] then return 1 end
if tonumber(version) ~= before then return 0 end
revision = tonumber(revision)
if ARGV[4] ~= '' then revision = revision + 1 end
redis.call('SET', KEYS[1], string.format('%d;%d;', before + 1, revision) .. ARGV[2], 'KEEPTTL')
if ARGV[4] ~= '' then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', 'r', revision, 'd', ARGV[3], 'e', ARGV[4])
  -- What was written counts, whether or not this user may tell of it.
  redis.pcall('PUBLISH', ARGV[6], ARGV[7])
end
return 1
`;
