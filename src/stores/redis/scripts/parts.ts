/**
 * What several scripts have in common. They make some keys out of what they read, so that a step is one round trip: all keys
 * lie in one slot, in which the keys that are told beforehand already are.
 */

/** Gives the epoch, and begins one where there is none yet. */
export const EPOCH = `
local function epochOf(key, candidate)
  local epoch = redis.call('GET', key)
  if epoch then return epoch end
  redis.call('SET', key, candidate)
  return candidate
end
`;

/** Compares places in a stream: "MS-SEQ", alone or behind an epoch. */
export const PLACES = `
local function partsOf(place)
  local ms, seq = string.match(place, '(%d+)%-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local function isBefore(one, other)
  local ms, seq = partsOf(one)
  local otherMs, otherSeq = partsOf(other)
  return ms < otherMs or (ms == otherMs and seq < otherSeq)
end
`;

/** Finds decisions by their handles. A pointer is the place of the latest entry in 8 bytes, and the name of the log. */
export const FIND = `
local function pointersKey(stretch, handle)
  local high, low = string.byte(handle, 7, 8)
  return string.format('{conduit:1}i:%.0f:%d', stretch, (high * 256 + low) % 1024)
end
local function packed(place)
  local ms, seq = string.match(place, '^(%d+)%-(%d+)$')
  return struct.pack('>I2I4I2', math.floor(ms / 4294967296), ms % 4294967296, seq)
end
-- Gives its texts, its bytes and its place, without a place where it was taken back; and where its pointer says that it was.
local function entryOf(stretch, handle)
  local place
  local pointer = redis.call('HGET', pointersKey(stretch, handle), handle)
  if pointer then
    local high, low, seq = struct.unpack('>I2I4I2', pointer)
    place = string.format('%.0f-%d', high * 4294967296 + low, seq)
    local found = redis.call('XRANGE', '{conduit:1}log:' .. string.sub(pointer, 9), place, place)[1]
    if found then return found[2][1], found[2][2], place, place end
  end
  local revived = redis.call('HGETALL', '{conduit:1}r:' .. handle)
  return revived[1], revived[2], nil, place
end
-- An entry begins with its version, a number as bytes.ts writes them, and behind it the id.
local function versionOf(bytes)
  local first, second, third, fourth, fifth = string.byte(bytes, 1, 5)
  if first < 208 then return first, 2 end
  if first < 240 then return 208 + (first - 208) * 256 + second, 3 end
  if first == 241 then return second * 256 + third, 4 end
  return ((second * 256 + third) * 256 + fourth) * 256 + fifth, 6
end
local function isOf(bytes, id)
  local _, start = versionOf(bytes)
  return string.sub(bytes, start, start + #id - 1) == id
end
`;

/**
 * Appends an entry, lets it be found, and tells that the log has grown. One that may have been in the log before has a field
 * more, which says so.
 */
export const APPEND = `
local function append(log, pointers, handle, router, texts, bytes, keptMs, channel, again)
  local place
  if again then place = redis.call('XADD', log, '*', texts, bytes, 'again', '')
  else place = redis.call('XADD', log, '*', texts, bytes) end
  redis.call('HSET', pointers, handle, packed(place) .. router)
  if redis.call('PTTL', pointers) < 0 then redis.call('PEXPIRE', pointers, keptMs) end
  -- What was written counts, whether or not this user may tell of it.
  redis.pcall('PUBLISH', channel, router)
  return place
end
`;
