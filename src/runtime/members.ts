/**
 * Changing the members of the cluster: what a service calls, turned into one `reconfigure` of the core at a time (R32).
 *
 * Decides nothing about safety: that is `core/membership.ts`. Here a newcomer is met before it is added, because its
 * storage has to be known (R25) and because a voter that nobody reaches only costs (R34); a replacement is a removal and
 * an addition, never one step (R26); and every refusal becomes an error with its reason.
 */
import {
  type ClusterConfig,
  MEMBERS,
  type ProcessId,
  type ReconfiguredEffect,
  type ReconfigureRefusal,
  type Voter,
} from '../core'
import { ElectionError, isElectionError } from '../errors'
import type { Clock } from '../ports/clock'
import type { WaitLimits } from './api'
import type { Submitted } from './driver-options'
import type { DriverPort } from './driver-port'
import { type MembershipStatus, membershipOf } from './membership-status'
import { printable } from './printable'
import { Waits } from './waits'

/** A process to be added. */
export interface NewMember {
  readonly id: ProcessId
  /** Where the others reach it, `host:port`. Left out where the transport needs no addresses. */
  readonly address?: string
}

/** Why a change was refused: `details.reason` of ELECTION_MEMBERSHIP_REFUSED. */
export type MembershipRefusal =
  | ReconfigureRefusal
  | 'unknownMember'
  | 'alreadyMember'
  | 'unreachable'
  | 'notRunning'

/**
 * The members of the cluster (experimental). Each call resolves when a majority of the new voters holds the new
 * configuration, with that; one change at a time, and about `promiseMs` apart (R72).
 *
 * Only the process that leads `@members` can change anything: `status().membership.leader`. Each rejects with
 * ELECTION_MEMBERSHIP_REFUSED (`details.reason` says why, and nothing was changed), with ELECTION_TIMEOUT (it may still
 * happen: look at `status()`), ELECTION_STOPPED, or the reason of `signal`. `timeoutMs` default 10 `promiseMs`.
 */
export interface Members {
  /**
   * Meets that process, then gives it a vote. It has to run already, with `experimental.membership`, an empty or former
   * `dataDir`, and the present members as its `voters`, itself not among them.
   */
  add(member: NewMember, limits?: WaitLimits): Promise<MembershipStatus>
  /** Takes the vote of that member. It is told, gives up what it leads (`removed`), and goes quiet. Never this process. */
  remove(id: ProcessId, limits?: WaitLimits): Promise<MembershipStatus>
  /**
   * `remove(id)`, then `add(member)`: for a machine that goes, and with the same id for a disk that was lost (R26). If the
   * second step fails the first one stays done.
   */
  replace(id: ProcessId, member: NewMember, limits?: WaitLimits): Promise<MembershipStatus>
  /** That member lives at another address from now on: every other one dials it there. Sessions that stand go on. */
  changeAddress(id: ProcessId, address: string, limits?: WaitLimits): Promise<MembershipStatus>
  /** Lets another member lead `@members`, for instance because this process shall be removed (R32 d). */
  handOver(to: ProcessId, limits?: WaitLimits): Promise<MembershipStatus>
}

/** What the members need of their elector. */
export interface MembersHost {
  readonly id: ProcessId
  readonly clock: Clock
  readonly promiseMs: number
  /** The running driver, or null. */
  readonly driver: () => DriverPort | null
  readonly submit: (input: Submitted) => void
}

/** Promises of that many lengths fit into the default time limit: two waits of R72, and the way there. */
const DEFAULT_PROMISES = 10

/** Members of the cluster of one process. */
export class ProcessMembers implements Members {
  private readonly waits: Waits
  private readonly outcomes = new Map<number, ReconfigureRefusal | null>()
  private nonces = 0
  private isBusy = false

  constructor(private readonly host: MembersHost) {
    this.waits = new Waits(host.clock)
  }

  add(member: NewMember, limits: WaitLimits = {}): Promise<MembershipStatus> {
    return this.alone(() => this.admit(member, limits))
  }

  remove(id: ProcessId, limits: WaitLimits = {}): Promise<MembershipStatus> {
    return this.alone(() => this.dismiss(id, limits))
  }

  replace(id: ProcessId, member: NewMember, limits: WaitLimits = {}): Promise<MembershipStatus> {
    return this.alone(async () => {
      await this.dismiss(id, limits)
      return this.admit(member, limits)
    })
  }

  changeAddress(id: ProcessId, address: string, limits: WaitLimits = {}): Promise<MembershipStatus> {
    return this.alone(async () => {
      const { voters } = this.cluster()
      this.demandMember(voters, id)
      return this.reconfigure(
        voters.map((voter) => (voter.id === id ? { ...voter, address } : voter)),
        limits,
      )
    })
  }

  handOver(to: ProcessId, limits: WaitLimits = {}): Promise<MembershipStatus> {
    return this.alone(async () => {
      const { voters } = this.cluster()
      this.demandMember(voters, to)
      if (to === this.host.id) throw refused('self', 'this process leads @members already')
      const { promiseMs: cooldownMs } = this.host
      this.host.submit({ type: 'renounce', election: MEMBERS, reason: 'transferred', to, cooldownMs })
      return this.wait(limits, `nobody else leads ${MEMBERS} yet`, () => {
        const status = this.status()
        return status.leader !== null && status.leader !== this.host.id ? status : undefined
      })
    })
  }

  /** The configuration in force. @throws ELECTION_MEMBERSHIP_REFUSED if this process does not run. */
  status(): MembershipStatus {
    const { state } = this.driver().look(MEMBERS)
    return membershipOf(state) as MembershipStatus
  }

  /** What the core says of a change. */
  reconfigured({ nonce, refusal }: ReconfiguredEffect): void {
    this.outcomes.set(nonce, refusal)
  }

  /** Something may have changed. */
  look(): void {
    this.waits.look()
  }

  /** Nothing will change any more. */
  end(error: ElectionError): void {
    this.waits.end(error)
  }

  private async admit(
    { id, address = null }: { id: ProcessId; address?: string | null },
    limits: WaitLimits,
  ) {
    const { voters } = this.cluster()
    if (voters.some((voter) => voter.id === id)) {
      throw refused('alreadyMember', `"${printable(id)}" is a member; for another disk or machine: replace`)
    }
    const driver = this.driver()
    driver.invite?.({ id, address })
    try {
      const storageId = await this.meet(driver, id, limits)
      return await this.reconfigure([...voters, { id, kind: 'peer', storageId, address }], limits)
    } finally {
      driver.invite?.(null)
    }
  }

  private async meet(driver: DriverPort, id: ProcessId, limits: WaitLimits): Promise<string> {
    try {
      const met = () => driver.storageOf?.(id) ?? undefined
      return await this.wait(limits, `no session with "${printable(id)}"`, met)
    } catch (error) {
      if (!isElectionError(error, 'ELECTION_TIMEOUT')) throw error
      throw refused(
        'unreachable',
        `"${printable(id)}" did not come up: it has to run, reachable, with experimental.membership and the present members as its voters`,
        error,
      )
    }
  }

  private async dismiss(id: ProcessId, limits: WaitLimits): Promise<MembershipStatus> {
    const { voters } = this.cluster()
    this.demandMember(voters, id)
    return this.reconfigure(
      voters.filter((voter) => voter.id !== id),
      limits,
    )
  }

  private async reconfigure(voters: readonly Voter[], limits: WaitLimits): Promise<MembershipStatus> {
    this.nonces += 1
    const nonce = this.nonces
    this.host.submit({ type: 'reconfigure', nonce, voters })
    try {
      const refusal = await this.wait(limits, 'no majority holds the new configuration', () => {
        const outcome = this.outcomes.get(nonce)
        return outcome === undefined ? undefined : { outcome }
      })
      if (refusal.outcome !== null) throw refused(refusal.outcome, WORDS[refusal.outcome])
      return this.status()
    } finally {
      this.outcomes.delete(nonce)
    }
  }

  /** One change at a time, also of those that have two steps. */
  private async alone(change: () => Promise<MembershipStatus>): Promise<MembershipStatus> {
    if (this.isBusy) throw refused('busy', WORDS.busy)
    const { state } = this.driver().look(MEMBERS)
    if ((state.elections.get(MEMBERS)?.lead ?? null) === null) {
      const leader = state.elections.get(MEMBERS)?.leader ?? null
      throw refused('notLeader', `${WORDS.notLeader}; ${leader ?? 'nobody'} does`)
    }
    this.isBusy = true
    try {
      return await change()
    } finally {
      this.isBusy = false
    }
  }

  private wait<T>(limits: WaitLimits, what: string, check: () => T | undefined): Promise<T> {
    const { promiseMs } = this.host
    return this.waits.add({
      check,
      timeoutMs: limits.timeoutMs ?? DEFAULT_PROMISES * promiseMs,
      onTimeout: () => new ElectionError('ELECTION_TIMEOUT', `${what} in time`),
      signal: limits.signal,
    })
  }

  private driver(): DriverPort {
    const driver = this.host.driver()
    if (driver === null) throw refused('notRunning', 'this process does not run: await start() first')
    return driver
  }

  private cluster(): ClusterConfig {
    return this.driver().look(MEMBERS).state.cluster
  }

  private demandMember(voters: readonly Voter[], id: ProcessId): void {
    if (voters.some((voter) => voter.id === id)) return
    const known = voters.map((voter) => voter.id).join(', ')
    throw refused('unknownMember', `"${printable(id)}" is none of the members ${known}`)
  }
}

const WORDS: Readonly<Record<ReconfigureRefusal, string>> = {
  notLeader: 'this process does not lead @members, or not any more: ask the one that does',
  busy: 'another change is under way: one at a time (R32)',
  twoAtOnce: 'more than one voter would change: one at a time (R26, R32)',
  lastVoter: 'somebody has to vote',
  self: 'the process that makes the change cannot remove itself: hand over first (handOver), then ask the next one',
  unchanged: 'nothing would change',
  tooMany: 'more than nine members, or one id twice',
  lostLeadership:
    'this process lost @members before a majority held the change: it may have happened, look at status()',
}

function refused(reason: MembershipRefusal, message: string, cause?: unknown): ElectionError {
  const details = { reason }
  return new ElectionError(
    'ELECTION_MEMBERSHIP_REFUSED',
    message,
    cause === undefined ? { details } : { cause, details },
  )
}
