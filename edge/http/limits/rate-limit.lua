-- The generic cell rate algorithm for many keys in one call, on Redis' own clock, so that all edge nodes share one limit.
-- KEYS  one per check
-- ARGV  number of rates, then per rate: milliseconds between requests, requests at once;
--       then per check: its rate, from 1, and how many requests it stands for
-- Answers milliseconds to wait for each check; 0 lets it through. A refused request costs nothing.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local rates = tonumber(ARGV[1])
local waits = {}
for i = 1, #KEYS do
  local at = 2 * rates + 2 * i
  local rate, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local interval = tonumber(ARGV[2 * rate])
  local tolerance = tonumber(ARGV[2 * rate + 1]) * interval
  local rest = tonumber(redis.call('GET', KEYS[i]) or now)
  -- No honest rest lies further ahead: the clock was set back, or another server's ran ahead.
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
