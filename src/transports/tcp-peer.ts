/**
 * The link with one peer: dials it, and decides which connection is the session (R24, R27, R38).
 *
 * Both ends dial, so two connections may come up at once. The end with the lower id *confirms*: it numbers the
 * connections in the order in which it accepts them, tells the number to the other end (`welcome`), and the highest
 * number is the session at both ends. The end that does not confirm ends the older connection, after what was written
 * to it. So there is exactly one session whatever crosses on the way, and its change loses nothing.
 *
 * The host hears of a *life* of the peer (incarnation and nonce): `connected` when its first session comes up, `closed`
 * when its last one is gone. Knows nothing of frames. Read next: `tcp-connection.ts`, `tcp-transport.ts`.
 */
import type { ProcessId } from '../core/types'
import type { Greeting, LinkStats } from '../ports/transport'
import { type Address, formatAddress } from './tcp-address'
import type { Connection } from './tcp-connection'
import type { Dial } from './tcp-dial'
import type { Refusal } from './tcp-handshake'

const REDIAL_MIN_MS = 50
const REDIAL_MAX_MS = 1_000
/** A session that lasted this long was a good one: the next dial is made soon. */
const GOOD_SESSION_MS = 1_000
/** Not at once: if the peer has died there is something to decide first, and nobody to be reached. */
const SOON_MS = 20

/** What a peer needs from the transport. */
export interface PeerOwner {
  readonly self: ProcessId
  now(): number
  /** In [0, 1): spreads the dials of many processes. */
  random(): number
  /** Starts a dial; `failed` is called once if it ends without a session, never from inside. */
  dial(peer: ProcessId, address: Address, failed: (why: string) => void): Dial<Connection>
  /** A number above all those given before by this process. */
  nextNumber(): number
  connected(peer: Greeting, sentAt: number): void
  lost(peer: Greeting, why: string): void
}

function sameLife(a: Greeting, b: Greeting): boolean {
  return a.incarnation === b.incarnation && a.nonce === b.nonce
}

/** The link with one peer. */
export class Peer {
  readonly id: ProcessId
  /** Null: only it dials. */
  #address: Address | null
  readonly #owner: PeerOwner
  /** True: this end confirms. */
  readonly #confirms: boolean
  #session: Connection | null = null
  #dial: Dial<Connection> | null = null
  #timer: NodeJS.Timeout | null = null
  #failures = 0
  #stopped = false
  #lastError: string | null = null

  constructor(id: ProcessId, address: Address | null, owner: PeerOwner) {
    this.id = id
    this.#address = address
    this.#owner = owner
    this.#confirms = owner.self < id
  }

  /** The session, if there is one. */
  get session(): Connection | null {
    return this.#session
  }

  /** True for a peer that nobody dials and that is not connected: it can be forgotten. */
  get idle(): boolean {
    return this.#address === null && this.#session === null
  }

  start(): void {
    this.#stopped = false
    this.#redial()
  }

  /** It is dialled there from now on; a session that stands goes on, a dial on its way is given up. */
  moveTo(address: Address | null): void {
    if (address?.host === this.#address?.host && address?.port === this.#address?.port) return
    this.#address = address
    this.#failures = 0
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#session === null) {
      this.#dial?.abort()
      this.#dial = null
    }
    this.#redial()
  }

  /** Nobody keeps it any more: the session ends when what was written to it has left. */
  leave(): void {
    this.stop()
    this.#address = null
    this.#session?.retire(true)
  }

  /** Ends dialling; the session stays. */
  stop(): void {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#dial?.abort()
    this.#dial = null
  }

  stats(): LinkStats {
    return {
      peer: this.id,
      connected: this.#session !== null,
      incarnation: this.#session?.peer?.incarnation ?? null,
      address: this.#address === null ? (this.#session?.remote ?? '') : formatAddress(this.#address),
      protocolVersion: this.#session?.version ?? null,
      lastError: this.#lastError,
    }
  }

  /** R24, R27: may a process with this greeting have a session beside the one that stands? */
  judge(greeting: Greeting): Refusal | null {
    const present = this.#session?.peer
    if (present === undefined || present === null || sameLife(present, greeting)) return null
    if (greeting.incarnation > present.incarnation) return null
    return greeting.incarnation < present.incarnation
      ? { reason: 'staleIncarnation', detail: `a newer incarnation of ${this.id} is connected` }
      : { reason: 'duplicateIdentity', detail: `another process is connected as ${this.id}` }
  }

  /** A handshake with this peer is done at this end. */
  proven(connection: Connection): void {
    if (connection.dialled) return
    if (this.#confirms) this.#confirm(connection)
    else connection.welcome(0)
  }

  /** The peer's `welcome` came: a number if that end confirms; 0 if it has admitted this end and leaves it to it. */
  welcomed(connection: Connection, number: number): void {
    if (this.#confirms !== (number === 0)) connection.refuse('malformed', 'a welcome of the wrong end')
    else if (this.#confirms) this.#confirm(connection)
    else this.#adopt(connection, number)
  }

  /** A connection of this peer is gone, whatever it was. */
  gone(connection: Connection, why: string): void {
    if (connection === this.#session) {
      const good = this.#owner.now() - connection.upAt >= GOOD_SESSION_MS
      this.#session = null
      this.#failures = good ? 0 : this.#failures + 1
      this.#lastError = why
      this.#owner.lost(connection.peer as Greeting, why)
      this.#redial(SOON_MS)
    } else if (connection === this.#dial?.connection) {
      this.#dialFailed(why)
    }
  }

  #confirm(connection: Connection): void {
    this.#adopt(connection, this.#owner.nextNumber())
  }

  /** Makes a connection the session, if it is the newest one. */
  #adopt(connection: Connection, number: number): void {
    const greeting = connection.peer as Greeting
    const refusal = this.judge(greeting)
    if (refusal !== null) {
      connection.refuse(refusal.reason, refusal.detail)
      return
    }
    const old = this.#session
    const present = old?.peer ?? null
    const continued = present !== null && sameLife(present, greeting)
    if (old !== null && continued && number < old.number) {
      connection.retire(true)
      return
    }
    if (this.#confirms) connection.welcome(number)
    connection.confirm(number)
    this.#session = connection
    this.#lastError = null
    this.#endDialling(connection)
    if (continued) {
      old?.retire(!this.#confirms)
      return
    }
    if (present !== null) this.#owner.lost(present, 'replaced by a newer incarnation')
    old?.destroy('replaced by a newer incarnation')
    this.#owner.connected(greeting, connection.greetedAt)
  }

  /** A session stands: no attempt is needed, but one that the confirming end may already count on is left alone. */
  #endDialling(session: Connection): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const dial = this.#dial
    if (dial === null) return
    const other = dial.connection !== session
    if (other && !this.#confirms && dial.connection?.state === 'proven') return
    this.#dial = null
    if (other) dial.abort()
  }

  /** `firstMs`: how long to wait unless a try has failed. */
  #redial(firstMs = 0): void {
    if (this.#stopped || this.#session !== null || this.#dial !== null || this.#timer !== null) return
    const address = this.#address
    if (address === null) return
    if (this.#failures === 0 && firstMs === 0) {
      this.#dialNow(address)
      return
    }
    const longest = Math.min(REDIAL_MAX_MS, REDIAL_MIN_MS * 2 ** Math.min(this.#failures, 10))
    this.#timer = setTimeout(
      () => {
        this.#timer = null
        this.#dialNow(address)
      },
      this.#failures === 0 ? firstMs : longest * (0.5 + this.#owner.random() / 2),
    )
  }

  #dialNow(address: Address): void {
    const dial = this.#owner.dial(this.id, address, (why) => {
      if (this.#dial === dial) this.#dialFailed(why)
    })
    this.#dial = dial
  }

  #dialFailed(why: string): void {
    this.#dial = null
    if (this.#session !== null) return
    this.#failures += 1
    this.#lastError = why
    this.#redial()
  }
}
