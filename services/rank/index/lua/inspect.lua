-- Reads the entries of some players, to compare them with Postgres. Changes nothing.
-- KEYS  1 sb:epoch, 2 order, 3 players, 4 board     ARGV  1 epoch, then user ids
-- Returns the number of players in the hash and in the order, then for each user id the hash value and the score of the member
-- that the value names. Either is nil when it is missing.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return { 'epoch' }
end
local found = {}
for i = 2, #ARGV do
  local value = redis.call('HGET', KEYS[3], ARGV[i])
  local colon = value and string.find(value, ':', 1, true)
  found[#found + 1] = value
  found[#found + 1] = colon and redis.call('ZSCORE', KEYS[2], string.sub(value, colon + 1, colon + 14) .. ARGV[i]) or false
end
return { 'ok', redis.call('HLEN', KEYS[3]), redis.call('ZCARD', KEYS[2]), found }
