/**
 * The two scripts of the Redis store. A record is a string: the version, then the value.
 *
 * Decides the order of the commands: in `WRITE` the record is set last, so an error in it says that it was not set. Must touch
 * only keys that are passed in, all of one slot. Read next: `redis.ts`.
 */
import { createHash } from 'node:crypto'

/** A script and the digest under which a server remembers it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/** Characters of a version: a random UUID. Never a counter, which a deletion or an eviction would restart (R68). */
export const VERSION_LENGTH = 36

/**
 * KEYS: a key that never exists, then the records. ARGV: the name of the call. Answers that name, then the records in
 * their order, all of one instant.
 *
 * Each answer names its call because a client may hand out answers in the wrong order: node-redis 5 does, when a
 * connection is reset while a command is on its way.
 * The deletion of nothing makes the script one that writes, so that replicas refuse it, and client libraries send it to
 * the primary: reads of a replica may be old (R46).
 */
export const READ: Script = script(`
redis.call('DEL', KEYS[1])
local records = {ARGV[1]}
for i = 2, #KEYS do records[i] = redis.call('GET', KEYS[i]) end
return records
`)

/**
 * KEYS: the record, the mark of this write. ARGV: the new version, which also names the call; the version that must
 * stand ('' = no record), the value, the life of the mark in milliseconds, the channel ('' = none), the message. Answers
 * the name, then 1 = written, 0 = another version stands, or the text of an error: then nothing was written.
 *
 * Clients send a command again when its connection broke before the answer (ioredis by default, cluster clients too). The
 * second run would find the version changed, by its own first run, and say 0 though the record was written: so each
 * write leaves a mark, and who finds its own mark has succeeded. PUBLISH may be forbidden; it only wakes.
 */
export const WRITE: Script = script(`
local ok, answer = pcall(function()
  if redis.call('GETRANGE', KEYS[1], 0, ${VERSION_LENGTH - 1}) ~= ARGV[2] then
    return redis.call('EXISTS', KEYS[2])
  end
  if ARGV[5] ~= '' then redis.pcall('PUBLISH', ARGV[5], ARGV[6]) end
  redis.call('SET', KEYS[2], '', 'PX', ARGV[4])
  redis.call('SET', KEYS[1], ARGV[1] .. ARGV[3])
  return 1
end)
if not ok then
  redis.pcall('DEL', KEYS[2])
  if type(answer) == 'table' then answer = answer.err end
end
return {ARGV[1], answer}
`)

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
