/**
 * etcd as a store of votes: one key per record, its modification revision as the version.
 *
 * Decides how records lie in etcd and what each answer means. Must not use leases of etcd: run-out is judged by
 * observation only (R46). Read next: `etcd-call.ts` (attempts), `etcd-watch.ts` (wake-ups), `../ports/cas-store.ts`.
 */
import type {
  CasReadResult,
  CasRecord,
  CasStore,
  CasVersion,
  CasWatch,
  CasWriteResult,
} from '../ports/cas-store'
import type { VoterLink, VoterSetup, VoterStore } from '../ports/voter-store'
import { EtcdCall, type EtcdCallOptions } from './etcd-call'
import { type EtcdWatchBuilder, watchEtcd } from './etcd-watch'
import { checkPrefix, checkStoreOptions, invalidOption, STORE_TIMEOUT_MS, type StoreOptions } from './options'
import { openVoter } from './voter'
import { Budget, type Outcome } from './within'

export type { EtcdWatchBuilder, EtcdWatcher } from './etcd-watch'
export type { StoreOptions } from './options'

/** The part of an `etcd3` client, or of a `namespace()` of one, that is used. */
export interface EtcdClient {
  if(
    key: string,
    column: 'Mod' | 'Create' | 'Version',
    comparison: '==' | '>',
    value: string,
  ): EtcdTransaction
  get(key: string): EtcdGet
  put(key: string): { value(value: string): EtcdOperation }
  watch(): EtcdWatchBuilder
}

/** A transaction under construction. */
export interface EtcdTransaction {
  then(...operations: EtcdOperation[]): EtcdTransaction
  options(options: never): EtcdTransaction
  commit(): Promise<EtcdTransactionResult>
}

/** One operation of a transaction. */
export interface EtcdOperation {
  op(): Promise<object>
}

/** A read of one key. */
export interface EtcdGet extends EtcdOperation {
  revision(revision: string): EtcdGet
}

/** What a transaction did; integers are decimal texts. */
export interface EtcdTransactionResult {
  readonly succeeded: boolean
  readonly header: { readonly revision: string }
  readonly responses: readonly EtcdResponse[]
}

/** What one operation of a transaction found. */
export interface EtcdResponse {
  readonly response_range?: { readonly kvs: readonly { mod_revision: string; value: Buffer }[] } | null
}

/** Options of `etcd()`. */
export interface EtcdOptions extends StoreOptions {
  /** In front of every key. Default `conclave/`. `/^[A-Za-z0-9._:/-]{0,128}$/`. */
  readonly prefix?: string
}

/** etcd refuses transactions with more operations (its `--max-txn-ops`, by default 128). */
const KEYS_PER_TRANSACTION = 100

/**
 * Makes a store out of a client of `etcd3`, which also knows the endpoints and the credentials.
 *
 * Acknowledged writes survive the loss of any minority of the members. Reads are linearizable: they ask the quorum.
 * What etcd cannot promise: anything after a restore from a snapshot, which may bring old revisions back (R48).
 *
 * The client's default `faultHandling` stops calling a member for five seconds after three failures in a row. With one
 * endpoint that is as long as the default D: give it all endpoints, or `faultHandling: { host: () => noop }` with the
 * `noop` policy of `cockatiel`. Its watch does not notice a half-open link by itself: waiting processes then look at each
 * heartbeat only, and the connection keeps the process alive after `stop()` and `close()`. Give it `grpcOptions:
 * { 'grpc.keepalive_time_ms': 10_000, 'grpc.keepalive_timeout_ms': 3_000 }` (etcd ends a client that asks more often than
 * every five seconds).
 *
 * @throws ELECTION_CONFIG_INVALID
 */
export function etcd(client: EtcdClient, options: EtcdOptions = {}): CasStore & VoterStore {
  checkStoreOptions('etcd', options, ['prefix'])
  const prefix = checkPrefix('etcd', options.prefix ?? 'conclave/')
  if (typeof client?.if !== 'function' || typeof client.put !== 'function') {
    throw invalidOption('etcd() takes a client of etcd3')
  }
  return new EtcdStore(client, prefix, options)
}

class EtcdStore implements CasStore, VoterStore {
  readonly name = 'etcd'
  readonly durability
  readonly timeoutMs: number
  readonly #client: EtcdClient
  readonly #prefix: string

  constructor(client: EtcdClient, prefix: string, options: EtcdOptions) {
    this.#client = client
    this.#prefix = prefix
    this.durability = options.durability ?? 'survives'
    this.timeoutMs = options.timeoutMs ?? STORE_TIMEOUT_MS
  }

  open(setup: VoterSetup): VoterLink {
    return openVoter(this, setup)
  }

  /** More keys than one transaction takes are read at the revision of the first: one instant all the same. */
  async read(keys: readonly string[]): Promise<CasReadResult> {
    const budget = new Budget(this.name, this.timeoutMs)
    const records: (CasRecord | null)[] = []
    let revision: string | null = null
    for (let from = 0; from < keys.length; from += KEYS_PER_TRANSACTION) {
      const some = keys.slice(from, from + KEYS_PER_TRANSACTION)
      const answer: Outcome<EtcdTransactionResult> = await this.#commit(
        this.#always(some[0]!).then(...some.map((key) => this.#get(key, revision))),
        new EtcdCall(),
        budget,
      )
      if (answer.kind !== 'done') return { kind: 'failed', error: answer.error }
      revision ??= answer.value.header.revision
      records.push(...answer.value.responses.map(recordOf))
    }
    if (records.length === keys.length) return { kind: 'ok', records }
    return { kind: 'failed', error: new Error('not one response for each key') }
  }

  async write(key: string, version: CasVersion | null, value: string): Promise<CasWriteResult> {
    // Compared as a number: what is none cannot be the version of anything.
    if (version !== null && !/^[1-9][0-9]{0,18}$/.test(version)) return { kind: 'conflict' }
    const name = this.#prefix + key
    const condition =
      version === null
        ? this.#client.if(name, 'Create', '==', '0')
        : this.#client.if(name, 'Mod', '==', version)
    const call = new EtcdCall()
    const answer = await this.#commit(
      condition.then(this.#client.put(name).value(value)),
      call,
      new Budget(this.name, this.timeoutMs),
    )
    if (answer.kind === 'done') {
      if (answer.value.succeeded) return { kind: 'ok', version: answer.value.header.revision }
      if (call.sent <= 1) return { kind: 'conflict' }
      return { kind: 'ambiguous', error: new Error('the client sent the write more than once') }
    }
    const failed =
      call.sent === 0 || (call.sent === 1 && answer.kind === 'error' && certainlyRefused(answer.error))
    return { kind: failed ? 'failed' : 'ambiguous', error: answer.error }
  }

  watch(prefix: string, wake: (key: string | null) => void): CasWatch {
    return watchEtcd(() => this.#client.watch(), this.#prefix, prefix, wake)
  }

  async #commit(
    transaction: EtcdTransaction,
    call: EtcdCall,
    budget: Budget,
  ): Promise<Outcome<EtcdTransactionResult>> {
    const options: EtcdCallOptions = call.options
    const answer = await budget.run(() => transaction.options(options as never).commit())
    if (answer.kind === 'late') call.abandon()
    return answer
  }

  /** A condition that holds: the client offers transactions only with one. */
  #always(key: string): EtcdTransaction {
    return this.#client.if(this.#prefix + key, 'Version', '>', '-1')
  }

  #get(key: string, revision: string | null): EtcdGet {
    const get = this.#client.get(this.#prefix + key)
    return revision === null ? get : get.revision(revision)
  }
}

/** The revision of the whole store that last wrote the key: never used twice, also not after a deletion (R68). */
function recordOf(response: EtcdResponse): CasRecord | null {
  const found = response.response_range?.kvs[0]
  return found === undefined ? null : { version: found.mod_revision, value: found.value.toString() }
}

/**
 * True for errors by which the server says that it did not even propose the write. Told by their texts: the client makes
 * errors of many classes, and another copy of it makes other classes.
 */
function certainlyRefused(error: Error): boolean {
  return /permission denied|invalid auth token|authentication failed|user name is empty|too many requests|request is too large|database space exceeded/.test(
    error.message,
  )
}
