/**
 * What the store does in Redis, as scripts: each runs whole and alone, so each is a compare-and-set. Keys of one log:
 * `head` is the next offset and only ever grows; `batches` holds payloads by offset; `floor` says what was trimmed.
 */

/** KEYS head, batches; ARGV offset, payload, channel. Answers -1, or the head when the offset is not the next. */
export const APPEND = `-- append
local head = tonumber(redis.call('GET', KEYS[1]) or '0')
if head ~= tonumber(ARGV[1]) then return head end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('SET', KEYS[1], string.format('%d', head + 1))
redis.call('PUBLISH', ARGV[3], ARGV[1])
return -1`;

/** KEYS head, batches, floor; ARGV offset, count. Answers head, floor, then payloads. */
export const READ = `-- read
local head = tonumber(redis.call('GET', KEYS[1]) or '0')
local floor = tonumber(redis.call('GET', KEYS[3]) or '0')
local found = { head, floor }
local from = tonumber(ARGV[1])
for offset = from, math.min(head, from + tonumber(ARGV[2])) - 1 do
  local payload = redis.call('HGET', KEYS[2], string.format('%d', offset))
  if not payload then break end
  found[#found + 1] = payload
end
return found`;

/** KEYS batches, floor; ARGV offset. */
export const TRIM = `-- trim
local floor = tonumber(redis.call('GET', KEYS[2]) or '0')
local target = tonumber(ARGV[1])
for offset = floor, target - 1 do redis.call('HDEL', KEYS[1], string.format('%d', offset)) end
if target > floor then redis.call('SET', KEYS[2], string.format('%d', target)) end
return 0`;

/** KEYS lease; ARGV version as read or '', holder, epoch, duration, channel. Answers the fields as they then stand. */
export const SWAP_LEASE = `-- lease
local version = redis.call('HGET', KEYS[1], 'version') or ''
if version == ARGV[1] then
  local holder = redis.call('HGET', KEYS[1], 'holder')
  local number = string.format('%d', (tonumber(version) or 0) + 1)
  redis.call('HSET', KEYS[1], 'holder', ARGV[2], 'epoch', ARGV[3], 'durationMs', ARGV[4], 'version', number)
  if holder ~= ARGV[2] then redis.call('PUBLISH', ARGV[5], 'lease') end
end
return redis.call('HMGET', KEYS[1], 'holder', 'epoch', 'durationMs', 'version')`;

/**
 * KEYS snapshot name, chunks, previous name, previous chunks; ARGV offset, controllerEpoch, chunks. A name is "offset
 * epoch". Answers nothing, or the name of the snapshot that is not older.
 */
export const WRITE_SNAPSHOT = `-- snapshot
local name = redis.call('GET', KEYS[1])
if name then
  local offset, epoch = string.match(name, '^(%d+) (-?%d+)$')
  offset, epoch = tonumber(offset), tonumber(epoch)
  local isNewer = tonumber(ARGV[1]) > offset or (tonumber(ARGV[1]) == offset and tonumber(ARGV[2]) > epoch)
  if not isNewer then return name end
  redis.call('RENAME', KEYS[1], KEYS[3])
  redis.call('DEL', KEYS[4])
  if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[4]) end
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2])
for at = 3, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[at]) end
return false`;

/** KEYS snapshot name, chunks. Answers the name, then the chunks; nothing when there is none. */
export const READ_SNAPSHOT = `-- readSnapshot
local name = redis.call('GET', KEYS[1])
if not name then return {} end
local found = redis.call('LRANGE', KEYS[2], 0, -1)
table.insert(found, 1, name)
return found`;
