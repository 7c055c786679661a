/**
 * A witness of another process, as seen from its end: keeps a proven connection to each peer of that process, and says one
 * thing on all of them when it is told that the process has ended (R55).
 *
 * The connections are made beforehand, so that the proof of death is one small frame and no handshake. One that is lost is
 * dialled anew, also while there is something to say, until the peer has taken it or `limitMs` is over. Never decides that
 * anybody is dead. Runs in a sentinel or in `conclave run`, never in the service. Read next: `tcp-witnesses.ts`.
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
import { keysOf, type Sealer, type SecretKeys, sessionSeals } from './tcp-keys'
import type { Pem } from './tcp-options'
import { secureContext } from './tcp-tls'

const REDIAL_MIN_MS = 20
const REDIAL_MAX_MS = 2_000
const DIAL_TIMEOUT_MS = 2_000
/** What lasted this long was a good connection: it is made again at once. */
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
  readonly keys: readonly SecretKeys[]
  readonly secure: ReturnType<typeof secureContext> | null
}

/** Speaks for the death of one life. */
export class Witness {
  readonly #testament: Testament
  readonly #posts: readonly Post[]

  /** Dials all peers. @throws if the credentials cannot be used. */
  constructor(testament: Testament) {
    const { peers, secret, tls } = testament.means as WitnessMeans
    const shared: Shared = {
      life: testament.life,
      keys: keysOf(secret === null ? [] : [Buffer.from(secret, 'base64')]),
      secure: tls === null ? null : secureContext(tls),
    }
    this.#testament = testament
    rehearse(noticeOf(testament), shared.keys)
    this.#posts = Object.entries(peers).map(([id, address]) => new Post(id, address, shared))
  }

  /** That life has ended: tells everybody. Calls back when all have taken it, or when it is of no use any more. */
  testify(done: () => void): void {
    const { limitMs } = this.#testament
    const notice = noticeOf(this.#testament)
    let open = this.#posts.length
    const end = (): void => {
      clearTimeout(timer)
      this.close()
      done()
    }
    const timer = setTimeout(end, limitMs)
    if (open === 0) return end()
    for (const post of this.#posts) {
      post.tell(notice, () => {
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

/** What is said once, and then in a hurry, is made once beforehand and thrown away: code that never ran costs milliseconds. */
function rehearse(notice: DeathNotice, [keys]: readonly SecretKeys[]): void {
  if (keys === undefined) return
  const { outgoing } = sessionSeals(keys, [], true)
  new PartEncoder().encode([notice], (body) => void outgoing.seal(FRAME_KINDS.parts, body))
}

/** The connection with one peer. */
class Post {
  readonly #id: ProcessId
  readonly #address: Address
  readonly #shared: Shared
  #dial: Dial<PostLine> | null = null
  #timer: NodeJS.Timeout | null = null
  #failures = 0
  #message: { readonly notice: DeathNotice; readonly done: () => void } | null = null
  #closed = false

  constructor(id: ProcessId, address: Address, shared: Shared) {
    this.#id = id
    this.#address = address
    this.#shared = shared
    this.#dialNow()
  }

  tell(notice: DeathNotice, done: () => void): void {
    this.#message = { notice, done }
    this.#failures = 0
    this.#dial?.connection?.tell(notice)
    if (this.#timer !== null) this.#dialNow()
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
        if (this.#message !== null) line.tell(this.#message.notice)
        return line
      },
    })
  }

  /** `good`: it lasted; `heard`: the peer has taken what was said. */
  #gone(good: boolean, heard: boolean): void {
    if (this.#closed) return
    this.#dial = null
    if (heard && this.#message !== null) {
      this.#closed = true
      this.#message.done()
      return
    }
    this.#failures = good ? 0 : this.#failures + 1
    const wait = Math.min(REDIAL_MAX_MS, REDIAL_MIN_MS * 2 ** Math.min(this.#failures, 7))
    this.#timer = setTimeout(() => this.#dialNow(), this.#message === null ? wait : REDIAL_MIN_MS)
  }
}

/** One socket: the handshake of a witness, then at most one sealed frame. */
class PostLine {
  readonly #socket: Socket
  readonly #handshake: Handshake
  readonly #reader = new FrameReader(MAX_GREETING_FRAME_BYTES)
  #sealer: Sealer | null = null
  #version = 0
  #notice: DeathNotice | null = null
  #said = false
  #failed = false

  constructor(
    socket: Socket,
    expected: ProcessId,
    { life, keys }: Shared,
    gone: (good: boolean, heard: boolean) => void,
  ) {
    const openedAt = performance.now()
    this.#socket = socket
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
      if (this.#sealer !== null) return
      const sound = this.#reader.push(chunk, (frame) => this.#onFrame(frame))
      if (!sound) this.#socket.destroy()
    })
    this.#socket.write(this.#handshake.hello())
  }

  tell(notice: DeathNotice): void {
    this.#notice = notice
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
    this.#sealer = step.seals.outgoing
    this.#version = step.version
    this.#flush()
    return false
  }

  #flush(): void {
    if (this.#sealer === null || this.#notice === null || this.#said) return
    this.#said = true
    const sealer = this.#sealer
    new PartEncoder({ version: this.#version }).encode([this.#notice], (body) => {
      this.#socket.write(sealer.seal(FRAME_KINDS.parts, body))
    })
    // the others are told first
    setImmediate(() => this.#socket.end())
  }
}
