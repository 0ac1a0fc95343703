/**
 * The Lua scripts that read and change a queue: each checks before it writes, and its first write is one that Redis refuses when memory is
 * short, so that a script does all or nothing. docs/redis.md describes the keys. This part begins every script.
 */

/** The layout that these scripts read and write. */
export const LAYOUT_VERSION = 1;
/** Lines that share a stamp: what changed in between is read again whole. */
export const BLOCK = 4096;
/** Bytes of a number in `ends`, `marks` and `stamps`, big-endian. */
export const NUMBER_BYTES = 6;

export const PRELUDE = `
if redis.replicate_commands then redis.replicate_commands() end
local META, STATES, TEXT, ENDS, MARKS, STAMPS, CLAIMS, HANDLES, LEASES, REPLY = unpack(KEYS)
local call = redis.call
local meta = call('HMGET', META, 'version', 'generation', 'seq', 'resets', 'first', 'run', 'armed')
if meta[1] and meta[1] ~= '${LAYOUT_VERSION}' then return redis.error_reply('LAYOUT ' .. meta[1]) end
local exists, generation = meta[1], meta[2] or ''
local seq, resets, first = tonumber(meta[3] or 0), tonumber(meta[4] or 0), tonumber(meta[5] or 1)
local touched = {}

local function number(packed, index)
  return (struct.unpack('>I${NUMBER_BYTES}', packed, (index - 1) * ${NUMBER_BYTES} + 1))
end

local function write(line, states)
  call('SETRANGE', STATES, line - 1, states)
  for block = math.floor((line - 1) / ${BLOCK}), math.floor((line + #states - 2) / ${BLOCK}) do touched[block] = true end
end

-- No line above first is new.
local function setFirst(line)
  if line ~= first then
    first = line
    call('HSET', META, 'first', line)
  end
end

-- To be called once, after the writes.
local function commit()
  seq = call('HINCRBY', META, 'seq', 1)
  for block in pairs(touched) do
    call('SETRANGE', STAMPS, block * ${NUMBER_BYTES}, struct.pack('>I${NUMBER_BYTES}', seq))
  end
  if meta[7] == '1' or not exists then
    call('HSET', META, 'armed', '0')
    call('PUBLISH', META .. ':news', seq)
  end
end

-- What this client's last call was answered, when it asks again because the answer did not arrive.
local function remembered(op)
  local kept = call('GET', REPLY)
  if kept and string.sub(kept, 1, #op + 1) == op .. ':' then return string.sub(kept, #op + 2) end
end

local function remember(op, reply)
  call('SET', REPLY, op .. ':' .. reply, 'EX', 86400)
end

-- The text of count lines from a line on, and where it begins.
local function textOf(line, count)
  local begin = 0
  if line > 1 then begin = number(call('GETRANGE', ENDS, (line - 2) * ${NUMBER_BYTES}, (line - 1) * ${NUMBER_BYTES} - 1), 1) end
  local last = line + count - 1
  local stop = number(call('GETRANGE', ENDS, (last - 1) * ${NUMBER_BYTES}, last * ${NUMBER_BYTES} - 1), 1)
  return begin, call('GETRANGE', TEXT, begin, stop - 1)
end
`;
