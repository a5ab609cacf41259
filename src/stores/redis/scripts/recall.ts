/** Finds a decision by its id. */
import { FIND } from './parts.ts';

export const RECALL = `
--[[
  KEYS[1]  the bucket of its pointer
  KEYS[2]  where it is if it was taken back

  ARGV[1]  the bytes of its id
  ARGV[2]  its handle
  ARGV[3]  the stretch of time of its pointer

  Gives its texts and its bytes, or nothing.
]]
${FIND}
local texts, bytes = entryOf(ARGV[3], ARGV[2])
if not bytes or not isOf(bytes, ARGV[1]) then return {} end
return {texts, bytes}
`;
