import { PRELUDE } from './prelude.js';
import { script } from './script.js';

/**
 * Which leases hold, by Redis' own clock. A runner's name begins with its lease's duration in ms, so that any client can prolong it: a
 * restarted server gives every lease its whole duration once more, since no runner could renew while it was away.
 */
export const LEASES = `
local moment, graced
local function now()
  if not moment then
    local time = call('TIME')
    moment = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return moment
end

local function prolongAfterRestart()
  if graced then return end
  graced = true
  local info = redis.pcall('INFO', 'server')
  local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or 'unknown'
  if run == meta[6] then return end
  call('HSET', META, 'run', run)
  local known = call('ZRANGE', LEASES, 0, -1, 'WITHSCORES')
  for at = 1, #known, 2 do
    local till = now() + tonumber(string.match(known[at], '^%d+'))
    if tonumber(known[at + 1]) < till then call('ZADD', LEASES, till, known[at]) end
  end
end

local function register(runner, duration)
  prolongAfterRestart()
  call('ZADD', LEASES, now() + duration, runner)
end

local live = {}
local function isLive(runner)
  if live[runner] == nil then
    local till = call('ZSCORE', LEASES, runner)
    if till and tonumber(till) <= now() then
      prolongAfterRestart()
      till = call('ZSCORE', LEASES, runner)
    end
    live[runner] = till and tonumber(till) > now() or false
  end
  return live[runner]
end

local function runnerOf(token) return string.match(token, '^(.*):') end

-- Whether a running job has a live owner.
local function isHeld(line)
  local token = call('HGET', CLAIMS, line)
  return token and isLive(runnerOf(token))
end
`;

/** ARGV: runner, its duration in ms, 1 if it was never stopped for that long and may continue although the lease has run out. */
export const RENEW = script(
  PRELUDE,
  LEASES,
  `
if not call('ZSCORE', LEASES, ARGV[1]) then return 'gone' end
prolongAfterRestart()
if ARGV[3] ~= '1' and not isLive(ARGV[1]) then return 'expired' end
call('ZADD', LEASES, now() + ARGV[2], ARGV[1])
return 'held'
`,
);

/** ARGV: runner. From now on its remaining claims, if any, have no live owner. */
export const LEAVE = script(
  PRELUDE,
  `
call('ZREM', LEASES, ARGV[1])
call('DEL', REPLY)
`,
);

/** The lines of running jobs that have a live owner. */
export const HELD = script(
  PRELUDE,
  LEASES,
  `
local claims, held = call('HGETALL', CLAIMS), {}
for at = 1, #claims, 2 do
  if isLive(runnerOf(claims[at + 1])) then held[#held + 1] = claims[at] end
end
return held
`,
);

/** ARGV: op, lines. Sets those that are in hand without a live owner back to new, and answers with them. Handles are kept. */
export const RECLAIM = script(
  PRELUDE,
  LEASES,
  `
local kept = remembered(ARGV[1])
if kept then return kept end
local lines = {}
for at = 2, #ARGV do
  local line = tonumber(ARGV[at])
  local state = call('GETRANGE', STATES, line - 1, line - 1)
  if (state == 'r' or state == '?') and not isHeld(line) then lines[#lines + 1] = ARGV[at] end
end
if #lines == 0 then return '' end
for _, line in ipairs(lines) do
  write(tonumber(line), '.')
  call('HDEL', CLAIMS, line)
  if tonumber(line) < first then setFirst(tonumber(line)) end
end
for _, runner in ipairs(call('ZRANGEBYSCORE', LEASES, '-inf', now())) do
  local claims, owns = call('HVALS', CLAIMS), false
  for _, token in ipairs(claims) do owns = owns or runnerOf(token) == runner end
  if not owns then call('ZREM', LEASES, runner) end
end
commit()
local reply = table.concat(lines, ',')
remember(ARGV[1], reply)
return reply
`,
);

/**
 * ARGV: runner, op, its duration in ms, 1 to ask again, lines. Takes over running jobs without a live owner, and answers with pairs of line
 * and handle ('' if none was kept).
 */
export const ADOPT = script(
  PRELUDE,
  LEASES,
  `
local token, taken = ARGV[1] .. ':' .. ARGV[2], {}
for at = 5, #ARGV do
  local line = tonumber(ARGV[at])
  local state = call('GETRANGE', STATES, line - 1, line - 1)
  local isOurs = ARGV[4] == '1' and call('HGET', CLAIMS, ARGV[at]) == token
  if isOurs or ((state == 'r' or state == '?') and not isHeld(line)) then
    taken[#taken + 1] = ARGV[at]
    taken[#taken + 1] = call('HGET', HANDLES, ARGV[at]) or ''
  end
end
if #taken == 0 then return taken end
for at = 1, #taken, 2 do
  write(tonumber(taken[at]), 'r')
  call('HSET', CLAIMS, taken[at], token)
end
register(ARGV[1], ARGV[3])
commit()
return taken
`,
);
