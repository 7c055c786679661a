/**
 * What the paper's servers do and ours do not, laid around the shipping core by its ports. For comparison only.
 *
 * - *Writing before asking*: a candidate's requests leave when its own vote is on the disk. Ours leave beside that write.
 * - *Standing still*: LogCabin hears nothing while it writes. Ours goes on; the loop of the simulated process is held.
 * - *The whole time-out again*: after giving a vote, to itself or another, a server waits for [T, 2T) before it stands. The
 *   core's back-off is the random part alone, so the service withdraws for T and contends again.
 * - *Terms of whatever it refuses*: Raft adopts them, our R7 does not. They are told to the core as the known term of an
 *   answer that answers nothing (R9), when a timer wakes it up; earlier would bar it from a vote in that term.
 * - *Votes are for one term*: ours is a promise until the candidate lets go, which a loser does at once (R16). A request of
 *   a higher term waits here that long. This is what leases cost, and less than a round trip.
 */
import type { Part, Term } from '../../../src/core'
import type { Clock, Storage } from '../../../src/ports'
import type { ServiceEffect } from '../../../src/runtime/driver'
import type { SimCluster } from '../../../src/simulation/sim-cluster'
import type { SimNode, SimPorts } from '../../../src/simulation/sim-node'
import { type Arrival, ELECTION } from './server'

/** What the rules work on. */
export interface PaperParts {
  readonly cluster: SimCluster
  readonly node: SimNode
  readonly ports: SimPorts
  /** T, ms. */
  readonly minimumMs: number
  /** How late a time-out is noticed, drawn anew each time, ms. */
  readonly lateMs: () => number
  readonly contend: (contending: boolean) => void
}

/** The rules at one server. */
export class PaperRules {
  private hand: (arrival: Arrival) => void = () => {}
  private votedAt = 0
  private learnt: Arrival | null = null
  private waiting: Arrival | null = null
  private unsent: (() => void)[] = []
  private late: { readonly atMs: number; readonly ms: number } | null = null

  constructor(private readonly parts: PaperParts) {}

  /** From now on what was put off goes there. */
  connect(hand: (arrival: Arrival) => void): void {
    this.hand = hand
  }

  private get election() {
    return this.parts.node.state?.elections.get(ELECTION)
  }

  // --- time -----------------------------------------------------------------------------------------------------------

  /** A time-out is noticed late, once; that a promise has run out is noticed at once. */
  clock(): Clock {
    const { clock } = this.parts.ports
    return {
      now: () => clock.now(),
      wall: () => clock.wall(),
      uptime: () => clock.uptime(),
      setTimer: (atMs, callback) =>
        clock.setTimer(atMs === this.election?.attemptAt ? this.noticed(atMs) : atMs, () => {
          this.adopt()
          callback()
        }),
      clearTimer: (handle) => clock.clearTimer(handle),
      // who goes first stands without a timer; the paper's servers have none that goes first
      afterIo: (callback) => {
        const atMs = this.election?.attemptAt ?? Number.POSITIVE_INFINITY
        if (atMs > clock.now()) return clock.afterIo(callback)
        clock.setTimer(this.noticed(atMs), () => {
          this.adopt()
          callback()
        })
      },
      endOfTurn: (callback) => clock.endOfTurn(callback),
    }
  }

  /** When that time-out is noticed. */
  private noticed(atMs: number): number {
    if (this.late?.atMs !== atMs) this.late = { atMs, ms: this.parts.lateMs() }
    return atMs + this.late.ms
  }

  private adopt(): void {
    const { learnt } = this
    this.learnt = null
    if (learnt !== null) this.hand(learnt)
  }

  /** The log refused a request of that term. */
  refused(arrival: Arrival, term: Term): void {
    const part = {
      kind: 'preVoteReply',
      election: ELECTION,
      nonce: 0,
      refusal: null,
      knownTerm: term,
      leader: null,
    } as const
    this.learnt = { ...arrival, parts: [part] }
  }

  // --- votes ----------------------------------------------------------------------------------------------------------

  /** Writing a term is voting in it: the process stands still, and its time-out begins anew. */
  storage(): Storage {
    const { node, ports, cluster } = this.parts
    const { storage } = ports
    return {
      kind: storage.kind,
      open: (identity, done) => storage.open(identity, done),
      close: (done) => storage.close(done),
      write: (change, done) => {
        if (change.terms.size > 0) {
          this.votedAt = cluster.now
          if (this.election?.slot.binding?.leader !== node.id) this.sitOut()
        }
        node.hold('disk')
        storage.write(change, (error) => {
          done(error)
          for (const send of this.unsent.splice(0)) send()
        })
      },
    }
  }

  /** A frame leaves at once, unless it asks for a vote that its sender has not given to itself durably. */
  send(parts: readonly Part[], send: () => void): void {
    const isEarly = this.election?.campaign?.durable === false
    if (isEarly && parts.some(({ kind }) => kind === 'requestVote')) this.unsent.push(send)
    else send()
  }

  /** The write that the process stood still for is done. */
  wrote(): void {
    this.parts.node.lift('disk', 'ioFirst')
  }

  /** A candidate that did not win sits out until its time-out begins to run out. */
  heard(effect: ServiceEffect): void {
    const lost = effect.type === 'roleChanged' && effect.role === 'follower'
    if (lost && this.parts.node.standing.size === 0) this.sitOut()
  }

  private sitOut(): void {
    const { cluster, ports, contend, minimumMs } = this.parts
    const { votedAt } = this
    contend(false)
    cluster.later(votedAt + minimumMs - cluster.now, () => {
      if (this.votedAt === votedAt) ports.loop.input(contend, true)
    })
  }

  /** True if a request has to wait until the candidate of a lower term has let go of this vote. */
  putsOff(arrival: Arrival, part: Part): boolean {
    if (part.kind !== 'requestVote' || !this.isHeldBelow(part.term, arrival.from)) return false
    this.waiting = { ...arrival, parts: [part] }
    return true
  }

  /** Something was applied: what waited may go on. */
  settled(): void {
    const { waiting } = this
    if (waiting === null || this.isHeldBelow(Number.POSITIVE_INFINITY, waiting.from)) return
    this.waiting = null
    this.hand(waiting)
  }

  private isHeldBelow(term: Term, by: string): boolean {
    const held = this.election?.slot.binding
    if (held == null || held.released || held.led) return false
    return held.leader !== by && held.leader !== this.parts.node.id && held.term < term
  }
}
