-- Finds members of the order that belong to no player: the player is not in the hash, or has another member there.
-- Invariant: found and removed in one step, so that a player whose entry is being written is never taken for a stray.
--
-- KEYS  1 sb:epoch, 2 order, 3 players, 4 board     ARGV  1 epoch, 2 'look' or 'remove', then members
-- Returns the strays.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return { 'epoch' }
end
local strays = {}
for i = 3, #ARGV do
  local member = ARGV[i]
  local value = redis.call('HGET', KEYS[3], string.sub(member, 15))
  local colon = value and string.find(value, ':', 1, true)
  local isNamed = colon and string.sub(value, colon + 1, colon + 14) == string.sub(member, 1, 14)
  if not isNamed and redis.call('ZSCORE', KEYS[2], member) then
    strays[#strays + 1] = member
    if ARGV[2] == 'remove' then
      redis.call('ZREM', KEYS[2], member)
    end
  end
end
if #strays > 0 and ARGV[2] == 'remove' then
  redis.call('HDEL', KEYS[4], 'top')
  redis.call('HINCRBY', KEYS[4], 'seq', redis.call('HEXISTS', KEYS[4], 'seq') == 1 and 1 or 2)
end
return { 'ok', strays }
