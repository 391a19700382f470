-- Repairs what versions alone can't: an entry that is newer than in Postgres, or wrong at the right version.
-- Invariants: an entry is replaced only while it is exactly what was found wrong, so a live write in between wins; the old entry is
-- replaced by the new one in one step; the repaired top gets a seq of its own.
--
-- KEYS  1 sb:epoch, 2 order, 3 players, 4 board
-- ARGV  1 epoch, then for each player: user id, the hash value found wrong ('' when there was none),
--       member ('' removes the player), minus points ('' for a player who is not on the board), the hash value that is right
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return { 'epoch' }
end
local repaired = 0
for i = 2, #ARGV, 5 do
  local user, wrong, member, score, value = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local current = redis.call('HGET', KEYS[3], user)
  if (current or '') == wrong then
    local colon = current and string.find(current, ':', 1, true)
    if colon then
      redis.call('ZREM', KEYS[2], string.sub(current, colon + 1, colon + 14) .. user)
    end
    if member == '' then
      redis.call('HDEL', KEYS[3], user)
    else
      if score ~= '' then
        redis.call('ZADD', KEYS[2], score, member)
      end
      redis.call('HSET', KEYS[3], user, value)
    end
    repaired = repaired + 1
  end
end
if repaired > 0 then
  -- Without a stored top, the next projection returns the present one as changed.
  redis.call('HDEL', KEYS[4], 'top')
  redis.call('HINCRBY', KEYS[4], 'seq', redis.call('HEXISTS', KEYS[4], 'seq') == 1 and 1 or 2)
end
return { 'ok', repaired }
