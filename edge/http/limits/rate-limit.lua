-- The generic cell rate algorithm for many keys in one call, on the clock of Redis, so that all edge nodes share one limit.
-- KEYS  one per check
-- ARGV  number of rates; then per rate: milliseconds between requests, burst;
--       then per check: index of its rate (from 1), number of requests
-- Returns the milliseconds to wait for each check; 0 means allowed. A refused check counts nothing.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local rates = tonumber(ARGV[1])
local waits = {}
for i = 1, #KEYS do
  local at = 2 * rates + 2 * i
  local rate, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local interval = tonumber(ARGV[2 * rate])
  local tolerance = tonumber(ARGV[2 * rate + 1]) * interval
  -- The time at which the key is idle again.
  local rest = tonumber(redis.call('GET', KEYS[i]) or now)
  -- The rule never stores a later time. The clock was set back, or the value came from a Redis whose clock was ahead.
  if rest > now + tolerance then rest = now + tolerance end
  if rest < now then rest = now end
  local next = rest + count * interval
  local early = next - tolerance - now
  if early > 0 then
    waits[i] = math.ceil(early)
  else
    waits[i] = 0
    redis.call('SET', KEYS[i], string.format('%.3f', next), 'PX', math.ceil(next - now))
  end
end
return waits
