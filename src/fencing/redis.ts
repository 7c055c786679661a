/**
 * A fence in Redis: the mark is a hash beside the data, checked and raised in the script that writes.
 *
 * Decides how scripts are called and what their answers mean; the comparison is in `redis-lua.ts`. Must not use keys that
 * expire. Read next: `fence.ts` (the contract).
 */
import { randomUUID } from 'node:crypto'
import { ElectionError, isElectionError } from '../errors'
import type { Metrics } from '../ports/metrics'
import { type ClaimSource, claimOf, type FenceMark, resourceOf } from './claim'
import type { Fence } from './fence'
import { inTime } from './in-time'
import { foreignElection, staleToken } from './marks'
import { fencedScript, LAST_RUN_SCRIPT, SEEN_SCRIPT, TAKE_RUN } from './redis-lua'
import { Refusals } from './refusals'
import { type RunClaim, type RunFence, runTimeOf } from './run'
import { checkFenceOptions } from './store-options'

/** The part of an ioredis client (`Redis` or `Cluster`) that is used. */
export interface IoRedisScripting {
  evalsha(...args: never[]): Promise<unknown>
  eval(script: string, keyCount: number, ...args: string[]): Promise<unknown>
}

/** The part of a node-redis client, version 4 or later, that is used. */
export interface NodeRedisScripting {
  evalSha(...args: never[]): Promise<unknown>
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
}

/** Options of `redisFence`. */
export interface RedisFenceOptions {
  /** In front of the keys of the marks. Default `conclave:fence:`. `/^[A-Za-z0-9._:/-]{1,128}$/`. */
  readonly prefix?: string
  /** How long a call waits for its answer, milliseconds. Default 5,000. */
  readonly waitMs?: number
  /** Counts refusals (`conclave_fence_refusals_total`): `promMetrics(client)` of `conclave/metrics`. Default: nobody counts. */
  readonly metrics?: Metrics
}

/** What a script of yours works on. */
export interface ScriptInput {
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

/** A fence whose check and write are one script. */
export interface RedisFence extends Fence, RunFence {
  /** Checks the claim and sets the key to the value, or does neither. @throws what `check` throws */
  set(resource: string, claim: ClaimSource, key: string, value: string): Promise<void>

  /**
   * Checks the claim and runs your script, or does neither. Resolves with what it returns; it finds its `KEYS` and `ARGV`
   * as given. An error in it is ELECTION_STORAGE_FAILED with the server's error as `cause`; what it had written by then,
   * and the mark, stay: Redis rolls nothing back.
   *
   * Hazards: a client may send a script twice (ioredis does after a lost connection), so let it be repeatable. `script` is
   * code: never put data into it.
   *
   * @throws what `check` throws
   */
  run(resource: string, claim: ClaimSource, script: string, input: ScriptInput): Promise<unknown>
}

/**
 * Makes a fence over marks that all writers share. Takes a client of ioredis or node-redis.
 *
 * In a cluster the mark and the keys of a write must share a slot: give the resource the hash tag of the keys, as in
 * `'{ledger}'` for `'{ledger}:total'`.
 *
 * Hazard: marks are as durable as the data beside them, no more. A fail-over or a restart that loses writes loses marks
 * too, and a server that evicts keys (`maxmemory-policy allkeys-*`) forgets them: then an old token is accepted again.
 *
 * @throws ELECTION_CONFIG_INVALID
 */
export function redisFence(
  client: IoRedisScripting | NodeRedisScripting,
  options: RedisFenceOptions = {},
): RedisFence {
  checkFenceOptions('redisFence', options, ['prefix'])
  const { prefix = 'conclave:fence:', waitMs = 5_000 } = options
  if (typeof prefix !== 'string' || !/^[A-Za-z0-9._:/-]{1,128}$/.test(prefix)) {
    throw new ElectionError(
      'ELECTION_CONFIG_INVALID',
      'prefix of redisFence() must match /^[A-Za-z0-9._:/-]{1,128}$/',
    )
  }
  return new LuaFence(evaluatorOf(client), prefix, waitMs, new Refusals(options.metrics, 'redis'))
}

type Evaluate = (script: string, keys: readonly string[], args: readonly string[]) => Promise<unknown>

function evaluatorOf(client: IoRedisScripting | NodeRedisScripting): Evaluate {
  if (typeof (client as Partial<NodeRedisScripting> | null)?.evalSha === 'function') {
    const node = client as NodeRedisScripting
    return async (script, keys, args) => node.eval(script, { keys: [...keys], arguments: [...args] })
  }
  if (typeof (client as Partial<IoRedisScripting> | null)?.evalsha === 'function') {
    const io = client as IoRedisScripting
    return async (script, keys, args) => io.eval(script, keys.length, ...keys, ...args)
  }
  throw new ElectionError(
    'ELECTION_CONFIG_INVALID',
    'redisFence() takes a client of ioredis, or of node-redis version 4 or later',
  )
}

const CHECK = fencedScript('')
const TAKE = fencedScript(TAKE_RUN)
const SET = fencedScript(`redis.call('SET', KEYS[1], ARGV[1])`)

class LuaFence implements RedisFence {
  readonly #evaluate: Evaluate
  readonly #prefix: string
  readonly #waitMs: number
  readonly #refusals: Refusals

  constructor(evaluate: Evaluate, prefix: string, waitMs: number, refusals: Refusals) {
    this.#refusals = refusals
    this.#evaluate = evaluate
    this.#prefix = prefix
    this.#waitMs = waitMs
  }

  async check(resource: string, claim: ClaimSource): Promise<void> {
    await this.#fenced(CHECK, resource, claim, { keys: [], args: [] })
  }

  async set(resource: string, claim: ClaimSource, key: string, value: string): Promise<void> {
    await this.#fenced(SET, resource, claim, { keys: [key], args: [value] })
  }

  async run(resource: string, claim: ClaimSource, script: string, input: ScriptInput): Promise<unknown> {
    return this.#fenced(fencedScript(script), resource, claim, input)
  }

  async takeRun(resource: string, claim: ClaimSource, dueAtMs: number): Promise<RunClaim> {
    const args = [String(runTimeOf(dueAtMs))]
    const answer = await this.#fenced(TAKE, resource, claim, { keys: [], args })
    if (!Array.isArray(answer)) throw strayAnswer()
    const [isTaken, last] = answer.map(String) as [string, string]
    return { isTaken: isTaken === '1', lastMs: last === '' ? null : Number(last) }
  }

  async lastRun(resource: string): Promise<number | null> {
    const key = this.#prefix + resourceOf(resource)
    const answer = await this.#ask(LAST_RUN_SCRIPT, [key, `${key}~`], [])
    const last = Array.isArray(answer) ? String(answer[0]) : ''
    return last === '' ? null : Number(last)
  }

  async highest(resource: string): Promise<FenceMark | null> {
    const key = this.#prefix + resourceOf(resource)
    const [token, holder, election] = (await this.#ask(SEEN_SCRIPT, [key, `${key}~`], [])) as (
      | string
      | null
    )[]
    if (token === null || token === undefined) return null
    return Object.freeze({
      token: Number(token),
      holder: String(holder),
      election: election ? String(election) : null,
    })
  }

  async #fenced(script: string, resource: string, claim: ClaimSource, input: ScriptInput): Promise<unknown> {
    const name = resourceOf(resource)
    const mark = claimOf(claim)
    const args = [...input.args, String(mark.token), mark.holder, mark.election ?? '']
    const answer = await this.#ask(script, [...input.keys, this.#prefix + name], args)
    if (!Array.isArray(answer)) throw strayAnswer()
    if (String(answer[0]) === 'done') return answer[1] ?? null
    const [, token, holder, election] = answer.map(String) as [string, string, string, string]
    const seen = { token: Number(token), holder, election: election === '' ? null : election }
    if (seen.election !== null && mark.election !== null && seen.election !== mark.election) {
      throw this.#refusals.counted(foreignElection(name, mark, seen))
    }
    throw this.#refusals.counted(staleToken(name, mark, seen.token, seen.holder))
  }

  /** What stands behind the name of the call in the answer to it. */
  async #ask(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const name = randomUUID()
    const answer = await inTime(
      this.#evaluate(script, keys, [...args, name]),
      this.#waitMs,
      'redisFence',
    ).catch((cause: unknown) => {
      if (isElectionError(cause)) throw cause
      const why = cause instanceof Error ? `: ${cause.message}` : ''
      throw new ElectionError('ELECTION_STORAGE_FAILED', `the script of the fence failed${why}`, { cause })
    })
    if (Array.isArray(answer) && String(answer[0]) === name) return answer[1]
    throw strayAnswer()
  }
}

function strayAnswer(): ElectionError {
  return new ElectionError('ELECTION_STORAGE_FAILED', 'the client handed out the answer to another command')
}
