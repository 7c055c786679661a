/**
 * The door of a process: which greetings of other processes are admitted, and which lives have a session right now.
 *
 * The judgement itself is pure (`core/identity.ts`); here it meets the durable pins (R25, R27), the lives met since start,
 * and the counters for `status()`. A pin is written when the session is up, not when it is asked for: whoever cannot
 * finish the handshake must not be able to spoil somebody else's pin. Processes without a vote have no pins, and no more of
 * their lives are remembered than twice as many as may be connected, so that whoever is let in cannot fill the memory (E5).
 * Proofs of death are judged here, too.
 */
import { MAX_MEMBERS } from '../core'
import { type IdentityVerdict, judgeHello } from '../core/identity'
import type { DeathNotice } from '../core/messages'
import type { ClusterConfig, Incarnation, ProcessId } from '../core/types'
import type { Logger } from '../ports/logger'
import type { Admission, Greeting, RefusedReason } from '../ports/transport'
import { nonceOf } from './life-key'
import { printable } from './printable'
import type { Writer } from './writer'

/** What the door needs to know. */
export interface DoorOptions {
  readonly local: Greeting
  readonly cluster: ClusterConfig
  /** Members change: who was one once may ask what became of it (R34). */
  readonly changes: boolean
  readonly ephemeral: boolean
  /** So many processes without a vote may have a session at once (R71, E5). */
  readonly maxObservers: number
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
  /** Members and the storages that the configuration names. */
  private storages: ReadonlyMap<ProcessId, string | null>
  /** Not yet a member, but awaited. */
  private guest: ProcessId | null = null

  constructor(private readonly options: DoorOptions) {
    this.storages = storagesOf(options.cluster)
  }

  /** Another configuration is in force: its members are admitted from now on. */
  follow(cluster: ClusterConfig): void {
    this.storages = storagesOf(cluster)
  }

  /** One process that is no member is awaited, until another one is or none: it always finds room, and is pinned (R34). */
  invite(guest: ProcessId | null): void {
    this.guest = guest
  }

  /** The storage of the life that has a session now, or null. */
  storageOf(process: ProcessId): string | null {
    const life = this.lives.get(process)
    return life?.connected === true ? life.storageId : null
  }

  /** Refusals since start, by reason. */
  get refused(): Readonly<Partial<Record<RefusedReason, number>>> {
    return this.counts
  }

  /** Judges a greeting and remembers nothing: the transport says that it refused, and that is counted (`refused` of its host). */
  admit(greeting: Greeting): Admission {
    const verdict = this.judge(greeting)
    if (verdict.ok) return { ok: true }
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
    this.lives.delete(nodeId)
    this.lives.set(nodeId, { storageId, incarnation, nonce, connected: true })
    if (!this.isKnown(nodeId)) this.forgetObservers()
    else if (verdict.pin !== null) {
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

  /** Does this prove that a life that had a session here has ended? (R55, E8) What does not is counted. */
  proves({ process, storageId, incarnation, key }: DeathNotice): boolean {
    const life = this.lives.get(process)
    if (life?.storageId !== storageId || life.incarnation !== incarnation) {
      this.count('staleIncarnation')
      return false
    }
    if (life.nonce === nonceOf(key)) return true
    this.count('unauthenticated')
    const { logger } = this.options
    logger.warn({ process: printable(process), incarnation }, 'refused a proof of death: it is forged')
    return false
  }

  /** Counts a refusal. */
  count(reason: RefusedReason): void {
    this.counts[reason] = (this.counts[reason] ?? 0) + 1
  }

  /**
   * Where members change, whoever is none here may be one of a configuration that this process has not heard of, and the
   * only one left that can tell it (R31, R34). So it is let in with the storage that it shows, which the configuration
   * will name; a former storage of that id is over. It has no voice before that.
   */
  private judge(
    greeting: Greeting,
  ): IdentityVerdict | { readonly ok: false; readonly reason: RefusedReason } {
    const { local, ephemeral, writer, changes } = this.options
    const { lives, storages, maxStrangers } = this
    const { nodeId, storageId } = greeting
    const isMember = (process: ProcessId): boolean => changes || storages.has(process)
    const isStranger = changes && !storages.has(nodeId)
    const storageOf = (process: ProcessId): string | null =>
      isStranger ? storageId : (storages.get(process) ?? null)
    const { pins } = writer.record
    const known = { local, isMember, storageOf, pins, lives, ephemeral, admitsObservers: maxStrangers > 0 }
    const verdict = judgeHello(known, greeting)
    if (!verdict.ok || this.isKnown(nodeId) || lives.get(nodeId)?.connected === true) return verdict
    const connected = this.observers().filter(([, life]) => life.connected)
    return connected.length < maxStrangers ? verdict : { ok: false, reason: 'tooManyConnections' }
  }

  /** So many processes that have no vote here and were not asked in may have a session at once. */
  private get maxStrangers(): number {
    return this.options.changes ? MAX_MEMBERS : this.options.maxObservers
  }

  private isKnown(process: ProcessId): boolean {
    if (this.storages.has(process) || process === this.guest) return true
    return this.options.changes && Object.hasOwn(this.options.writer.record.pins, process)
  }

  private observers(): [ProcessId, Life][] {
    return [...this.lives].filter(([process]) => !this.isKnown(process))
  }

  /** The oldest lives that are gone. */
  private forgetObservers(): void {
    const observers = this.observers()
    let excess = observers.length - 2 * this.maxStrangers
    for (const [process, { connected }] of observers) {
      if (excess <= 0) return
      if (connected) continue
      this.lives.delete(process)
      excess -= 1
    }
  }

  /** One line per process and cause, not one per attempt of a peer that redials for hours. */
  private report(greeting: Greeting, reason: RefusedReason): void {
    const { logger, onDuplicate } = this.options
    const process = printable(greeting.nodeId)
    if (reason === 'wrongCluster' || !this.storages.has(greeting.nodeId)) {
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

function storagesOf({ voters }: ClusterConfig): Map<ProcessId, string | null> {
  const peers = voters.filter(({ kind }) => kind !== 'store')
  return new Map(peers.map(({ id, storageId = null }) => [id, storageId]))
}
