/**
 * Liveness: the session half of the core, once per pair of processes, whatever the number of elections.
 *
 * As a voter (`hear...`, `standingGrant`): support another process for D after each heartbeat that renews, under a grant
 * that never stands again once it ran out (R58, R59). As a holder (`beat`, `hearAck`, `countedUntil`): count what voters
 * promised, from the instant of *sending*, per grant (R10, R60), and fall silent towards voters that do not answer (R64).
 * Knows nothing of terms or leaders; a grant that ends puts the elections bound under it into `turn.freed`.
 * Read next: `leases.ts`.
 */
import { adaptedPromise } from './adaption'
import { repeatOwed } from './facts'
import { stamp } from './membership'
import type { Ack, Heartbeat } from './messages'
import { leaseLength } from './numbers'
import type { Account, State, Support } from './state'
import { alarm, type Freed, frameTo, free, send, type Turn } from './turn'
import type { Grant, Incarnation, ProcessId } from './types'

/** Name of the own voter's promise to itself in bound sets; never travels. */
export const OWN_GRANT: Grant = 'self'

/** Whether this process votes itself. */
export function votes(turn: Turn): boolean {
  return turn.state.isVoter
}

// --- as a voter -------------------------------------------------------------------------------------------------

function supportOf(turn: Turn, process: ProcessId): Support {
  let support = turn.state.supports.get(process)
  if (support === undefined) {
    support = {
      incarnation: 0,
      storageId: null,
      ended: false,
      grant: null,
      until: Number.NEGATIVE_INFINITY,
      lastRound: 0,
      bound: new Set(),
      heldAcks: [],
    }
    turn.state.supports.set(process, support)
  }
  return support
}

/** The grant under which (process, incarnation) is supported at this very reading, or null (R58, R59). */
export function standingGrant(turn: Turn, process: ProcessId, incarnation: Incarnation): Grant | null {
  const support = turn.state.supports.get(process)
  if (support === undefined || support.incarnation !== incarnation || support.ended) return null
  return turn.now < support.until ? support.grant : null
}

function endSupport(turn: Turn, support: Support, how: Freed): void {
  support.grant = null
  support.until = Number.NEGATIVE_INFINITY
  for (const name of support.bound) free(turn, name, how)
  support.bound.clear()
}

/** What stood for the lives of a process is over, and says nothing of the next one that bears its name. */
export function forgetSupport(turn: Turn, process: ProcessId): void {
  const support = turn.state.supports.get(process)
  if (support === undefined) return
  endSupport(turn, support, 'lapse')
  turn.state.supports.delete(process)
}

/**
 * A sign of that life of a process: false if a higher one is known or this one has ended. A higher one ends the support
 * of the lower at once (R54): the storage lock lets only one live (A4).
 */
export function meet(turn: Turn, process: ProcessId, incarnation: Incarnation): boolean {
  const support = supportOf(turn, process)
  if (incarnation > support.incarnation) {
    endSupport(turn, support, 'evidence')
    support.incarnation = incarnation
    support.storageId = null
    support.ended = false
    support.lastRound = 0
    support.heldAcks = []
  }
  return incarnation === support.incarnation && !support.ended
}

/** Ends the support of lives up to `incarnation` for good (R71, R55). False if that was known already. */
export function endLife(turn: Turn, process: ProcessId, incarnation: Incarnation): boolean {
  const support = supportOf(turn, process)
  if (incarnation < support.incarnation || (support.ended && incarnation === support.incarnation))
    return false
  endSupport(turn, support, 'evidence')
  support.incarnation = incarnation
  support.ended = true
  support.heldAcks = []
  return true
}

/** Reports support that ran out, so that elections bound under it wake up. Only reports: run-out is judged on read (R59). */
export function reportLapses(turn: Turn): void {
  for (const support of turn.state.supports.values()) {
    if (support.grant !== null && turn.now >= support.until) endSupport(turn, support, 'lapse')
  }
}

/** Applies one heartbeat or probe of a life that was met, and answers it (R58). `alone`: the frame holds nothing urgent. */
export function hearHeartbeat(turn: Turn, from: ProcessId, heartbeat: Heartbeat, alone: boolean): void {
  const { state, config, now } = turn
  if (!votes(turn) || state.storageFailed || state.ended) return
  const support = supportOf(turn, from)
  if (support.grant !== null && now >= support.until) endSupport(turn, support, 'lapse')
  const renews =
    !heartbeat.probe &&
    Number.isSafeInteger(heartbeat.round) &&
    heartbeat.round > support.lastRound &&
    acceptsPromise(turn, from, heartbeat)
  if (renews) {
    if (support.grant === null) {
      state.grantCounter += 1
      support.grant = `${config.incarnation}.${state.grantCounter}`
    }
    support.until = Math.max(support.until, now + heartbeat.promiseMs)
    support.lastRound = heartbeat.round
    if (heartbeat.promiseMs > state.maxPromiseMs) {
      state.maxPromiseMs = heartbeat.promiseMs
      state.maxPromiseDecidedAt = state.decided + 1
      turn.promiseGrew = true
      turn.decided = true
    }
  }
  const ack = stamp<Ack>(turn, { kind: 'ack', round: heartbeat.round, grant: support.grant, renewed: renews })
  if (state.maxPromiseDecidedAt > state.written) ackWhenDurable(state, from, support.incarnation, ack)
  else if (alone && ridesSoon(turn, from)) support.heldAcks.push(ack)
  else send(turn, from, ack)
}

/** The ack waits for the write of a longer promise (R18), in the place of an older one that does. */
function ackWhenDurable(state: State, to: ProcessId, toIncarnation: Incarnation, part: Ack): void {
  const { renewed } = part
  const former = state.waiting.findIndex(
    (each) => each.kind === 'ack' && each.to === to && each.renewed === renewed,
  )
  if (former >= 0) state.waiting.splice(former, 1)
  state.waiting.push({ kind: 'ack', version: state.maxPromiseDecidedAt, to, toIncarnation, renewed, part })
}

function acceptsPromise(turn: Turn, from: ProcessId, { promiseMs }: Heartbeat): boolean {
  const { minPromiseMs, maxPromiseMs } = turn.config.timing
  if (promiseMs >= minPromiseMs && promiseMs <= maxPromiseMs) return true
  alarm(
    turn,
    'configMismatch',
    null,
    from,
    `asks for support of ${promiseMs} ms, bounds here are ${minPromiseMs}..${maxPromiseMs} ms`,
  )
  return false
}

/** Of a promise, the part by which an ack may be late: a lease hardly feels it, whatever the interval of heartbeats is. */
const HELD_PART = 1 / 40

/** R71: an ack rides on the own heartbeat if one leaves within h/4, or, of many to a promise, within D/40. */
function ridesSoon(turn: Turn, to: ProcessId): boolean {
  const { nextHeartbeatAt, accounts } = turn.state
  if (accounts.get(to)?.connected !== true || !heartbeats(turn)) return false
  const { heartbeatMs, promiseMs } = turn.config.timing
  return nextHeartbeatAt - turn.now <= Math.max(heartbeatMs / 4, promiseMs * HELD_PART)
}

// --- as a holder ------------------------------------------------------------------------------------------------

/** Whether this process leads or campaigns anywhere, and therefore heartbeats; otherwise it only probes (R71). */
export function heartbeats(turn: Turn): boolean {
  return turn.state.campaigning.size > 0 || turn.state.leases.size > 0
}

/** The round of this turn, stamped before anything of it is handed out (R10). The own voter counts from it, too (R13). */
export function stampRound(turn: Turn): number {
  const { state, now, config } = turn
  if (turn.round === 0) {
    state.round += 1
    turn.round = state.round
    state.promiseMs = adaptedPromise(state.promiseMs, state.spanMs, now - state.ownRoundAt, config.timing)
    state.spanMs = 0
    state.rounds.set(state.round, { sentAt: now, promiseMs: state.promiseMs })
    state.ownRoundAt = now
    turn.promisesMoved = true
    turn.promisedUntil = Number.POSITIVE_INFINITY
    const { adaptiveMaxMs = 0 } = config.timing
    for (const [round, { sentAt, promiseMs }] of state.rounds) {
      // what comes too late to be counted still tells how late it comes
      if (sentAt + Math.max(promiseMs, adaptiveMaxMs) >= now) break
      state.rounds.delete(round)
    }
  }
  return turn.round
}

/** True if that voter answered something sent less than D ago, so that a frame to it may renew (R64). */
export function answersLately(turn: Turn, account: Account): boolean {
  return turn.now - account.lastAnsweredSend < turn.state.promiseMs
}

/** Puts this turn's heartbeat (or probe, R64) into the frame to that voter, once, before whatever follows it. */
export function heartbeatTo(
  turn: Turn,
  voter: ProcessId,
  account: Account,
  prompt: boolean,
  probe: boolean,
): void {
  if (turn.beaten === null) turn.beaten = [voter]
  else if (turn.beaten.includes(voter)) return probe ? undefined : renewAfterAll(turn, voter, account)
  else turn.beaten.push(voter)
  const round = stampRound(turn)
  const { promiseMs } = turn.state
  const isProbe = probe || !answersLately(turn, account)
  send(turn, voter, stamp<Heartbeat>(turn, { kind: 'heartbeat', round, promiseMs, probe: isProbe, prompt }))
}

/** A probe that this turn sent becomes the heartbeat behind which a vote request has to stand (R3). */
function renewAfterAll(turn: Turn, voter: ProcessId, account: Account): void {
  const parts = frameTo(turn, voter)?.parts
  const at = parts?.findIndex(({ kind }) => kind === 'heartbeat') ?? 0
  const beat = parts?.[at]
  if (parts === undefined || beat?.kind !== 'heartbeat' || !beat.probe || !answersLately(turn, account))
    return
  parts[at] = { ...beat, probe: false, prompt: true }
}

/** The regular round: one frame per connected voter with held acks, the heartbeat, and whatever is owed (R62, R71). */
export function beat(turn: Turn, prompt: boolean): void {
  const { state, config } = turn
  const leads = heartbeats(turn)
  noteSpan(turn, turn.now - state.nextHeartbeatAt)
  state.nextHeartbeatAt = turn.now + (leads ? config.timing.heartbeatMs : config.timing.promiseMs / 2)
  stampRound(turn)
  for (const [voter, account] of state.accounts) {
    const support = state.supports.get(voter)
    if (support !== undefined && support.heldAcks.length > 0) {
      for (const ack of support.heldAcks) send(turn, voter, ack)
      support.heldAcks = []
    }
    if (!account.connected) continue
    heartbeatTo(turn, voter, account, prompt, !leads)
    repeatOwed(turn, voter, account)
  }
}

/** A heartbeat left, or was answered, that much late: a lease has to outlive that and an interval more. */
function noteSpan({ state, config: { timing } }: Turn, lateMs: number): void {
  if (timing.adaptiveMaxMs === undefined) return
  state.spanMs = Math.max(state.spanMs, timing.heartbeatMs + lateMs)
}

/** Notes that `voter` answered something that left at `sentAt` (R64). */
export function noteAnswer(turn: Turn, voter: ProcessId, account: Account, sentAt: number): void {
  if (sentAt > account.lastAnsweredSend) account.lastAnsweredSend = sentAt
  if (turn.state.campaigning.size === 0) return
  turn.answered ??= []
  if (!turn.answered.includes(voter)) turn.answered.push(voter)
}

/** Credits an ack to its round's send time and its grant alone, if that very frame renewed (R12, R60), under one config (R33). */
export function hearAck(turn: Turn, from: ProcessId, account: Account, ack: Ack, isCurrent: boolean): void {
  if (account.kind === 'store' && ack.grant !== account.grant)
    regrantedAtStore(turn, from, account, ack.grant)
  const round = turn.state.rounds.get(ack.round)
  if (round === undefined) return
  noteAnswer(turn, from, account, round.sentAt)
  account.roundTripMs = turn.now - round.sentAt
  noteSpan(turn, account.roundTripMs)
  if (ack.round >= account.grantRound) {
    account.grantRound = ack.round
    if (ack.grant !== account.grant) {
      account.grant = ack.grant
      if (ack.grant !== null) {
        turn.regranted ??= []
        turn.regranted.push(from)
      }
    }
  }
  if (!ack.renewed || ack.grant === null || !isCurrent) return
  const until = round.sentAt + leaseLength(round.promiseMs, account.rho, account.deltaMs)
  const counted = account.untilByGrant.get(ack.grant)
  if (counted !== undefined && counted >= until) return
  if (counted === undefined) forgetPassed(turn, account)
  account.untilByGrant.set(ack.grant, until)
  turn.promisesMoved = true
  turn.promisedUntil = Math.max(turn.promisedUntil, until)
}

/**
 * At a store the starter of a grant ends the older ones itself (R66), and an end may be news from the store: nothing of them
 * counts from here on, whatever round the word belongs to. At a peer they stay true until their time (R60).
 */
function regrantedAtStore(turn: Turn, from: ProcessId, account: Account, grant: Grant | null): void {
  if (account.untilByGrant.size > 0) turn.voided = from
  account.untilByGrant.clear()
  account.grant = grant
  if (grant === null) return
  turn.regranted ??= []
  turn.regranted.push(from)
}

/** Entries that have passed count for nothing any more; an ack that names their grant again makes them anew (R60). */
function forgetPassed(turn: Turn, account: Account): void {
  for (const [grant, until] of account.untilByGrant) {
    if (until <= turn.now) account.untilByGrant.delete(grant)
  }
}

/**
 * B.3: the own clock stood still, nobody knows for how long, and those of the voters did not. What they promised to rounds of
 * before is not counted any more, nor will it be when an answer comes late (R10). The wait that follows is as long as what
 * this process promised; what it was promised may be longer.
 */
export function forgetPromises({ state }: Turn): void {
  for (const account of state.accounts.values()) account.untilByGrant.clear()
  state.rounds.clear()
}

/** Own clock until which `voter` is counted under that grant; minus infinity if not at all (R13). */
export function countedUntil(turn: Turn, voter: ProcessId, grant: Grant): number {
  const { state, config } = turn
  if (voter === config.self) {
    if (state.storageFailed) return Number.NEGATIVE_INFINITY
    const { rho, deltaMs } = config.timing
    return state.ownRoundAt + leaseLength(state.promiseMs, rho, deltaMs)
  }
  return state.accounts.get(voter)?.untilByGrant.get(grant) ?? Number.NEGATIVE_INFINITY
}
