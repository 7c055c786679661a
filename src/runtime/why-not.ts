/**
 * Why this process does not lead an election, in sentences (USERS, feature 6). For people: nothing parses them.
 *
 * Reads, decides nothing. The most important obstacle comes first; what is said of voters is what they last answered.
 */
import { type Election as CoreElection, quorumOf, type Refusal } from '../core'
import type { CoreView } from './driver-port'
import type { ElectorConfig } from './options'
import type { Seat } from './seat'
import type { Subject } from './status'

const WORDS: Readonly<Record<Refusal, string>> = {
  bound: 'has promised its vote to another process',
  term: 'knows a higher term',
  boot: 'still waits out the promises of its former life',
  recovering: 'remembers nothing and still recovers',
  session: 'does not support this process at present',
  leading: 'leads itself',
  config: 'is no voter',
  floor: 'demands a higher term',
  storage: 'has a failed storage',
  ended: 'has stopped',
  limit: 'refused the term as implausible, or has too many elections',
  paused: 'knows that the election is paused',
}

/** So many failures are no bad luck any more. */
const FUTILE_TRIES = 3

/** Sentences; empty while the process leads. */
export function whyNotLeader(subject: Subject, seat: Seat): string[] {
  const { phase, error, state, config, now } = subject
  if (seat.view().isLeader) return []
  if (phase !== 'running' || state === null) {
    return [`this process is ${phase}${error === null ? '' : `: ${error.message}`}`]
  }
  if (state.storageFailed) return ['the storage of this process failed; restart it on a good one']
  if (seat.contention.isClosed) return ['this election was stopped here']
  if (seat.tenure !== null) return ['this process is giving the leadership up']
  const reasons: string[] = []
  const { paused } = seat
  if (paused !== null) {
    reasons.push(`the election is paused by "${paused.by}": nobody is elected before it is resumed (R81)`)
  }
  if (!seat.contention.isContending) reasons.push(standsBack(seat, config))
  if (seat.leader !== null) reasons.push(`"${seat.leader}" leads in term ${seat.knownTerm}`)
  reasons.push(...outsideOf(state), ...waitsOf(state, now), ...reachOf(state))
  const election = state.elections.get(seat.name)
  if (election !== undefined) reasons.push(...triesOf(election, seat, now), ...haste(election, config))
  return reasons
}

/** Nobody said no, and still no try succeeds: then each takes longer than it may. */
function haste({ failures, lastRefusals, leader }: CoreElection, { timing }: ElectorConfig): string[] {
  if (failures < FUTILE_TRIES || lastRefusals.size > 0 || leader !== null) return []
  return [
    `${failures} tries in a row ran out of time: a vote is a round trip and a write at each end, and has campaignMs ${timing.campaignMs} for it; raise campaignMs (and promiseMs with it), or look at the network and the disks`,
  ]
}

function standsBack({ contention, settings }: Seat, { plan }: ElectorConfig): string {
  if (plan.memberKind === 'witness') return 'this process is a witness: it votes and never leads (R37)'
  const { isBenched, health, lacking, frozenMs } = contention
  if (!settings.canLead) return 'this process was set up never to lead this election (canLead: false)'
  if (lacking.length > 0)
    return `the election requires ${lacking.join(', ')}, which this process does not have`
  if (frozenMs > 0) return `this process was frozen by an operator and does not stand for ${frozenMs} ms more`
  if (isBenched) return 'work of a former leadership has not stopped yet, so this process stands back'
  if (health !== null && health.isHealthy !== true) {
    return health.isHealthy === null ? 'the health check has not answered yet' : 'the health check failed'
  }
  return 'this process does not contend'
}

/** R34: a process that is no member, or founders that wait for each other. */
function outsideOf({ membership, isVoter, cluster }: CoreView): string[] {
  if (membership === null) return []
  const { term, version, voters } = cluster
  const members = voters.map(({ id }) => id).join(', ')
  if (!isVoter) return [`this process is none of the members ${members} (configuration ${term}.${version})`]
  if (membership.unmet.size === 0) return []
  return [
    `the cluster is not founded before all of ${members} have met; missing: ${[...membership.unmet].join(', ')}`,
  ]
}

function waitsOf(state: CoreView, now: number): string[] {
  if (state.recovery !== null) {
    const left = Math.max(0, Math.ceil(state.recovery.until - now))
    return [
      `this process remembers nothing: it waits ${left} ms, then asks the others how high the terms are (R28)`,
    ]
  }
  const left = Math.ceil(state.bootUntil - now)
  return left > 0 ? [`boot wait: ${left} ms, until the promises of the former life are over (R19)`] : []
}

function reachOf({ accounts, cluster }: CoreView): string[] {
  const { voters, sets = [voters.map(({ id }) => id)] } = cluster
  return sets.flatMap((set, i) => {
    const missing = set.filter((id) => accounts.get(id)?.connected === false)
    const reached = set.length - missing.length
    const needed = quorumOf(set.length)
    if (reached >= needed) return []
    const which = sets.length === 1 ? 'voters' : i === 0 ? 'old voters' : 'new voters'
    return [
      `only ${reached} of ${set.length} ${which} are reached and ${needed} are needed; no link to ${missing.join(', ')}`,
    ]
  })
}

function triesOf(election: CoreElection, seat: Seat, now: number): string[] {
  const reasons: string[] = []
  const coolDown = Math.ceil(election.notBefore - now)
  if (coolDown > 0) reasons.push(`cool-down after a resignation: ${coolDown} ms`)
  const refusals = election.campaign === null ? election.lastRefusals : election.campaign.refusals
  for (const [voter, refusal] of refusals ?? []) reasons.push(`${voter} refused: it ${WORDS[refusal]}`)
  if (election.campaign !== null) {
    reasons.push(`a try in term ${election.campaign.term} is under way`)
  } else if (seat.contention.isContending && coolDown <= 0 && Number.isFinite(election.attemptAt)) {
    reasons.push(`the next try is in ${Math.max(0, Math.ceil(election.attemptAt - now))} ms`)
  }
  return reasons
}
