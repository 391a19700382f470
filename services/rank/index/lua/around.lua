-- Reads a player with neighbours on each side, in one consistent reading.
-- KEYS  1 sb:epoch, 2 order, 3 players, 4 board     ARGV  1 epoch, 2 user id, 3 neighbours on each side
-- Returns the number of players on the board, the rank of the first entry (from 0), the entries, and the player's rank and version.
-- The rank is -1 for a player who was on the board and is not any more.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return { 'epoch' }
end
local players = redis.call('ZCARD', KEYS[2])
local current = redis.call('HGET', KEYS[3], ARGV[2])
if not current then
  return { 'ok', players, 0, {} }
end
local colon = string.find(current, ':', 1, true)
local rank = redis.call('ZRANK', KEYS[2], string.sub(current, colon + 1, colon + 14) .. ARGV[2])
if not rank then
  return { 'ok', players, 0, {}, -1, string.sub(current, 1, colon - 1) }
end
local radius = tonumber(ARGV[3])
local first = math.max(0, rank - radius)
local entries = redis.call('ZRANGE', KEYS[2], first, rank + radius, 'WITHSCORES')
for i = 1, #entries, 2 do
  entries[i] = entries[i] .. ' ' .. redis.call('HGET', KEYS[3], string.sub(entries[i], 15))
end
return { 'ok', players, first, entries, rank, string.sub(current, 1, colon - 1) }
