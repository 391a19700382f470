-- Brings a page of players, straight from the truth, into an epoch under construction: a few commands for all of them.
-- Keeps: a version that a live write has brought already is not undone by an older one.
--
-- KEYS  1 order (sorted set), 2 players (hash)
-- ARGV  1 JSON of {users, scores, values}, lists of one length and order: user ids, minus points, and hash values as in
--       project.lua, all as strings. A user occurs once.
local REACHED = 14
local page = cjson.decode(ARGV[1])
local known = redis.call('HMGET', KEYS[2], unpack(page.users))

local function parse(value, user)
  local colon = string.find(value, ':', 1, true)
  return string.sub(value, 1, colon - 1), string.sub(value, colon + 1, colon + REACHED) .. user
end

local order = {}
local players = {}
for i, user in ipairs(page.users) do
  local version, member = parse(page.values[i], user)
  local isNewer = true
  if known[i] then
    local knownVersion, knownMember = parse(known[i], user)
    isNewer = tonumber(knownVersion) < tonumber(version)
    if isNewer then
      redis.call('ZREM', KEYS[1], knownMember)
    end
  end
  if isNewer then
    order[#order + 1] = page.scores[i]
    order[#order + 1] = member
    players[#players + 1] = user
    players[#players + 1] = page.values[i]
  end
end
if #order > 0 then
  redis.call('ZADD', KEYS[1], unpack(order))
  redis.call('HSET', KEYS[2], unpack(players))
end
