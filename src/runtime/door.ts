/**
 * The door of a process: which greetings of other processes are admitted, and which lives have a session right now.
 *
 * The judgement itself is pure (`core/identity.ts`); here it meets the durable pins (R25, R27), the lives met since start,
 * and the counters for `status()`. A pin is written when the session is up, not when it is asked for: whoever cannot
 * finish the handshake must not be able to spoil somebody else's pin.
 */
import { judgeHello } from '../core/identity'
import type { Incarnation, ProcessId } from '../core/types'
import type { Logger } from '../ports/logger'
import type { Admission, Greeting, RefusedReason } from '../ports/transport'
import { printable } from './printable'
import type { Writer } from './writer'

/** What the door needs to know. */
export interface DoorOptions {
  readonly local: Greeting
  readonly members: ReadonlySet<ProcessId>
  readonly ephemeral: boolean
  readonly writer: Writer
  readonly logger: Logger
  /** Two live processes use one identity (R27); once per pair of nonces. */
  readonly onDuplicate: (process: ProcessId, detail: string) => void
}

interface Life {
  readonly storageId: string
  readonly incarnation: Incarnation
  readonly nonce: string
  connected: boolean
}

/** Admissions, pins and live sessions of one process. */
export class Door {
  private readonly lives = new Map<ProcessId, Life>()
  private readonly reported = new Map<ProcessId, string>()
  private readonly counts: Partial<Record<RefusedReason, number>> = {}

  constructor(private readonly options: DoorOptions) {}

  /** Refusals since start, by reason. */
  get refused(): Readonly<Partial<Record<RefusedReason, number>>> {
    return this.counts
  }

  /** Judges a greeting; remembers nothing but the count of a refusal. */
  admit(greeting: Greeting): Admission {
    const verdict = this.judge(greeting)
    if (verdict.ok) return { ok: true }
    this.count(verdict.reason)
    this.report(greeting, verdict.reason)
    return verdict
  }

  /** A session is up: pins the life, durably with the write of this turn. False if it may not be used after all. */
  connected(greeting: Greeting): boolean {
    const verdict = this.judge(greeting)
    if (!verdict.ok) {
      this.count(verdict.reason)
      this.report(greeting, verdict.reason)
      return false
    }
    const { nodeId, storageId, incarnation, nonce } = greeting
    this.lives.set(nodeId, { storageId, incarnation, nonce, connected: true })
    if (verdict.pin !== null) {
      const { writer } = this.options
      writer.change({ pins: { ...writer.record.pins, [nodeId]: verdict.pin } })
    }
    return true
  }

  /** The last session with that life is gone. */
  closed(peer: ProcessId, incarnation: Incarnation): void {
    const life = this.lives.get(peer)
    if (life?.incarnation === incarnation) life.connected = false
  }

  /** May frames of that life be applied? */
  isOpen(peer: ProcessId, incarnation: Incarnation): boolean {
    const life = this.lives.get(peer)
    return life?.connected === true && life.incarnation === incarnation
  }

  /** Counts a refusal. */
  count(reason: RefusedReason): void {
    this.counts[reason] = (this.counts[reason] ?? 0) + 1
  }

  private judge(greeting: Greeting) {
    const { local, members, ephemeral, writer } = this.options
    const isMember = (process: ProcessId): boolean => members.has(process)
    return judgeHello({ local, isMember, pins: writer.record.pins, lives: this.lives, ephemeral }, greeting)
  }

  /** One line per process and cause, not one per attempt of a peer that redials for hours. */
  private report(greeting: Greeting, reason: RefusedReason): void {
    const { logger, onDuplicate, members } = this.options
    const process = printable(greeting.nodeId)
    if (reason === 'wrongCluster' || !members.has(greeting.nodeId)) {
      logger.debug({ process, reason }, 'refused a greeting')
      return
    }
    const key = `${reason} ${greeting.nonce}`
    if (this.reported.get(greeting.nodeId) === key) return
    this.reported.set(greeting.nodeId, key)
    logger.warn({ process, reason, incarnation: greeting.incarnation }, 'refused a greeting')
    if (reason === 'duplicateIdentity') {
      onDuplicate(
        greeting.nodeId,
        `a second live process calls itself ${process}, incarnation ${greeting.incarnation}`,
      )
    }
  }
}
