/**
 * The two scripts of the Redis store. A record is a string: the version, then the value.
 *
 * Decides the order of the commands: in `WRITE` the record is set last, so an error says that it was not. Must touch
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
 * KEYS: a key that never exists, then the records. Answers the records in their order, all of one instant.
 *
 * The deletion of nothing makes the script one that writes, so that replicas refuse it, and client libraries send it to
 * the primary: reads of a replica may be old (R46).
 */
export const READ: Script = script(`
redis.call('DEL', KEYS[1])
local records = {}
for i = 2, #KEYS do records[i - 1] = redis.call('GET', KEYS[i]) end
return records
`)

/**
 * KEYS: the record, the mark of this write. ARGV: the version that must stand ('' = no record), the new version, the
 * value, the life of the mark in milliseconds, the channel ('' = none), the message. Answers 1 = written, 0 = another
 * version stands.
 *
 * Clients send a command again when its connection broke before the answer (ioredis by default, cluster clients too). The
 * second run would find the version changed, by its own first run, and say 0 though the record was written: so each
 * write leaves a mark, and who finds its own mark has succeeded. PUBLISH may be forbidden; it only wakes.
 */
export const WRITE: Script = script(`
if redis.call('GETRANGE', KEYS[1], 0, ${VERSION_LENGTH - 1}) ~= ARGV[1] then
  return redis.call('EXISTS', KEYS[2])
end
if ARGV[5] ~= '' then redis.pcall('PUBLISH', ARGV[5], ARGV[6]) end
redis.call('SET', KEYS[2], '', 'PX', ARGV[4])
redis.call('SET', KEYS[1], ARGV[2] .. ARGV[3])
return 1
`)

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
