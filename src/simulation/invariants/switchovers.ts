/**
 * A switchover hands over when it is due, not before, at most once, and never after it was taken back (R20, R21, R81).
 *
 * Judged by what the simulator noted when it was asked for: which clock, which reading. Due while the process stands still, it
 * comes when that goes on. That a hand-over which nobody takes leaves a working cluster is P9.
 */
import type { ElectionName, Term } from '../../core/types'
import { LOOK_MS } from '../../runtime/wall-deadline'
import type { NodeView, Observer, OperatorSign } from '../observer'
import type { Complain, Invariant, InvariantFactory } from './invariant'

type Sign<K extends OperatorSign['kind']> = Extract<OperatorSign, { readonly kind: K }>

interface Planned {
  readonly node: NodeView
  readonly sign: Sign<'planned'>
  state: 'pending' | 'cancelled' | 'over' | 'handedOver'
  /** Own clock when the wall clock was first seen past the instant; null before, and after a step back. */
  passedAt: number | null
}

/** Timers that fire early are set again, and take at least that long, ms. */
const SLACK_MS = 2
/** Clocks run at most that fast beside true time in any world, for how late timers are. */
const FASTEST = 1.3

const keyOf = (node: NodeView, what: string | number): string => `${node.id} ${what}`

const isPaused = (node: NodeView, election: ElectionName): boolean =>
  node.state?.elections.get(election)?.pause?.isPaused === true

/** All switchovers of the lives that run, and what became of each. */
class Ledger implements Observer {
  private readonly all = new Map<string, Planned>()
  private readonly pending = new Set<Planned>()
  private readonly terms = new Map<string, Term>()
  /** Looked at when the event is over. */
  private settling: (() => void)[] = []

  constructor(
    private readonly complain: Complain,
    private readonly slackMs: number,
  ) {}

  operated(node: NodeView, sign: OperatorSign): void {
    if (sign.kind === 'planned') {
      const planned: Planned = { node, sign, state: 'pending', passedAt: null }
      this.all.set(keyOf(node, sign.id), planned)
      this.pending.add(planned)
    } else if (sign.kind === 'cancelled') this.cancelled(node, sign)
    else if (sign.kind === 'over') this.over(node, sign)
    else if (sign.kind === 'handsOver') this.handsOver(node, sign)
  }

  elected(node: NodeView, election: ElectionName, term: Term): void {
    this.terms.set(keyOf(node, election), term)
  }

  revoked(node: NodeView, election: ElectionName): void {
    this.terms.delete(keyOf(node, election))
  }

  ended(node: NodeView): void {
    for (const [key, planned] of [...this.all]) {
      if (planned.node !== node) continue
      this.pending.delete(planned)
      this.all.delete(key)
    }
    for (const key of [...this.terms.keys()]) if (key.startsWith(`${node.id} `)) this.terms.delete(key)
  }

  event(): void {
    const looks = this.settling
    if (looks.length > 0) {
      this.settling = []
      for (const look of looks) look()
    }
    for (const planned of this.pending) {
      if (!planned.node.responsive || !this.isLate(planned)) continue
      this.pending.delete(planned)
      this.say(planned, 'was due and did not happen')
    }
  }

  private cancelled(node: NodeView, { id }: Sign<'cancelled'>): void {
    const planned = this.all.get(keyOf(node, id))
    if (planned === undefined) return
    this.pending.delete(planned)
    if (planned.state === 'pending') planned.state = 'cancelled'
  }

  private over(node: NodeView, { election, id, leads }: Sign<'over'>): void {
    const planned = this.all.get(keyOf(node, id))
    if (planned === undefined) return
    this.pending.delete(planned)
    if (planned.state !== 'pending') return
    planned.state = 'over'
    if (!leads || isPaused(node, election)) return
    this.settling.push(() => {
      if (planned.state === 'over') this.say(planned, 'was dropped although it leads')
    })
  }

  private handsOver(node: NodeView, { election, id, reading }: Sign<'handsOver'>): void {
    const planned = this.all.get(keyOf(node, id))
    if (planned === undefined) {
      return this.complain(
        `a switchover of ${election} at ${node.id} happened in a life that did not plan it`,
      )
    }
    const { due } = planned.sign
    if (planned.state === 'cancelled') this.say(planned, 'happened although it was taken back')
    if (planned.state === 'handedOver') this.say(planned, 'happened twice')
    if (reading < due) this.say(planned, `happened ${due - reading} ms early`)
    if (isPaused(node, election)) this.say(planned, 'happened while nobody could take over')
    planned.state = 'handedOver'
    const key = keyOf(node, election)
    const term = this.terms.get(key)
    this.settling.push(() => {
      if (term !== undefined && this.terms.get(key) === term) this.say(planned, `left it leading in T${term}`)
    })
  }

  private isLate(planned: Planned): boolean {
    const { node, sign } = planned
    const now = node.now()
    if (sign.clock === 'monotonic') return now > sign.due + this.slackMs
    if (node.wall() < sign.due) planned.passedAt = null
    else planned.passedAt ??= now
    return planned.passedAt !== null && now > planned.passedAt + LOOK_MS + this.slackMs
  }

  private say({ node, sign }: Planned, what: string): void {
    this.complain(`the switchover of ${sign.election} at ${node.id} ${what}`)
  }
}

export const switchovers =
  (timersLateMs: number): InvariantFactory =>
  (complain): Invariant => ({
    name: 'switchovers happen when they are due',
    observer: new Ledger(complain, timersLateMs * FASTEST + SLACK_MS),
  })
