import { LEASES } from './leases.js';
import { PRELUDE } from './prelude.js';
import { script } from './script.js';

/** States examined in one piece in the search for a new one. */
const CHUNK = 1024;

/**
 * Takes up to a number of jobs out of ranges of lines, in order.
 *
 * ARGV: runner · op · duration in ms · 1 when the runner has no lease yet · 1 to ask again · how many resets the choice knows of, or '' for
 * a queue in which every line is a job without directives · how many jobs · then from, to and state of each range.
 *
 * Answers with a word, seq, and for `taken` a list of line, how many, the text's offset, the text, and a list of line and handle.
 */
export const CLAIM = script(
  PRELUDE,
  LEASES,
  `
local runner, op, duration, fresh, again = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1', ARGV[5] == '1'
local token, left = runner .. ':' .. op, tonumber(ARGV[7])
local runs, handles = {}, {}

local function answer()
  local taken, noted = {}, call('HLEN', HANDLES) > 0
  for _, run in ipairs(runs) do
    local begin, text = textOf(run[1], run[2])
    for _, part in ipairs({ run[1], run[2], begin, text }) do taken[#taken + 1] = part end
    if noted then
      for line = run[1], run[1] + run[2] - 1 do
        local handle = call('HGET', HANDLES, line)
        if handle then handles[#handles + 1] = line; handles[#handles + 1] = handle end
      end
    end
  end
  return { 'taken', seq, taken, handles }
end

if again then
  local claims, lines = call('HGETALL', CLAIMS), {}
  for at = 1, #claims, 2 do
    if claims[at + 1] == token then lines[#lines + 1] = tonumber(claims[at]) end
  end
  table.sort(lines)
  for _, line in ipairs(lines) do runs[#runs + 1] = { line, 1 } end
  if #runs > 0 then return answer() end
end
if not fresh and not isLive(runner) then return { 'expired', seq } end
if ARGV[6] == '' then
  if call('STRLEN', MARKS) > 0 then return { 'marked', seq } end
elseif ARGV[6] ~= generation .. ' ' .. resets then
  return { 'stale', seq }
end

local total, lowest = call('STRLEN', STATES), first
for at = 8, #ARGV, 3 do
  local line, to, state = tonumber(ARGV[at]), math.min(tonumber(ARGV[at + 1]), total), ARGV[at + 2]
  local counts = state == '.' and line <= lowest
  if state == '.' and line < first then line = first end
  while left > 0 and line <= to do
    local chunk = call('GETRANGE', STATES, line - 1, math.min(line + ${CHUNK - 1}, to) - 1)
    local from = 1
    while left > 0 do
      local found = string.find(chunk, state, from, true)
      if not found then break end
      local stop = found
      while left > 0 and string.sub(chunk, stop, stop) == state do
        stop = stop + 1
        left = left - 1
      end
      runs[#runs + 1] = { line + found - 1, stop - found }
      from = stop
    end
    if left > 0 then line = line + #chunk else line = line + from - 1 end
  end
  if counts and line > lowest then lowest = line end
  if left == 0 then break end
end

if #runs == 0 then
  setFirst(lowest)
  return { 'nothing', seq }
end
local pairsOf = {}
for _, run in ipairs(runs) do
  write(run[1], string.rep('r', run[2]))
  for line = run[1], run[1] + run[2] - 1 do
    pairsOf[#pairsOf + 1] = line
    pairsOf[#pairsOf + 1] = token
  end
end
for at = 1, #pairsOf, 1000 do call('HSET', CLAIMS, unpack(pairsOf, at, math.min(at + 999, #pairsOf))) end
if fresh then register(runner, duration) end
setFirst(lowest)
commit()
return answer()
`,
);

/** ARGV: runner, op, then line, op of the claim and new state of each. Answers `done` and a character each: # written, / no claim, or the line's state. */
export const FINISH = script(
  PRELUDE,
  LEASES,
  `
local kept = remembered(ARGV[2])
if kept then return { 'done', kept } end
if not isLive(ARGV[1]) then return { 'expired', '' } end
local lines, results, wrote = {}, {}, {}
for at = 3, #ARGV, 3 do lines[#lines + 1] = ARGV[at] end
local tokens = call('HMGET', CLAIMS, unpack(lines))
for index, line in ipairs(lines) do
  local at = 3 * index
  if tokens[index] == ARGV[1] .. ':' .. ARGV[at + 1] then
    write(tonumber(line), ARGV[at + 2])
    wrote[#wrote + 1] = line
    results[index] = '#'
    if ARGV[at + 2] == '.' and tonumber(line) < first then setFirst(tonumber(line)) end
  else
    local state = call('GETRANGE', STATES, line - 1, line - 1)
    results[index] = state == '' and '/' or state
  end
end
local reply = table.concat(results)
if #wrote > 0 then
  call('HDEL', CLAIMS, unpack(wrote))
  call('HDEL', HANDLES, unpack(wrote))
  commit()
  remember(ARGV[2], reply)
end
return { 'done', reply }
`,
);

/** ARGV: line, token. Leaves the job as it is, without an owner. */
export const ABANDON = script(
  PRELUDE,
  `
if call('HGET', CLAIMS, ARGV[1]) == ARGV[2] then
  call('HDEL', CLAIMS, ARGV[1])
  commit()
end
`,
);

/** ARGV: line, token, handle. */
export const NOTE = script(
  PRELUDE,
  `
if call('HGET', CLAIMS, ARGV[1]) == ARGV[2] then call('HSET', HANDLES, ARGV[1], ARGV[3]) end
`,
);
