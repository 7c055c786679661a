/**
 * The bench under the transport suite: processes on one network, and hosts that write down what they hear.
 *
 * Decides what an author has to bring (`TransportHarness`); the cases are in `transport.ts`. Time is the network's own, so
 * that the suite runs on real sockets and on simulated ones alike.
 */
import assert from 'node:assert/strict'
import type { Part } from '../core/messages'
import type { Incarnation, ProcessId } from '../core/types'
import type { Admission, Greeting, RefusedReason, Transport, TransportHost } from '../ports/transport'

/** How the suite gets at the transport that it judges. */
export interface TransportHarness {
  /** A network of its own on which these processes can reach each other. Called once per case. */
  create(ids: readonly ProcessId[]): Promise<TransportNetwork> | TransportNetwork
}

/** A network with room for some processes. */
export interface TransportNetwork {
  /** What the hosts offer as `addresses`; may be empty. */
  readonly addresses: Readonly<Record<ProcessId, string>>
  /** A new transport for that process, as one life of it makes it. Not started; a former one was stopped. */
  transport(id: ProcessId): Transport
  /** The clock of all hosts, milliseconds. */
  now(): number
  /** Lets a few milliseconds pass on that clock, and whatever is due happen. */
  pass(): Promise<void> | void
  /** Called after the case, whether it passed or not; every transport was stopped. */
  dispose?(): Promise<void> | void
}

/** How long the suite waits for what a transport does by itself, milliseconds of the network's clock. */
const PATIENCE_MS = 10_000

/** A small part of an election. */
export const bind = (term: number, election = 'e'): Part => ({ kind: 'bind', election, term })

/** One part of each kind, with the extremes that the types allow. */
export const EVERY_PART: readonly Part[] = [
  { kind: 'heartbeat', round: Number.MAX_SAFE_INTEGER, promiseMs: 2000, probe: false, prompt: false },
  { kind: 'heartbeat', round: 0, promiseMs: 0.25, probe: true, prompt: true },
  { kind: 'ack', round: 1, grant: '12.34', renewed: true },
  { kind: 'ack', round: 1, grant: null, renewed: false },
  bind(Number.MAX_SAFE_INTEGER - 1, 'billing:invoices.daily_eu-1'),
  { kind: 'bindAck', election: 'e', term: 1, grant: 'pg.7-x:3', knownTerm: 2 },
  { kind: 'release', election: 'e', term: 1, successor: 'node-7' },
  { kind: 'releaseAck', election: 'e', term: 1 },
  { kind: 'contend', election: 'e', contending: true, priority: 10 },
  { kind: 'contendAck', election: 'e', contending: false },
  { kind: 'preVote', election: 'e', term: 1, nonce: 2 },
  { kind: 'preVoteReply', election: 'e', nonce: 2, refusal: 'bound', knownTerm: 1, leader: 'node-7' },
  { kind: 'requestVote', election: 'e', term: 1, nonce: 2, certificate: null },
  {
    kind: 'requestVote',
    election: '__proto__',
    term: 1,
    nonce: 2,
    certificate: { leader: 'l', storageId: 's', incarnation: 3, term: 4 },
  },
  {
    kind: 'voteReply',
    election: 'e',
    term: 1,
    nonce: 2,
    grant: '1.2',
    refusal: null,
    knownTerm: 1,
    leader: null,
  },
  {
    kind: 'timeoutNow',
    election: 'e',
    storageId: 's',
    certificate: { leader: 'l', storageId: 's', incarnation: 3, term: 4 },
  },
  { kind: 'sessionEnd' },
  { kind: 'deathNotice', process: 'p', storageId: 's', incarnation: 1, key: '0'.repeat(32) },
  { kind: 'floorRequest', nonce: 1 },
  { kind: 'floorReply', nonce: 1, recovering: true, together: false, term: 1_700_000_000_000 },
  { kind: 'readTerm', election: 'e', nonce: 1 },
  { kind: 'readTermReply', election: 'e', nonce: 1, term: 1 },
  {
    kind: 'notice',
    election: 'e',
    knownTerm: 1,
    leader: 'l',
    free: false,
    successor: null,
    number: 0,
    standing: [],
  },
  { kind: 'noticeAck', election: 'e', number: 1 },
]

/** What a host heard, in order. */
export type Heard =
  | { readonly type: 'connected'; readonly peer: Greeting; readonly sentAt: number; readonly at: number }
  | { readonly type: 'closed'; readonly peer: ProcessId; readonly incarnation: Incarnation }
  | {
      readonly type: 'received'
      readonly from: ProcessId
      readonly incarnation: Incarnation
      readonly parts: readonly Part[]
    }
  | { readonly type: 'refused'; readonly reason: RefusedReason }
  | { readonly type: 'failed'; readonly error: Error }

/** What a case may choose about a life. */
export interface LifeOptions {
  readonly incarnation?: Incarnation
  readonly clusterId?: string
  readonly peers?: readonly ProcessId[]
  readonly admit?: (greeting: Greeting) => Admission
}

/** One life of one process: a transport and its host. */
export class Life {
  readonly heard: Heard[] = []
  readonly greeting: Greeting
  readonly transport: Transport
  startedAt = 0
  /** Calls of `ready` and of `done`. */
  answers = 0
  ends = 0
  #sending = false
  #stopped = false
  readonly #network: TransportNetwork
  readonly #options: LifeOptions
  readonly #peers: readonly ProcessId[]

  constructor(
    network: TransportNetwork,
    id: ProcessId,
    nonce: string,
    ids: readonly ProcessId[],
    options: LifeOptions,
  ) {
    this.#network = network
    this.#options = options
    this.#peers = options.peers ?? ids.filter((other) => other !== id)
    this.transport = network.transport(id)
    this.greeting = {
      clusterId: options.clusterId ?? 'compliance',
      nodeId: id,
      storageId: `storage-of-${id}`,
      incarnation: options.incarnation ?? 1,
      nonce,
      rho: 0.1,
      deltaMs: 2,
      configTerm: 3,
      configVersion: 4,
    }
  }

  get id(): ProcessId {
    return this.greeting.nodeId
  }

  get running(): boolean {
    return !this.#stopped
  }

  /** Starts and waits for `ready`. */
  async start(): Promise<this> {
    let failure: Error | null | undefined
    this.startedAt = this.#network.now()
    this.transport.start(this.#host(), (error) => {
      this.answers += 1
      failure = error
    })
    await until(this.#network, `${this.id} is ready`, () => failure !== undefined)
    assert.equal(failure, null)
    return this
  }

  /** Stops and waits for `done`. */
  async stop(flushMs = 1_000): Promise<void> {
    const before = this.ends
    this.#stopped = true
    this.transport.stop(flushMs, () => {
      this.ends += 1
    })
    await until(this.#network, `${this.id} has stopped`, () => this.ends > before)
  }

  /** Sends, and notices a host that is called from inside. */
  send(to: Life | ProcessId, parts: readonly Part[], incarnation?: Incarnation): void {
    const id = typeof to === 'string' ? to : to.id
    this.#sending = true
    this.transport.send(id, incarnation ?? (typeof to === 'string' ? 1 : to.greeting.incarnation), parts)
    this.#sending = false
  }

  /** Net number of sessions with a peer that were announced: 1 while connected, else 0. */
  announced(peer: ProcessId): number {
    let count = 0
    for (const entry of this.heard) {
      if (entry.type === 'connected' && entry.peer.nodeId === peer) count += 1
      if (entry.type === 'closed' && entry.peer === peer) count -= 1
      assert.ok(
        count === 0 || count === 1,
        `connected and closed do not alternate: ${JSON.stringify(this.heard)}`,
      )
    }
    return count
  }

  /** Everything that arrived from a peer, frame by frame. */
  frames(from: ProcessId): readonly (readonly Part[])[] {
    return this.heard.flatMap((entry) =>
      entry.type === 'received' && entry.from === from ? [entry.parts] : [],
    )
  }

  #host(): TransportHost {
    const { greeting } = this
    const hear = (entry: Heard) => {
      assert.ok(!this.#sending, `${entry.type} came from inside send`)
      this.heard.push(entry)
    }
    return {
      local: greeting,
      peers: this.#peers,
      addresses: this.#network.addresses,
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      now: () => this.#network.now(),
      admit: this.#options.admit ?? (() => ({ ok: true })),
      connected: (peer, sentAt) => hear({ type: 'connected', peer, sentAt, at: this.#network.now() }),
      closed: (peer, incarnation) => hear({ type: 'closed', peer, incarnation }),
      received: (from, incarnation, parts) => hear({ type: 'received', from, incarnation, parts }),
      refused: (reason) => hear({ type: 'refused', reason }),
      failed: (error) => hear({ type: 'failed', error }),
    }
  }
}

/** One case: a network and the lives on it. */
export class TransportBench {
  readonly #lives: Life[] = []
  readonly #network: TransportNetwork
  readonly #ids: readonly ProcessId[]

  constructor(network: TransportNetwork, ids: readonly ProcessId[]) {
    this.#network = network
    this.#ids = ids
  }

  /** A new life, not started. */
  life(id: ProcessId, options: LifeOptions = {}): Life {
    const nonce = (this.#lives.length + 1).toString(16).padStart(32, '0')
    const life = new Life(this.#network, id, nonce, this.#ids, options)
    this.#lives.push(life)
    return life
  }

  /** Two lives that are connected. */
  async pair(): Promise<readonly [Life, Life]> {
    const [a, b] = [this.life('a'), this.life('b')]
    await Promise.all([a.start(), b.start()])
    await this.meet(a, b)
    return [a, b]
  }

  /** Waits until both have announced each other. */
  meet(a: Life, b: Life): Promise<void> {
    return this.until('both ends are connected', () => a.announced(b.id) === 1 && b.announced(a.id) === 1)
  }

  /** Waits until it holds. */
  until(what: string, holds: () => boolean): Promise<void> {
    return until(this.#network, what, holds)
  }

  /** Lets time pass in which nothing is expected. */
  async pass(ms: number): Promise<void> {
    const end = this.#network.now() + ms
    while (this.#network.now() < end) await this.#network.pass()
  }

  /** Ends whatever still runs. */
  async close(): Promise<void> {
    for (const life of this.#lives) if (life.running && life.startedAt > 0) await life.stop(0)
    await this.#network.dispose?.()
  }
}

async function until(network: TransportNetwork, what: string, holds: () => boolean): Promise<void> {
  const end = network.now() + PATIENCE_MS
  while (!holds()) {
    assert.ok(network.now() < end, `did not happen within ${PATIENCE_MS} ms: ${what}`)
    await network.pass()
  }
}
