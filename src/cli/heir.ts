/**
 * Can that member take a leadership over right now? What is asked before a leader is told to let go for it: a hand-over to
 * somebody who is not ready ends at another one, or at nobody. Pure.
 *
 * Says nothing of what comes then: a busy machine may still be late.
 */
import type { ElectionName, ProcessId } from '../core'
import type { Survey } from './survey'

/** Why not. `willPass`: it is about to change by itself, so waiting makes sense. */
export interface NotReady {
  readonly why: string
  readonly willPass: boolean
}

/** Null: it is ready, or it cannot be asked from here, so the leader may judge. */
export function whyNotReady(survey: Survey, election: ElectionName, to: ProcessId): NotReady | null {
  const row = survey.elections.find(({ name }) => name === election)
  const member = survey.members.find(({ id }) => id === to)
  if (row === undefined || row.leader === null || row.paused !== null || member === undefined) return null
  const never = (why: string): NotReady => ({ why, willPass: false })
  const notYet = (why: string): NotReady => ({ why, willPass: true })
  const { answer } = member
  if (answer === null) return never(`it does not answer: ${member.why}`)
  const entry = answer.elections.find(({ name }) => name === election)
  if (entry === undefined) return never('it has no such election')
  if (entry.isHealthy === false) return never('its health check failed')
  if (!entry.isContending) return never(entry.whyNotLeader?.[0] ?? 'it does not contend')
  const bootWaitMs = answer.status.bootWaitMs ?? 0
  if (bootWaitMs > 0) return notYet(`it was started a moment ago and waits ${bootWaitMs} ms more (R19)`)
  if (entry.leader !== row.leader || entry.term !== row.term) {
    return notYet(`it does not know yet that ${row.leader} leads in term ${row.term}`)
  }
  if (!member.aliveFor.includes(row.leader)) return notYet(`${row.leader} does not hear from it`)
  return null
}
