-- Writes a part of a board, packed by Postgres, to an epoch under construction, with a few commands for all players.
-- Invariant: it does not replace a newer version that a live write has written already.
--
-- KEYS  1 order (sorted set), 2 players (hash)
-- ARGV  1 JSON of {users, scores, members, values}, lists of one length and order: user ids, minus points ('' for a player who is not
--       on the board), and members and hash values as in project.lua, all as strings, so that this script builds none of them. A
--       user occurs once.
local REACHED = 14
local page = cjson.decode(ARGV[1])
local users, scores, members, values = page.users, page.scores, page.members, page.values
local known = redis.call('HMGET', KEYS[2], unpack(users))

local function versionOf(value)
  return tonumber(string.sub(value, 1, string.find(value, ':', 1, true) - 1))
end

local order = {}
local players = {}
local size, placed = 0, 0
for i = 1, #users do
  local before = known[i]
  local isNewer = not before or versionOf(before) < versionOf(values[i])
  if before and isNewer then
    local colon = string.find(before, ':', 1, true)
    redis.call('ZREM', KEYS[1], string.sub(before, colon + 1, colon + REACHED) .. users[i])
  end
  if isNewer then
    if scores[i] ~= '' then
      order[placed + 1], order[placed + 2] = scores[i], members[i]
      placed = placed + 2
    end
    players[size + 1], players[size + 2] = users[i], values[i]
    size = size + 2
  end
end
if placed > 0 then
  redis.call('ZADD', KEYS[1], unpack(order))
end
if size > 0 then
  redis.call('HSET', KEYS[2], unpack(players))
end
