-- Reads one page of a board, in one consistent reading.
-- KEYS  1 sb:epoch, 2 order, 3 players, 4 board
-- ARGV  1 epoch, 2 how many entries at most, then where the page begins:
--       3 'rank', 4 the rank of the first entry, from 0
--       3 'around', 4 a user id: the page in which the player stands, of the pages counted from rank 0 on
--       3 'after', 4 minus value, 5 member: behind this place in the order, whether a player has it or not
-- Returns the number of players on the board, the rank of the first entry (from 0), and the entries. Without a rank the player of
-- 'around' is not on the board.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return { 'epoch' }
end
local ORDER = KEYS[2]
local limit = tonumber(ARGV[2])
local players = redis.call('ZCARD', ORDER)

-- By bytes, as the set itself orders its members. The operators of Lua compare by the locale of the server.
local function isBefore(one, other)
  for i = 1, math.min(#one, #other) do
    local a, b = string.byte(one, i), string.byte(other, i)
    if a ~= b then
      return a < b
    end
  end
  return #one < #other
end

-- The rank of the first entry behind a place in the order: by halves, since the place may belong to nobody by now.
local function rankBehind(score, member)
  local held = redis.call('ZSCORE', ORDER, member)
  if held and tonumber(held) == score then
    return redis.call('ZRANK', ORDER, member) + 1
  end
  local low, high = 0, players
  while low < high do
    local middle = math.floor((low + high) / 2)
    local found = redis.call('ZRANGE', ORDER, middle, middle, 'WITHSCORES')
    local foundScore = tonumber(found[2])
    if foundScore < score or (foundScore == score and not isBefore(member, found[1])) then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

local first
if ARGV[3] == 'rank' then
  first = tonumber(ARGV[4])
elseif ARGV[3] == 'after' then
  first = rankBehind(tonumber(ARGV[4]), ARGV[5])
else
  local current = redis.call('HGET', KEYS[3], ARGV[4])
  if not current then
    return { 'ok', players }
  end
  local colon = string.find(current, ':', 1, true)
  local rank = redis.call('ZRANK', ORDER, string.sub(current, colon + 1, colon + 14) .. ARGV[4])
  if not rank then
    return { 'ok', players }
  end
  first = rank - rank % limit
end
local entries = redis.call('ZRANGE', ORDER, first, first + limit - 1, 'WITHSCORES')
for i = 1, #entries, 2 do
  entries[i] = entries[i] .. ' ' .. redis.call('HGET', KEYS[3], string.sub(entries[i], 15))
end
return { 'ok', players, first, entries }
