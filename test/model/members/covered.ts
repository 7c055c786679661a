/**
 * Which states were explored, for the walks of real cores: an explored state *covers* another one if it is the same but for
 * what its processes count. Whoever leads or stands there counts no voter for less, and has of the votes those whose
 * replies have come, while the others are on their way. That it can do all that the other one can: `../README.md`.
 */
import type { State } from '../../../src/core'
import type { Behaviour, Message } from './behaviour'
import { cloneSeat, encode } from './seat'

/** What one process counts, apart from everything else that it is. */
interface Counted {
  /** A text of the rest. */
  readonly rest: string
  /**
   * Until when it counts a grant of a voter, and a lease: by voter and grant, or by number of the lease; which grants are
   * bound to what it leads; which words on its configuration it has, and how long they are held.
   */
  readonly until: ReadonlyMap<string, number>
  /** Votes: election, voter and grant. */
  readonly votes: ReadonlySet<string>
}

/** What is on its way to a process. */
type Waiting = readonly number[]

export class Covered {
  private readonly states = new Map<string, (readonly [readonly number[], readonly Waiting[]])[]>()
  private readonly counted = new Map<number, Counted>()

  constructor(private readonly behaviour: Behaviour) {}

  /** A state that was explored: its processes, and what is on its way to each. */
  add(processes: readonly number[], waiting: readonly Waiting[]): void {
    const key = this.keyOf(processes)
    const same = this.states.get(key)
    if (same === undefined) this.states.set(key, [[processes, waiting]])
    else same.push([processes, waiting])
  }

  /** Does one of these states cover the one with these processes? */
  has(processes: readonly number[]): boolean {
    const candidates = this.states.get(this.keyOf(processes)) ?? []
    return candidates.some(([larger, waiting]) =>
      processes.every((id, i) => this.covers(larger[i] as number, id, waiting[i] as Waiting)),
    )
  }

  private keyOf(processes: readonly number[]): string {
    return processes.map((id) => this.look(id).rest).join('\n')
  }

  private covers(larger: number, smaller: number, waiting: Waiting): boolean {
    if (larger === smaller) return true
    const a = this.look(larger)
    const b = this.look(smaller)
    for (const [what, until] of b.until)
      if ((a.until.get(what) ?? Number.NEGATIVE_INFINITY) < until) return false
    for (const vote of a.votes) if (!b.votes.has(vote)) return false
    for (const vote of b.votes) {
      if (!a.votes.has(vote) && !waiting.some((id) => this.voteOf(id) === vote)) return false
    }
    return true
  }

  private voteOf(id: number): string | null {
    const { from, part } = this.behaviour.messages[id] as Message
    if (part.kind !== 'voteReply') return null
    return `${part.election} ${this.behaviour.names[from]} ${part.grant}`
  }

  private look(id: number): Counted {
    let found = this.counted.get(id)
    if (found === undefined) {
      found = countedBy(this.behaviour.state(id))
      this.counted.set(id, found)
    }
    return found
  }
}

function countedBy(whole: State): Counted {
  const rest = cloneSeat(whole)
  const until = new Map<string, number>()
  const votes = new Set<string>()
  for (const [voter, { untilByGrant }] of rest.accounts) {
    for (const [grant, at] of untilByGrant) until.set(`${voter} ${grant}`, at)
    untilByGrant.clear()
  }
  for (const [id, lease] of rest.leases) {
    until.set(`${id}`, lease.until)
    for (const [voter, grants] of lease.bound) {
      for (const grant of grants) until.set(`${id} ${voter} ${grant}`, 0)
    }
    rest.leases.set(id, { ...lease, key: '', bound: new Map(), until: 0 })
  }
  for (const { name, campaign, lead } of rest.elections.values()) {
    for (const [voter, grants] of lead?.bound ?? []) {
      for (const grant of grants) until.set(`${name} ${voter} ${grant}`, 0)
    }
    if (lead !== null) lead.bound = new Map()
    for (const [voter, grant] of campaign?.grants ?? []) votes.add(`${name} ${voter} ${grant}`)
    campaign?.grants.clear()
  }
  rest.voted.clear()
  const { membership } = rest
  if (membership !== null) {
    for (const voter of membership.acks.keys()) until.set(`word of ${voter}`, 0)
    membership.acks.clear()
    until.set('settled', -membership.settledAt)
    membership.settledAt = 0
    // a change that a quorum holds may have been answered
    if (membership.wanted?.version === rest.cluster.version) membership.wanted = null
  }
  return { rest: encode(rest), until, votes }
}
