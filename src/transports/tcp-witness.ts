/**
 * A witness of another process, as seen from its end: keeps a proven connection to each peer of that process, and says one
 * thing on all of them when it is told that the process has ended (R55).
 *
 * The connections of a process that has led are made beforehand, so that the proof of its death is one small frame and no
 * handshake; nobody waits for another. One that is lost is dialled anew, also while there is something to say, until the peer
 * has taken it or `limitMs` is over. Never decides that anybody is dead. Runs in a sentinel or in `conclave run`, never in
 * the service. Read next: `tcp-witnesses.ts`.
 */
import type { Socket } from 'node:net'
import type { DeathNotice } from '../core/messages'
import type { ProcessId } from '../core/types'
import type { Greeting } from '../ports/transport'
import type { Testament } from '../ports/witness'
import { FRAME_KINDS, MAX_GREETING_FRAME_BYTES, PartEncoder } from '../wire'
import type { Address } from './tcp-address'
import { type Dial, dial } from './tcp-dial'
import { FrameReader } from './tcp-frames'
import { Handshake } from './tcp-handshake'
import { keysOf, type SecretKeys } from './tcp-keys'
import type { Pem } from './tcp-options'
import { secureContext } from './tcp-tls'

/** While there is something to say. */
const REDIAL_MS = 20
/** While there is nothing: a peer that was lost may have died, and then there is something to decide first. */
const REDIAL_MIN_MS = 250
const REDIAL_MAX_MS = 2_000
const DIAL_TIMEOUT_MS = 2_000
/** What lasted this long was a good connection: no failure before it counts. */
const GOOD_MS = 1_000

/** How a witness reaches the peers: plain data, made by `TcpTransport.witness`. */
export interface WitnessMeans {
  readonly peers: Readonly<Record<ProcessId, Address>>
  /** Base64; null where there is none. */
  readonly secret: string | null
  readonly tls: { readonly ca: Pem; readonly cert: Pem; readonly key: Pem } | null
}

interface Shared {
  readonly life: Greeting
  readonly notice: DeathNotice
  readonly keys: readonly SecretKeys[]
  readonly secure: ReturnType<typeof secureContext> | null
}

/** Speaks for the death of one life. */
export class Witness {
  readonly #testament: Testament
  readonly #posts: readonly Post[]

  /** Dials all peers, if its process has led. @throws if the credentials cannot be used. */
  constructor(testament: Testament) {
    const { peers, secret, tls } = testament.means as WitnessMeans
    const shared: Shared = {
      life: testament.life,
      notice: noticeOf(testament),
      keys: keysOf(secret === null ? [] : [Buffer.from(secret, 'base64')]),
      secure: tls === null ? null : secureContext(tls),
    }
    this.#testament = testament
    this.#posts = Object.entries(peers).map(([id, address]) => new Post(id, address, shared))
    // one that does not say is of an earlier release, which had it so
    if (testament.hasLed !== false) for (const post of this.#posts) post.open()
  }

  /** That life has ended: tells everybody. Calls back when all have taken it, or when it is of no use any more. */
  testify(done: () => void): void {
    const { limitMs } = this.#testament
    let open = this.#posts.length
    const end = (): void => {
      clearTimeout(timer)
      this.close()
      done()
    }
    const timer = setTimeout(end, limitMs)
    if (open === 0) return end()
    for (const post of this.#posts) {
      post.tell(() => {
        open -= 1
        if (open === 0) end()
      })
    }
  }

  /** Ends all connections without a word. */
  close(): void {
    for (const post of this.#posts) post.close()
  }
}

function noticeOf({ life, key }: Testament): DeathNotice {
  const { nodeId: process, storageId, incarnation } = life
  return { kind: 'deathNotice', process, storageId, incarnation, key }
}

/** The connection with one peer. */
class Post {
  readonly #id: ProcessId
  readonly #address: Address
  readonly #shared: Shared
  #dial: Dial<PostLine> | null = null
  #timer: NodeJS.Timeout | null = null
  #failures = 0
  /** Set when there is something to say. */
  #done: (() => void) | null = null
  #closed = false

  constructor(id: ProcessId, address: Address, shared: Shared) {
    this.#id = id
    this.#address = address
    this.#shared = shared
  }

  open(): void {
    this.#dialNow()
  }

  tell(done: () => void): void {
    this.#done = done
    this.#failures = 0
    this.#dial?.connection?.tell()
    if (this.#dial === null) this.#dialNow()
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#dial?.abort()
  }

  #dialNow(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#dial = dial({
      address: this.#address,
      secure: this.#shared.secure,
      timeoutMs: DIAL_TIMEOUT_MS,
      failed: () => this.#gone(false, false),
      begin: (socket) => {
        const line = new PostLine(socket, this.#id, this.#shared, (good, heard) => this.#gone(good, heard))
        if (this.#done !== null) line.tell()
        return line
      },
    })
  }

  /** `good`: it lasted; `heard`: the peer has taken what was said. */
  #gone(good: boolean, heard: boolean): void {
    if (this.#closed) return
    this.#dial = null
    if (heard && this.#done !== null) {
      this.#closed = true
      this.#done()
      return
    }
    this.#failures = good ? 0 : this.#failures + 1
    const wait = Math.min(REDIAL_MAX_MS, REDIAL_MIN_MS * 2 ** Math.min(this.#failures, 3))
    this.#timer = setTimeout(() => this.#dialNow(), this.#done === null ? wait : REDIAL_MS)
  }
}

/**
 * One socket: the handshake of a witness, then at most one sealed frame. That is made as soon as there are keys: code that
 * never ran costs milliseconds, and when it is to be said it is in a hurry. The peer hangs up when it has heard it.
 */
class PostLine {
  readonly #socket: Socket
  readonly #handshake: Handshake
  readonly #reader = new FrameReader(MAX_GREETING_FRAME_BYTES)
  readonly #notice: DeathNotice
  /** The notice as it leaves on this connection; null until the handshake is done. */
  #frame: Buffer | null = null
  #isProven = false
  #isDue = false
  #said = false
  #failed = false

  constructor(
    socket: Socket,
    expected: ProcessId,
    { life, notice, keys }: Shared,
    gone: (good: boolean, heard: boolean) => void,
  ) {
    const openedAt = performance.now()
    this.#socket = socket
    this.#notice = notice
    this.#handshake = new Handshake(
      {
        local: life,
        keys,
        by: 'witness',
        now: () => performance.now(),
        judge: ({ clusterId, nodeId }) =>
          clusterId === life.clusterId && nodeId === expected
            ? null
            : { reason: 'wrongIdentity', detail: `${nodeId} lives at the address of ${expected}` },
      },
      true,
    )
    socket.on('error', () => {
      this.#failed = true
    })
    socket.on('close', () => gone(performance.now() - openedAt >= GOOD_MS, this.#said && !this.#failed))
  }

  open(): void {
    this.#socket.setNoDelay(true)
    this.#socket.setKeepAlive(true, 10_000)
    this.#socket.on('data', (chunk) => {
      // behind the handshake a peer only ever says why it closes
      if (this.#isProven) return
      const sound = this.#reader.push(chunk, (frame) => this.#onFrame(frame))
      if (!sound) this.#socket.destroy()
    })
    this.#socket.write(this.#handshake.hello())
  }

  tell(): void {
    this.#isDue = true
    this.#flush()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #onFrame(frame: Buffer): boolean {
    const step = this.#handshake.receive(frame)
    if (step.kind === 'refused' || step.kind === 'closedByPeer') {
      this.#failed = true
      this.#socket.destroy()
      return false
    }
    if (step.frame !== null) this.#socket.write(step.frame)
    if (step.kind === 'continue') return true
    this.#isProven = true
    const { seals, version } = step
    new PartEncoder({ version }).encode([this.#notice], (body) => {
      this.#frame = seals.outgoing.seal(FRAME_KINDS.parts, body)
    })
    this.#flush()
    return false
  }

  #flush(): void {
    if (this.#frame === null || !this.#isDue || this.#said) return
    this.#said = true
    this.#socket.write(this.#frame)
  }
}
