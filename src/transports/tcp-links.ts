/**
 * All connections and all peers of a running transport, and who is refused (E2, E4, R24, R70).
 *
 * Judges every greeting that was proved: cluster, identity, certificate, lives; only then is the host asked. Gathers what
 * was sent in one turn. Read next: `tcp-peer.ts` (which connection is the session), `tcp-connection.ts`.
 */
import { randomInt } from 'node:crypto'
import type { Socket } from 'node:net'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import { displayName } from '../core/identity'
import type { Part } from '../core/messages'
import type { Incarnation, ProcessId } from '../core/types'
import type { Greeting, LinkStats, RefusedReason, TransportStats } from '../ports/transport'
import type { Command } from '../wire'
import { type Address, formatAddress } from './tcp-address'
import { Connection, type ConnectionOptions, type ConnectionOwner } from './tcp-connection'
import type { Credentials } from './tcp-credentials'
import { type Dial, dial } from './tcp-dial'
import type { Refusal, Role } from './tcp-handshake'
import type { QuietHost } from './tcp-host'
import type { Accepted } from './tcp-listener'
import { Operators } from './tcp-operators'
import type { TcpSettings } from './tcp-options'
import { Peer, type PeerOwner } from './tcp-peer'
import { mayClaim } from './tcp-tls'
import { isTestimonyOf, Witnesses } from './tcp-witnesses'

/** Resolution of the numbers that spread dials. */
const RANDOM_STEPS = 2 ** 32
/** How long a witness that has spoken may stay, ms. */
const TESTIFIED_MS = 50

/** What the links work with. */
export interface LinksOptions {
  readonly settings: TcpSettings
  readonly credentials: Credentials
  readonly host: QuietHost
  readonly addresses: ReadonlyMap<ProcessId, Address>
  /** Peers to keep a link with; others may connect by themselves if the host admits them. */
  readonly wanted: readonly ProcessId[]
}

/** What changes when members do. */
type Wanted = Pick<LinksOptions, 'wanted' | 'addresses'>

/** The links of one process. */
export class Links implements ConnectionOwner, PeerOwner {
  readonly #options: LinksOptions
  readonly #host: QuietHost
  readonly #peers = new Map<ProcessId, Peer>()
  #wanted: Wanted
  readonly #connections = new Set<Connection>()
  readonly #witnesses = new Witnesses()
  readonly #operators: Operators
  /** Sessions that were sent to in the present turn. */
  readonly #unflushed = new Set<Connection>()
  #number = 0
  #framesSent = 0
  #framesReceived = 0
  #bytesSent = 0
  #bytesReceived = 0

  constructor(options: LinksOptions) {
    this.#options = options
    this.#host = options.host
    this.#operators = new Operators(options.host)
    this.#wanted = options
  }

  /** Starts to dial. */
  start(): void {
    for (const id of this.#wanted.wanted) if (id !== this.self) this.#peer(id).start()
  }

  /** Others from now on, or elsewhere: dials the new ones, and leaves those that were kept until now. */
  keep(wanted: Wanted): void {
    const former = this.#wanted.wanted
    this.#wanted = wanted
    for (const id of former) {
      const peer = wanted.wanted.includes(id) ? undefined : this.#peers.get(id)
      peer?.leave()
      if (peer?.idle) this.#peers.delete(id)
    }
    for (const id of wanted.wanted) {
      if (id === this.self) continue
      this.#peer(id).moveTo(wanted.addresses.get(id) ?? null)
      this.#peer(id).start()
    }
  }

  /** A socket from the listener. */
  accept({ socket, remote, deadline, settled }: Accepted): void {
    this.#connection(socket, { expected: null, remote, deadline, settled }).open()
  }

  send(to: ProcessId, toIncarnation: Incarnation, parts: readonly Part[]): void {
    const session = this.#peers.get(to)?.session
    if (session?.peer?.incarnation !== toIncarnation) return
    session.push(parts)
    if (this.#unflushed.size === 0) process.nextTick(() => this.#flush())
    this.#unflushed.add(session)
  }

  flushSync(): void {
    // in the order in which they were sent to: the first one may have the longest way to go
    for (const session of this.#unflushed) session.flushNow()
    this.#unflushed.clear()
    for (const peer of this.#peers.values()) peer.session?.flushNow()
  }

  /** See `Connection.tick`. */
  tick(): void {
    for (const connection of this.#connections) connection.tick()
  }

  /** Ends all dialling. Sessions stay. */
  halt(): void {
    for (const peer of this.#peers.values()) peer.stop()
  }

  /** Lets every session deliver what was sent, for at most `flushMs`, closes all and calls back. */
  finish(flushMs: number, done: () => void): void {
    let isOver = false
    const end = () => {
      if (isOver) return
      isOver = true // each connection that is destroyed here says that it is finished, too
      clearTimeout(timer)
      for (const connection of this.#connections) connection.destroy('stopped')
      done()
    }
    const timer = setTimeout(end, flushMs)
    let open = 0
    for (const connection of this.#connections) {
      if (connection.state !== 'up') {
        connection.destroy('stopped')
        continue
      }
      open += 1
      connection.finish(() => {
        open -= 1
        if (open === 0) end()
      })
    }
    if (open === 0) end()
  }

  stats(): Omit<TransportStats, 'refused'> & { readonly links: readonly LinkStats[] } {
    return {
      links: [...this.#peers.values()].map((peer) => peer.stats()),
      framesSent: this.#framesSent,
      framesReceived: this.#framesReceived,
      bytesSent: this.#bytesSent,
      bytesReceived: this.#bytesReceived,
    }
  }

  // What peers need (`PeerOwner`).

  get self(): ProcessId {
    return this.#host.local.nodeId
  }

  now(): number {
    return this.#host.now()
  }

  random(): number {
    return randomInt(RANDOM_STEPS) / RANDOM_STEPS
  }

  nextNumber(): number {
    this.#number += 1
    return this.#number
  }

  dial(peer: ProcessId, address: Address, failed: (why: string) => void): Dial<Connection> {
    const { settings, credentials } = this.#options
    const deadline = this.now() + settings.handshakeMs
    return dial({
      address,
      secure: credentials.secure,
      timeoutMs: settings.handshakeMs,
      failed,
      begin: (socket) =>
        this.#connection(socket, {
          expected: peer,
          remote: formatAddress(address),
          deadline,
          settled: () => {},
        }),
    })
  }

  connected(peer: Greeting, sentAt: number): void {
    this.#host.connected(peer, sentAt)
  }

  lost(peer: Greeting, why: string): void {
    this.#host.closed(peer.nodeId, peer.incarnation, why)
  }

  // What connections report (`ConnectionOwner`).

  proven(connection: Connection): void {
    this.#peer((connection.peer as Greeting).nodeId).proven(connection)
  }

  attended(connection: Connection): void {
    this.#witnesses.add(connection)
  }

  operated(connection: Connection): void {
    this.#operators.add(connection)
  }

  commanded(connection: Connection, command: Command): void {
    this.#operators.command(connection, command)
  }

  welcomed(connection: Connection, number: number): void {
    this.#peer((connection.peer as Greeting).nodeId).welcomed(connection, number)
  }

  received(connection: Connection, parts: readonly Part[]): void {
    const { nodeId, incarnation } = connection.peer as Greeting
    if (connection.state === 'witness') {
      const sound = isTestimonyOf(connection.peer as Greeting, parts)
      if (!sound) return connection.refuse('malformed', 'a witness spoke of something else')
      this.#host.received(nodeId, incarnation, parts)
      // an election may follow from a death, and that needs the processors more than a good-bye does
      const close = (): void => connection.close('stopping', 'the witness has said what it had to say')
      setTimeout(close, TESTIFIED_MS).unref()
      return
    }
    // A connection that was replaced may still deliver, but not for a life that the host was told is over (R24).
    if (this.#peers.get(nodeId)?.session?.peer?.incarnation !== incarnation) return
    this.#host.received(nodeId, incarnation, parts)
  }

  refused(connection: Connection, reason: RefusedReason, detail: string): void {
    this.#host.refused(reason, connection.remote, detail)
  }

  closed(connection: Connection, why: string): void {
    this.#connections.delete(connection)
    this.#unflushed.delete(connection)
    this.#witnesses.delete(connection)
    this.#operators.delete(connection)
    const id = connection.expected ?? connection.peer?.nodeId
    const peer = id === undefined ? undefined : this.#peers.get(id)
    if (id === undefined || peer === undefined) return
    peer.gone(connection, why)
    if (peer.idle && !this.#wanted.wanted.includes(id)) this.#peers.delete(id)
  }

  sent(frames: number, bytes: number): void {
    this.#framesSent += frames
    this.#bytesSent += bytes
  }

  arrived(frames: number, bytes: number): void {
    this.#framesReceived += frames
    this.#bytesReceived += bytes
  }

  #flush(): void {
    const sessions = [...this.#unflushed]
    this.#unflushed.clear()
    for (const session of sessions) session.flush()
  }

  #peer(id: ProcessId): Peer {
    let peer = this.#peers.get(id)
    if (peer === undefined) {
      peer = new Peer(id, this.#wanted.addresses.get(id) ?? null, this)
      this.#peers.set(id, peer)
    }
    return peer
  }

  #connection(
    socket: Socket,
    options: Pick<ConnectionOptions, 'expected' | 'remote' | 'deadline' | 'settled'>,
  ): Connection {
    const { settings, credentials } = this.#options
    // Undefined if the socket is gone already, whatever its type says.
    const certificate = (socket instanceof TLSSocket ? socket.getPeerCertificate() : null) ?? null
    const connection = new Connection(socket, this, {
      ...options,
      maxQueueBytes: settings.maxQueueBytes,
      handshake: {
        local: this.#host.local,
        keys: credentials.keys,
        now: () => this.now(),
        judge: (greeting, by) => this.#judge(greeting, by, options.expected, certificate),
      },
    })
    this.#connections.add(connection)
    return connection
  }

  /** E4: cluster, then identity, then lives, and only then does the host hear of it. */
  #judge(
    greeting: Greeting,
    by: Role,
    expected: ProcessId | null,
    certificate: PeerCertificate | null,
  ): Refusal | null {
    const { clusterId, nodeId, nonce } = this.#host.local
    const claimed = greeting.nodeId
    if (greeting.clusterId !== clusterId) {
      return refusal(
        'wrongCluster',
        `the peer belongs to cluster ${greeting.clusterId}, this end to ${clusterId}`,
      )
    }
    if (claimed === nodeId && by !== 'operator') {
      return greeting.nonce === nonce
        ? refusal('wrongIdentity', 'the address leads back to this process')
        : refusal('duplicateIdentity', `another process says that it is ${claimed}, too`)
    }
    if (expected !== null && claimed !== expected) {
      return refusal('wrongIdentity', `${claimed} lives at the address of ${expected}`)
    }
    const { credentials, wanted } = this.#options
    const { tls } = credentials
    // who is no voter has its storage behind the id that its certificate names (R49)
    const named = wanted.includes(claimed) ? claimed : displayName(claimed)
    if (tls !== null && !mayClaim(certificate, clusterId, named, tls.identity)) {
      return refusal(
        'wrongIdentity',
        `the certificate of the peer does not name ${named} of cluster ${clusterId}`,
      )
    }
    if (by === 'operator') return this.#operators.judge(greeting)
    if (by === 'witness') {
      return this.#peers.has(claimed) ? null : refusal('unknownMember', `${claimed} is no peer of this end`)
    }
    const present = this.#peers.get(claimed)?.judge(greeting) ?? null
    if (present !== null) return present
    const admission = this.#host.admit(greeting)
    return admission.ok ? null : refusal(admission.reason, `${claimed} was not admitted`)
  }
}

function refusal(reason: RefusedReason, detail: string): Refusal {
  return { reason, detail }
}
