/**
 * What an operator asks of one simulated process: not to stand for a while (`freeze`), to hand over later (`switchover`).
 *
 * The runtime's own `Contention` and `Switchover` do it, over the simulated clock; here they are only connected to a driver
 * without a service. What was asked and what came of it is told to observers in the simulator's own words, never taken from
 * those classes. Ends with the life of the process, as in the runtime. Read next: `invariants/frozen-member.ts`.
 */
import type { Preference, State } from '../core'
import type { ElectionName, ProcessId } from '../core/types'
import type { Clock } from '../ports'
import type { ResignOptions } from '../runtime/api'
import { Contention } from '../runtime/contention'
import type { Submitted } from '../runtime/driver'
import type { ElectionConfig } from '../runtime/options'
import { Switchover } from '../runtime/switchover'
import type { ResignResult } from '../runtime/tenure'
import type { OperatorSign } from './observer'

/** What an operator needs of the process. */
export interface OperatedProcess {
  readonly clock: Clock
  readonly promiseMs: number
  readonly preference: Preference | null
  readonly state: () => State
  readonly submit: (input: Submitted) => void
  /** What the process itself would answer. */
  readonly isLeader: (election: ElectionName) => boolean
  /** The judgement of an outside observer: it leads, and no clock has missed anything. */
  readonly surelyLeads: (election: ElectionName) => boolean
  readonly tell: (sign: OperatorSign) => void
}

/** A hand-over that is asked for: to whom, or to the best; when, on which clock. */
export interface PlannedSwitchover {
  readonly to: ProcessId | null
  /** From now, ms. */
  readonly inMs: number
  readonly clock: 'monotonic' | 'wall'
}

interface Standing {
  readonly contention: Contention
  readonly settings: { -readonly [K in keyof ElectionConfig]: ElectionConfig[K] }
}

/** An operator at one life of a process. */
export class SimOperator {
  private readonly standings = new Map<ElectionName, Standing>()
  private readonly frozenUntil = new Map<ElectionName, number>()
  private readonly planned = new Map<ElectionName, { readonly id: number; readonly it: Switchover }>()
  private counter = 0

  constructor(private readonly process: OperatedProcess) {}

  /** The process wants to contend, or does not any more; false if nobody ever froze it there, and it decides by itself. */
  contend(election: ElectionName, contending: boolean, priority: number): boolean {
    const standing = this.standings.get(election)
    if (standing === undefined) return false
    standing.settings.priority = priority
    standing.contention.want(contending)
    return true
  }

  /** It does not stand for so long, ms on its own clock; 0 ends that. */
  freeze(election: ElectionName, forMs: number): void {
    const until = this.process.clock.now() + forMs
    this.frozenUntil.set(election, until)
    this.process.tell({ kind: 'frozen', election, until })
    this.standingIn(election).contention.freeze(forMs)
  }

  /** Was it told not to stand, and is that not over yet? */
  isFrozen(election: ElectionName): boolean {
    return this.process.clock.now() < (this.frozenUntil.get(election) ?? Number.NEGATIVE_INFINITY)
  }

  /** It hands over when that time has come; takes the place of what was planned before. */
  plan(election: ElectionName, { to, inMs, clock: which }: PlannedSwitchover): void {
    this.cancel(election)
    const { clock, isLeader, surelyLeads, state, tell } = this.process
    const id = this.counter++
    const isWall = which === 'wall'
    const due = (isWall ? clock.wall() : clock.now()) + inMs
    tell({ kind: 'planned', election, id, clock: which, due })
    const target = to === null ? {} : { to }
    const it = new Switchover(isWall ? { ...target, at: due } : { ...target, inMs }, {
      clock,
      isLeader: () => isLeader(election),
      isPaused: () => state().elections.get(election)?.pause?.isPaused === true,
      resign: (how) => {
        tell({ kind: 'handsOver', election, id, reading: isWall ? clock.wall() : clock.now() })
        return this.resign(election, how)
      },
      over: () => {
        tell({ kind: 'over', election, id, leads: surelyLeads(election) })
        this.planned.delete(election)
      },
    })
    this.planned.set(election, { id, it })
  }

  /** Takes back what was planned; false if nothing is. */
  cancel(election: ElectionName): boolean {
    const planned = this.planned.get(election)
    if (planned === undefined) return false
    this.process.tell({ kind: 'cancelled', election, id: planned.id })
    return planned.it.cancel()
  }

  /** No work of a service has to stop first: at once, as `Seat.giveUp` does when nothing runs. */
  private resign(election: ElectionName, { to, cooldownMs }: ResignOptions): Promise<ResignResult> {
    const { submit, promiseMs } = this.process
    const reason = to === undefined ? 'resigned' : 'transferred'
    const whom = { to: to ?? null, toBest: true, cooldownMs: cooldownMs ?? promiseMs }
    submit({ type: 'renounce', election, reason, ...whom })
    return Promise.resolve({ released: true, term: 0, reason })
  }

  /** Takes over from what the core was told when the process began, without telling it again. */
  private standingIn(election: ElectionName): Standing {
    const known = this.standings.get(election)
    if (known !== undefined) return known
    const { clock, promiseMs, preference, state, submit } = this.process
    const core = state().elections.get(election)
    const { contending: contend = false, priority = 0 } = core ?? {}
    const settings = {
      ...{ contend, priority, preference, score: null, canLead: true, requires: [] },
      ...{ healthCheck: null, maxLoopDelayMs: null, onOverdue: 'event' as const },
    }
    let isTold = false
    const tell = (contending: boolean, rank: number): void => {
      if (isTold) submit({ type: 'contend', election, contending, priority: rank, preference })
    }
    const contention = new Contention(
      { settings, tell, unfit: () => {} },
      { capabilities: [], mayLead: true, asks: false, clock, promiseMs },
    )
    contention.start()
    isTold = true
    const standing = { contention, settings }
    this.standings.set(election, standing)
    return standing
  }
}
