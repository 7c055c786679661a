/**
 * A switchover hands over when it is due, not before, at most once, and never after it was taken back (R20, R21, R81).
 *
 * Judged by what the simulator noted when it was asked for: which clock, which reading. Due while the process stands still, it
 * comes when that goes on. That a hand-over which nobody takes leaves a working cluster is P9.
 */
import type { ElectionName, ProcessId, Term } from '../../core/types'
import { LOOK_MS } from '../../runtime/wall-deadline'
import type { NodeView, OperatorSign } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

interface Planned {
  readonly node: NodeView
  readonly sign: Extract<OperatorSign, { kind: 'planned' }>
  state: 'pending' | 'cancelled' | 'over' | 'handedOver'
  /** Own clock when the wall clock was first seen past the instant; null before, and after a step back. */
  passedAt: number | null
}

/** Timers that fire early are set again, and take at least that long, ms. */
const SLACK_MS = 2
/** Clocks run at most that fast beside true time in any world, for how late timers are. */
const FASTEST = 1.3

export const switchovers =
  (timersLateMs: number): InvariantFactory =>
  (complain): Invariant => {
    const all = new Map<string, Planned>()
    const pending = new Set<Planned>()
    const terms = new Map<string, Term>()
    /** Looked at when the event is over. */
    let settling: (() => void)[] = []
    const keyOf = (node: ProcessId, what: string | number): string => `${node} ${what}`
    const textOf = ({ id }: NodeView, election: ElectionName): string =>
      `the switchover of ${election} at ${id}`
    const slackMs = timersLateMs * FASTEST + SLACK_MS

    const handsOver = (node: NodeView, sign: Extract<OperatorSign, { kind: 'handsOver' }>): void => {
      const { election, id, reading } = sign
      const planned = all.get(keyOf(node.id, id))
      const what = textOf(node, election)
      if (planned === undefined) return complain(`${what} happened in a life that did not plan it`)
      const { due } = planned.sign
      if (planned.state === 'cancelled') complain(`${what} happened although it was taken back`)
      if (planned.state === 'handedOver') complain(`${what} happened twice`)
      if (reading < due) complain(`${what} happened ${due - reading} ms early`)
      if (node.state?.elections.get(election)?.pause?.isPaused === true) {
        complain(`${what} happened while it was paused: nobody could take over`)
      }
      planned.state = 'handedOver'
      const term = terms.get(keyOf(node.id, election))
      settling.push(() => {
        if (term !== undefined && terms.get(keyOf(node.id, election)) === term) {
          complain(`${what} left it leading in term ${term}`)
        }
      })
    }
    const isLate = (planned: Planned): boolean => {
      const { node, sign } = planned
      const now = node.now()
      if (sign.clock === 'monotonic') return now > sign.due + slackMs
      if (node.wall() < sign.due) planned.passedAt = null
      else planned.passedAt ??= now
      return planned.passedAt !== null && now > planned.passedAt + LOOK_MS + slackMs
    }
    const over = (node: NodeView, { id, leads }: Extract<OperatorSign, { kind: 'over' }>): void => {
      const planned = all.get(keyOf(node.id, id))
      if (planned === undefined) return
      pending.delete(planned)
      if (planned.state !== 'pending') return
      planned.state = 'over'
      const { election } = planned.sign
      const isPaused = node.state?.elections.get(election)?.pause?.isPaused === true
      if (!leads || isPaused) return
      settling.push(() => {
        if (planned.state === 'over') complain(`${textOf(node, election)} was dropped although it leads`)
      })
    }
    return {
      name: 'switchovers happen when they are due',
      observer: {
        operated(node, sign) {
          if (sign.kind === 'planned') {
            const planned: Planned = { node, sign, state: 'pending', passedAt: null }
            all.set(keyOf(node.id, sign.id), planned)
            pending.add(planned)
          } else if (sign.kind === 'cancelled') {
            const planned = all.get(keyOf(node.id, sign.id))
            if (planned === undefined) return
            pending.delete(planned)
            if (planned.state === 'pending') planned.state = 'cancelled'
          } else if (sign.kind === 'over') over(node, sign)
          else if (sign.kind === 'handsOver') handsOver(node, sign)
        },
        elected(node, election, term) {
          terms.set(keyOf(node.id, election), term)
        },
        revoked(node, election) {
          terms.delete(keyOf(node.id, election))
        },
        ended(node) {
          for (const [key, planned] of [...all]) {
            if (planned.node !== node) continue
            pending.delete(planned)
            all.delete(key)
          }
          for (const key of [...terms.keys()]) if (key.startsWith(`${node.id} `)) terms.delete(key)
        },
        event() {
          if (settling.length > 0) {
            const looks = settling
            settling = []
            for (const look of looks) look()
          }
          for (const planned of pending) {
            const { node, sign } = planned
            if (!node.responsive || !isLate(planned)) continue
            pending.delete(planned)
            complain(`${textOf(node, sign.election)} was due and did not happen`)
          }
        },
      },
    }
  }
