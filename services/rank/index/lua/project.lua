-- Writes players' states to the index and returns their ranks and, if it changed, the top of the board.
-- Invariants: a player's version never decreases; every value is absolute, so any order and any repetition give the same index;
-- (epoch, seq) identifies exactly one top; an epoch before the one that counts takes no writes, however late they arrive.
-- Numbers are passed as strings: Lua would round them when it prints them.
--
-- KEYS  1 sb:epoch (the epoch that counts), 2 order (sorted set), 3 players (hash), 4 board (hash: seq, top)
-- ARGV  1 epoch, 2 'live' (that epoch must count) or 'shadow' (it may be under construction), 3 size of the top,
--       then for each player: member, minus points ('' for a player who is not on the board), version, username
-- A member is 14 hexadecimal digits (the position of the action that reached the points) and the user id. Its score is minus the
-- points, so that the set's own order (score, then bytes) is the one total order. A hash value is version:reached:username. A player
-- who is not on the board has no member, and keeps the hash value, so that an older state does not bring the player back.
local pointer = redis.call('GET', KEYS[1])
local counts = pointer == ARGV[1]
-- A pointer that is no number names no epoch.
local isPast = pointer and (tonumber(pointer) or 0) > tonumber(ARGV[1])
if isPast or (ARGV[2] == 'live' and not counts) then
  return { 'epoch' }
end

local REACHED = 14
local ranks = {}
local members = {}
for i = 4, #ARGV, 4 do
  local member, score, version, username = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local user = string.sub(member, REACHED + 1)
  local current = redis.call('HGET', KEYS[3], user)
  local newer = true
  if current then
    local colon = string.find(current, ':', 1, true)
    local reached = string.sub(current, colon + 1, colon + REACHED)
    newer = tonumber(string.sub(current, 1, colon - 1)) < tonumber(version)
    if not newer then
      member = reached .. user
    elseif reached .. user ~= member then
      redis.call('ZREM', KEYS[2], reached .. user)
    end
  end
  if newer then
    if score ~= '' then
      redis.call('ZADD', KEYS[2], score, member)
    end
    redis.call('HSET', KEYS[3], user, version .. ':' .. string.sub(member, 1, REACHED) .. ':' .. username)
  end
  members[#members + 1] = member
end
if not counts then
  return { 'ok' }
end

for i = 1, #members do
  ranks[i] = redis.call('ZRANK', KEYS[2], members[i]) or -1
end
local top = redis.call('ZRANGE', KEYS[2], 0, tonumber(ARGV[3]) - 1, 'WITHSCORES')
for i = 1, #top, 2 do
  top[i] = top[i] .. ' ' .. redis.call('HGET', KEYS[3], string.sub(top[i], REACHED + 1))
end
local print = table.concat(top, '\n')
local known = redis.call('HMGET', KEYS[4], 'seq', 'top')
if known[2] == print then
  return { 'ok', known[1], ranks, false }
end
-- Before the first write a board is read at position 1, so the first change is at 2.
local seq = redis.call('HINCRBY', KEYS[4], 'seq', known[1] and 1 or 2)
redis.call('HSET', KEYS[4], 'top', print)
return { 'ok', string.format('%.0f', seq), ranks, top }
