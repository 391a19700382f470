-- Reads the first players of a board with the position of its top, in one consistent reading.
-- KEYS  1 sb:epoch, 2 order, 3 players, 4 board     ARGV  1 epoch, 2 how many
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return { 'epoch' }
end
local top = redis.call('ZRANGE', KEYS[2], 0, tonumber(ARGV[2]) - 1, 'WITHSCORES')
for i = 1, #top, 2 do
  top[i] = top[i] .. ' ' .. redis.call('HGET', KEYS[3], string.sub(top[i], 15))
end
-- A board that no write has changed yet is at seq 1. Seq 0 belongs to boards that are not read from the index.
return { 'ok', redis.call('HGET', KEYS[4], 'seq') or '1', top }
