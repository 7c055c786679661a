/**
 * The Lua of the Redis fence: the check, to be put in front of whatever is to be written.
 *
 * Decides the comparison of R42 in Lua. Must leave KEYS and ARGV as the script behind it expects them. Read next:
 * `redis.ts`, `marks.ts` (the comparison in words).
 */

/**
 * Takes the last of KEYS (the mark, a hash) and the last three of ARGV (token, holder, election or '') off, compares, and
 * remembers. A refused claim ends the script here, with `{'refused', token, holder, election}` of the mark.
 *
 * Tokens are compared as numbers: those of Lua are exact up to 2^53 (B.20). The hash has no expiry and must not get one.
 */
const CHECK_SNIPPET = `
local fence = {
  mark = table.remove(KEYS), election = table.remove(ARGV), holder = table.remove(ARGV), token = table.remove(ARGV)
}
local seen = redis.call('HMGET', fence.mark, 'token', 'holder', 'election')
if seen[1] then
  local ours, theirs = tonumber(fence.token), tonumber(seen[1])
  local election = seen[3] or ''
  if ours < theirs or (ours == theirs and fence.holder ~= seen[2])
    or (fence.election ~= '' and election ~= '' and fence.election ~= election) then
    return {'refused', seen[1], seen[2], election}
  end
  if fence.election == '' then fence.election = election end
end
redis.call('HSET', fence.mark, 'token', fence.token, 'holder', fence.holder, 'election', fence.election)
`

/**
 * A script of the fence: the check, then `body`, wrapped so that the answer names its call, because a client may hand out
 * answers in the wrong order (node-redis 5 does, when a connection is reset while a command is on its way).
 *
 * The name is the very last of ARGV. Answers `{name, refusal}`, or `{name, {'done', result of body}}`.
 */
export function fencedScript(body: string): string {
  return `
local name = table.remove(ARGV)
local function fenced()
${CHECK_SNIPPET}
local function work()
${body}
end
return {'done', work()}
end
return {name, fenced()}
`
}

/**
 * ARGV[1]: the time of a run. Behind the check, in the same script: `{'1' if it was taken, the last run before or ''}`.
 *
 * A client may send it again when its connection broke before the answer (ioredis does). The second run would find the time
 * taken, by its own first run, and nobody would run what was due: so the name of the call stands beside the time.
 */
export const TAKE_RUN = `
local last = redis.call('HGET', fence.mark, 'lastRun')
if last and tonumber(last) >= tonumber(ARGV[1]) then
  local taken = redis.call('HMGET', fence.mark, 'takenBy', 'runBefore')
  if last == ARGV[1] and taken[1] == name then return {'1', taken[2]} end
  return {'0', last}
end
redis.call('HSET', fence.mark, 'lastRun', ARGV[1], 'takenBy', name, 'runBefore', last or '')
return {'1', last or ''}
`

/** Answers the name and the last run. A script for the same reasons as `SEEN_SCRIPT`. */
export const LAST_RUN_SCRIPT = `
redis.call('DEL', KEYS[2])
return {ARGV[1], {redis.call('HGET', KEYS[1], 'lastRun') or ''}}
`

/** Answers the name and the mark. A script, not a command, so that it too reaches a primary and names its call. */
export const SEEN_SCRIPT = `
redis.call('DEL', KEYS[2])
return {ARGV[1], redis.call('HMGET', KEYS[1], 'token', 'holder', 'election')}
`
