-- Reads some players of a board with their ranks, in one consistent reading.
-- KEYS  1 sb:epoch, 2 order, 3 players, 4 board     ARGV  1 epoch, then user ids, at least one
-- Returns the number of players on the board, the entries of those that have one, and their ranks (from 0).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return { 'epoch' }
end
local users = {}
for i = 2, #ARGV do
  users[i - 1] = ARGV[i]
end
local values = redis.call('HMGET', KEYS[3], unpack(users))
local entries = {}
local ranks = {}
for i = 1, #users do
  local value = values[i]
  if value then
    local colon = string.find(value, ':', 1, true)
    local member = string.sub(value, colon + 1, colon + 14) .. users[i]
    local rank = redis.call('ZRANK', KEYS[2], member)
    if rank then
      entries[#entries + 1] = member .. ' ' .. value
      entries[#entries + 1] = redis.call('ZSCORE', KEYS[2], member)
      ranks[#ranks + 1] = rank
    end
  end
end
return { 'ok', redis.call('ZCARD', KEYS[2]), entries, ranks }
