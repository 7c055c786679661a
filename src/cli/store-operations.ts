/**
 * Operations on elections whose only voter is a store: a process of the library that watches, and so sees what every process
 * sees, reads the record and says the words of a pause (R80). It contends for nothing.
 *
 * Nobody can be asked where a record votes: members do not listen, so there are no rows of members, the history is what leaders
 * have written beside the record, and a hand-over to a member that is named is refused. A leader is made to resign by a pause that asks it to step
 * down, and is resumed at once.
 */
import type { ElectionName, PausedLeader, ProcessId } from '../core'
import { isElectionError } from '../errors'
import type { Election } from '../runtime/api'
import { createElection } from '../runtime/create'
import { Keys, readElection } from '../stores/records'
import { readPast } from '../stores/store-history'
import type { HandedOver, Operations, Outcome, PastLeadership, PauseSaid } from './operations'
import type { StoreClient } from './store-client'
import type { Survey } from './survey'

/** See `Operations`. */
export class StoreOperations implements Operations {
  readonly #election: Election
  #started: Promise<string | null> | null = null

  constructor(
    private readonly cluster: string,
    private readonly name: ElectionName,
    private readonly client: StoreClient,
    private readonly timeoutMs: number,
  ) {
    this.#election = createElection({
      ...{ cluster, name, id: 'operator', voters: client.store, contend: false, operators: 'none' },
    })
  }

  async survey(): Promise<Survey> {
    const why = await this.#start()
    const status = this.#election.status()
    const [store] = status.process.members
    const isAlive = why === null && store?.isAlive === true
    const { leader, term, paused } = status
    return {
      cluster: this.cluster,
      elections: [
        {
          ...{ name: this.name, leader, term, leaseMs: null, paused, whyNot: [], pausedAt: [] },
          views: [{ leader, term, members: ['record'] }],
          members: ['record'],
        },
      ],
      members: [
        {
          id: store?.id ?? 'store',
          address: '',
          state: isAlive ? 'running' : 'unreachable',
          why: isAlive ? null : (why ?? store?.lastError ?? `no answer within ${this.timeoutMs} ms`),
          kind: 'store',
          health: null,
          roundTripMs: store?.roundTripMs ?? null,
          ...{ aliveFor: [], protocols: [], version: null, warnings: [], answer: null },
        },
      ],
      answered: isAlive ? 1 : 0,
      hasQuorum: isAlive,
      isWell: isAlive && leader !== null,
    }
  }

  async history(): Promise<Outcome<readonly PastLeadership[]>> {
    const why = await this.#start()
    if (why !== null) return { ok: false, why }
    const { leader, term, leaders } = this.#election.status()
    const election = this.name
    const goesOn = (of: { readonly term: number }): boolean => leader !== null && of.term === term
    let kept: Awaited<ReturnType<typeof readPast>>
    try {
      kept = await readPast(this.client.store, this.cluster, election)
    } catch (error) {
      return { ok: false, why: (error as Error).message }
    }
    // whoever leads for less than a beat has not said so yet
    const seen = leaders.filter((one) => !kept.some((past) => past.term === one.term))
    return {
      ok: true,
      value: [
        ...kept.map(({ wonAtMs, ...past }) => ({
          ...{ election, ...past, sinceMs: wonAtMs, goesOn: past.reason === null && goesOn(past) },
        })),
        ...seen.map((one) => ({
          ...{ election, term: one.term, leader: one.leader, sinceMs: one.seenAtMs },
          ...{ heldMs: null, reason: null, goesOn: goesOn(one) },
        })),
      ].sort((a, b) => a.term - b.term),
    }
  }

  async resign(
    election: ElectionName,
    { to, cooldownMs }: { readonly to: ProcessId | null; readonly cooldownMs: number | null },
  ): Promise<Outcome<HandedOver>> {
    if (to !== null) {
      return {
        ok: false,
        why: 'where a store votes nobody can be named: members do not listen; conclave resign works',
      }
    }
    if (cooldownMs !== null) {
      return {
        ok: false,
        why: 'where a store votes a leader cannot be given a cool-down: leave --cooldown-ms out',
      }
    }
    const why = await this.#start()
    if (why !== null) return { ok: false, why }
    const { leader: from, term } = this.#election.status()
    if (from === null) return { ok: false, why: `nobody leads "${election}"` }
    const paused = await this.pause(election, 'stepsDown')
    if (!paused.ok) return paused
    const began = performance.now()
    const released = await this.#until(() => this.#election.leader === null)
    const freeAt = performance.now()
    const resumed = await this.resume(election)
    if (!resumed.ok)
      return { ok: false, why: `${resumed.why}; "${election}" is still paused: conclave resume` }
    await this.#until(() => this.#election.leader !== null && this.#election.status().term > term)
    const after = this.#election.status()
    const isNext = after.leader !== null && after.term > term
    const failure = !released
      ? 'notReleased'
      : !isNext
        ? 'nobodyLeads'
        : after.leader === from
          ? 'leadsAgain'
          : null
    return {
      ok: true,
      value: {
        ...{ from, released, term, failure },
        leader: isNext ? after.leader : null,
        leaderTerm: isNext ? after.term : null,
        leaderlessMs: isNext && released ? Math.round(performance.now() - Math.max(began, freeAt)) : null,
      },
    }
  }

  pause(_: ElectionName, leader: PausedLeader): Promise<Outcome<PauseSaid>> {
    return this.#say(() => this.#election.pause({ leader, timeoutMs: this.timeoutMs }))
  }

  resume(_: ElectionName): Promise<Outcome<PauseSaid>> {
    return this.#say(() => this.#election.resume({ timeoutMs: this.timeoutMs }))
  }

  async close(): Promise<void> {
    await this.#election.stop()
    await this.client.close().catch(() => {})
  }

  async #say(speak: () => Promise<PauseSaid>): Promise<Outcome<PauseSaid>> {
    const why = await this.#start()
    if (why !== null) return { ok: false, why }
    try {
      return { ok: true, value: await speak() }
    } catch (error) {
      if (!isElectionError(error)) throw error
      return { ok: false, why: `${error.message} (${error.code})` }
    }
  }

  /** Null, or why the store cannot be used. Waits until the record was read. */
  #start(): Promise<string | null> {
    this.#started ??= this.#begin()
    return this.#started
  }

  async #begin(): Promise<string | null> {
    try {
      await this.#election.start()
    } catch (error) {
      if (!isElectionError(error)) throw error
      return `${error.message} (${error.code})`
    }
    const isThere = (): boolean => this.#election.status().process.members[0]?.isAlive === true
    if (!(await this.#until(isThere))) {
      const [store] = this.#election.status().process.members
      return store?.lastError ?? `the store does not answer within ${this.timeoutMs} ms`
    }
    // a holder is known as the leader after a look or two; where nobody holds it there is none to wait for
    const { isHeld, isPaused } = await this.#written()
    const hasHeard = (): boolean =>
      (this.#election.leader !== null || !isHeld) && (this.#election.status().paused !== null || !isPaused)
    await this.#until(hasHeard)
    return null
  }

  /** What the record says, which the election at this process is about to hear. */
  async #written(): Promise<{ readonly isHeld: boolean; readonly isPaused: boolean }> {
    const nothing = { isHeld: false, isPaused: false }
    const result = await this.client.store.read([new Keys(this.cluster).election(this.name)])
    const found = result.kind === 'ok' ? (result.records[0] ?? null) : null
    if (found === null) return nothing
    try {
      const { holder, led, released, pause } = readElection(this.cluster, found.value)
      return { isHeld: holder !== null && led && !released, isPaused: pause?.isPaused === true }
    } catch {
      return nothing // the link has told why
    }
  }

  async #until(holds: () => boolean, limitMs = this.timeoutMs): Promise<boolean> {
    for (const end = performance.now() + limitMs; !holds(); ) {
      if (performance.now() > end) return false
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return true
  }
}
