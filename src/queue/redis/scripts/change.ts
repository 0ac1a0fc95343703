import { LEASES } from './leases.js';
import { BLOCK, NUMBER_BYTES, PRELUDE } from './prelude.js';
import { script } from './script.js';

/**
 * ARGV: op · generation for a queue that this call creates · length of the text and number of lines that the numbers assume · text · ends ·
 * states · marks · 1 when readiness of other lines may change. Appends whole lines, and answers with the previous count.
 */
export const APPEND = script(
  PRELUDE,
  `
local kept = remembered(ARGV[1])
if kept then return tonumber(kept) end

-- The numbers as they are where the queue has grown meanwhile.
local function moved(packed, by)
  if by == 0 then return packed end
  local parts = {}
  for index = 1, #packed / ${NUMBER_BYTES} do parts[index] = struct.pack('>I${NUMBER_BYTES}', number(packed, index) + by) end
  return table.concat(parts)
end

if not exists then
  for at = 2, 9 do
    if call('EXISTS', KEYS[at]) == 1 then call('DEL', KEYS[at]) end
  end
end
local length, lines = call('STRLEN', TEXT), call('STRLEN', STATES)
local ends, marks = moved(ARGV[6], length - ARGV[3]), moved(ARGV[8], lines - ARGV[4])
call('APPEND', TEXT, ARGV[5])
call('APPEND', ENDS, ends)
if marks ~= '' then call('APPEND', MARKS, marks) end
if not exists then
  call('HSET', META, 'version', 1, 'generation', ARGV[2], 'seq', 0, 'resets', 0, 'first', 1, 'armed', 0)
end
if ARGV[9] == '1' then call('HINCRBY', META, 'resets', 1) end
write(lines + 1, ARGV[7])
commit()
remember(ARGV[1], lines)
return lines
`,
);

/**
 * ARGV: op · first line · the known states of the lines from there, and the wanted ones · 1 to also set running jobs · the lowest line that
 * becomes new, or 0 · then the lines that were in hand and change. Answers with the lines, separated by commas, that were left alone: they
 * have another state by now, or are running.
 */
export const SET = script(
  PRELUDE,
  LEASES,
  `
local kept = remembered(ARGV[1])
if kept then return kept end
local begin, known, wanted, lowest = tonumber(ARGV[2]), ARGV[3], ARGV[4], tonumber(ARGV[6])
local current = call('GETRANGE', STATES, begin - 1, begin + #known - 2)
local left, running = {}, {}
if ARGV[5] ~= '1' then
  for at = 7, #ARGV do
    if isHeld(ARGV[at]) then running[tonumber(ARGV[at])] = true end
  end
end
local states = wanted
if current ~= known or next(running) then
  local bytes = {}
  for at = 1, #known do
    local now, was, will = string.byte(current, at), string.byte(known, at), string.byte(wanted, at)
    if was == will then will = now
    elseif now ~= was or running[begin + at - 1] then
      left[#left + 1] = begin + at - 1
      running[begin + at - 1] = true
      will = now
    end
    bytes[at] = string.char(will)
  end
  states = table.concat(bytes)
end
local reply = table.concat(left, ',')
if states == current then return reply end
write(begin, states)
for at = 7, #ARGV do
  if not running[tonumber(ARGV[at])] then call('HDEL', CLAIMS, ARGV[at]) end
end
if call('HLEN', HANDLES) > 0 then
  for _, line in ipairs(call('HKEYS', HANDLES)) do
    local at = line - begin + 1
    if at >= 1 and at <= #known and string.byte(current, at) ~= string.byte(states, at) then call('HDEL', HANDLES, line) end
  end
end
call('HINCRBY', META, 'resets', 1)
if lowest > 0 and lowest < first then setFirst(lowest) end
commit()
remember(ARGV[1], reply)
return reply
`,
);

/** ARGV: known generation, seq and number of marks. Answers with the changes since. */
export const LOOK = script(
  PRELUDE,
  `
if not exists then return { '', 0, 0, 0, '' } end
local known, marks = tonumber(ARGV[2]), tonumber(ARGV[3])
if ARGV[1] ~= generation or known > seq then known, marks = -1, 0 end
local lines = call('STRLEN', STATES)
local found = { generation, seq, resets, lines, '' }
if known == seq then return found end
found[5] = call('GETRANGE', MARKS, marks * ${NUMBER_BYTES}, -1)
local stamps = call('GETRANGE', STAMPS, 0, -1)
for block = 0, math.ceil(lines / ${BLOCK}) - 1 do
  if number(stamps, block + 1) > known then
    found[#found + 1] = block
    found[#found + 1] = call('GETRANGE', STATES, block * ${BLOCK}, (block + 1) * ${BLOCK} - 1)
  end
end
return found
`,
);

/** ARGV: known seq. Has the next change published, unless there has been one. Answers with generation, seq, lines and bytes. */
export const ARM = script(
  PRELUDE,
  `
if exists and tonumber(ARGV[1]) == seq and meta[7] ~= '1' then call('HSET', META, 'armed', '1') end
return { generation, seq, call('STRLEN', STATES), call('STRLEN', TEXT) }
`,
);

/** ARGV: pairs of first and last line. Answers with pairs of the text's offset and the text. */
export const READ = script(
  PRELUDE,
  `
local found, lines = {}, call('STRLEN', STATES)
for at = 1, #ARGV, 2 do
  local from, to = tonumber(ARGV[at]), math.min(tonumber(ARGV[at + 1]), lines)
  local begin, text = 0, ''
  if from <= to then begin, text = textOf(from, to - from + 1) end
  found[#found + 1] = begin
  found[#found + 1] = text
end
return found
`,
);
