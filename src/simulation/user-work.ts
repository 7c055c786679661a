/**
 * What a service does with its leadership, as an adversary would write it: asks, waits, and then writes with the token.
 *
 * Between the question and the write lies time in which everything may happen (B.19), so late writes with old tokens are
 * common; the guard has to refuse them (P5), and the question has to be answered by the clock (P4). Runs on the event loop
 * of the node, so a stalled process asks late; a write that has left arrives whatever becomes of its sender.
 */
import { quorumOf } from '../core'
import type { ElectionName, ProcessId, Term } from '../core/types'
import type { Observers } from './observer'
import type { Random } from './random'
import type { Scheduler } from './scheduler'
import { SimGuard } from './sim-guard'
import type { SimNode } from './sim-node'

/** Times of the work, real ms. */
export interface WorkOptions {
  /** Longest pause between two questions. */
  readonly everyMs: number
  /** Longest time between a yes and the write that relies on it. */
  readonly actMs: number
}

/** Work on the resources of all elections of a cluster. */
export class UserWork {
  readonly guards = new Map<ElectionName, SimGuard>()
  /** Writes by outcome. */
  readonly counts = { accepted: 0, refused: 0, asked: 0, yes: 0 }
  private readonly scheduler: Scheduler
  private readonly random: Random
  private readonly options: WorkOptions
  private readonly wrote
  private nonce = 0
  private readonly floors = new Map<
    number,
    { readonly guard: SimGuard; readonly terms: Map<ProcessId, Term> }
  >()

  constructor(
    elections: readonly ElectionName[],
    private readonly voters: number,
    parts: { scheduler: Scheduler; random: Random; observers: Observers; options: WorkOptions },
  ) {
    this.scheduler = parts.scheduler
    this.random = parts.random
    this.options = parts.options
    this.wrote = parts.observers.of('wrote')
    for (const election of elections) this.guards.set(election, new SimGuard(election))
    parts.observers.add({
      elected: (node, election, term) => this.begin(node as SimNode, election, term),
      noticed: (_node, effect) => {
        if (effect.type === 'termRead') this.learn(effect.nonce, effect.voter, effect.term)
      },
    })
  }

  /** The guard of an election loses its memory and asks a node for a floor (R43). */
  restartGuard(election: ElectionName, by: SimNode): void {
    const guard = this.guards.get(election)
    if (guard === undefined) return
    guard.restart()
    this.nonce += 1
    this.floors.set(this.nonce, { guard, terms: new Map() })
    by.submit({ type: 'readTerm', election, nonce: this.nonce })
  }

  private learn(nonce: number, voter: ProcessId, term: Term): void {
    const asked = this.floors.get(nonce)
    if (asked === undefined) return
    asked.terms.set(voter, term)
    if (asked.terms.size < quorumOf(this.voters)) return
    this.floors.delete(nonce)
    if (asked.guard.closed) asked.guard.learn(Math.max(...asked.terms.values()))
  }

  private begin(node: SimNode, election: ElectionName, term: Term): void {
    const { incarnation } = node
    const again = (): void => {
      this.scheduler.after(
        this.random.between(0, this.options.everyMs),
        () => {
          if (node.incarnation === incarnation) node.ports?.loop.timer(ask, undefined)
        },
        undefined,
      )
    }
    const ask = (): void => {
      if (node.incarnation !== incarnation) return
      this.counts.asked += 1
      const token = node.readToken(election)
      if (token === null) {
        if (node.standing.get(election)?.term === term) again()
        return
      }
      this.counts.yes += 1
      this.act(`${node.id}#${incarnation}`, election, token)
      if (token === term) again()
    }
    again()
  }

  private act(holder: string, election: ElectionName, token: Term): void {
    this.scheduler.after(
      this.random.between(0, this.options.actMs),
      () => {
        const accepted = this.guards.get(election)?.write(token, holder) ?? false
        if (accepted) this.counts.accepted += 1
        else this.counts.refused += 1
        for (const hook of this.wrote) hook(holder, election, token, accepted)
      },
      undefined,
    )
  }
}
