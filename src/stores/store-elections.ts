/**
 * The election records of one store: take (R7), bind (R62), release (R63), what a pre-vote would hear (R8), and whether an
 * operator paused the election (R80, R81).
 *
 * Each is read - judge by the core's pure voter rule - compare and set; test of activity and write are one step, because
 * the election is read before its holder's session and grants only grow (R68). All writes of this process to one record
 * are serial. A write whose answer is lost is remembered: the record is read back, and if it may still be applied later
 * it is made to fail by writing the record again (touch).
 */
import type { Certificate } from '../core/messages'
import type { Pause, Refusal } from '../core/types'
import { bind, isNewer, judgeBind, judgeVote, release, type Slot, vote } from '../core/voter'
import type { CasVersion } from '../ports/cas-store'
import type { Absence } from './absence'
import type { StoreAccess } from './access'
import { type ElectionRecord, emptyElection, type Keys, readElection } from './records'
import type { StoreObserver } from './store-observer'
import { nameOf } from './store-session'

/** What the store said of a wish. */
export interface Verdict {
  /** Own grant under which the vote or binding holds, or null. */
  readonly grant: number | null
  readonly refusal: Refusal | null
  readonly record: ElectionRecord
}

/** A wish of the core about one election. */
export type Wish =
  | { readonly kind: 'preVote'; readonly term: number }
  | { readonly kind: 'take'; readonly term: number; readonly certificate: Certificate | null }
  | { readonly kind: 'bind'; readonly term: number }
  | { readonly kind: 'release'; readonly term: number; readonly successor: string | null }
  | { readonly kind: 'pause'; readonly pause: Pause }

interface Job {
  readonly wish: Wish
  readonly done: (verdict: Verdict | null) => void
}

export interface ElectionsOptions {
  readonly keys: Keys
  readonly access: StoreAccess
  readonly observer: StoreObserver
  readonly absence: Absence
  readonly process: string
  readonly incarnation: number
  /** Own live grant at this store, or null. */
  readonly grant: () => number | null
  readonly heard: (error: Error | null) => void
  /** An announcement met another announced leader of the same term (R6). */
  readonly violation: (election: string, detail: string) => void
  /** The store has forgotten a record that was there (R48). */
  readonly lost: (election: string) => void
  /** A record of this process's making changed; `released`: others wait for that. */
  readonly changed: (released: boolean) => void
}

/** Compare-and-set is tried again after a conflict at most so often; then the wish waits for its repetition. */
const TRIES = 4
/**
 * Elections that are asked about at once. A thousand elections that start together would else be a thousand calls at once, none
 * of which a client or a server answers in time, and so for ever; one after the other they get through (A.10.5).
 */
const AT_ONCE = 32

export class StoreElections {
  private readonly queues = new Map<string, Job[]>()
  /** Elections that wait for their turn, and those that have it. */
  private readonly line: string[] = []
  private readonly active = new Set<string>()
  /** Highest term of a take or bind whose answer was lost and that may still be applied (R68). */
  private readonly unresolved = new Map<string, number>()
  private readonly holders = new Map<string, string>()

  constructor(private readonly options: ElectionsOptions) {}

  /** Durable term of the election at this store; null: no answer that can be used (R43). */
  term(election: string, done: (term: number | null) => void): void {
    this.read(election, (found) => done(found?.record.term ?? null))
  }

  /** Runs the wish after earlier ones of the same election; a newer wish of a kind replaces one that still waits. */
  ask(election: string, wish: Wish, done: (verdict: Verdict | null) => void): void {
    const queue = this.queues.get(election)
    if (queue === undefined) {
      this.queues.set(election, [{ wish, done }])
      this.line.push(election)
      this.next()
      return
    }
    const underWay = this.active.has(election) ? 1 : 0
    const same = queue.findIndex((job, i) => i >= underWay && job.wish.kind === wish.kind)
    if (same >= 0) queue.splice(same, 1)
    queue.push({ wish, done })
  }

  private next(): void {
    while (this.active.size < AT_ONCE) {
      const election = this.line.shift()
      if (election === undefined) return
      this.active.add(election)
      this.run(election)
    }
  }

  private run(election: string): void {
    const queue = this.queues.get(election)
    const job = queue?.[0]
    if (queue === undefined || job === undefined) return
    this.attempt(election, job.wish, TRIES, (verdict) => {
      queue.shift()
      job.done(verdict)
      this.active.delete(election)
      if (queue.length === 0) this.queues.delete(election)
      else this.line.push(election)
      this.next()
    })
  }

  /** Reads the election, then (in the same read, behind it) its holder's session; again if the holder was another. */
  private read(
    election: string,
    done: (found: { record: ElectionRecord; version: CasVersion | null; over: boolean } | null) => void,
  ): void {
    const { keys, access, observer, absence, heard } = this.options
    const guess = this.holders.get(election) ?? null
    const wanted = [keys.election(election)]
    if (guess !== null) wanted.push(keys.session(guess))
    access.read(wanted, (result) => {
      if (result.kind === 'failed') {
        heard(result.error)
        done(null)
        return
      }
      heard(null)
      try {
        const found = result.records[0] ?? null
        const stored = found === null ? null : readElection(keys.cluster, found.value)
        const record = stored === null || stored.holder === null ? this.unheld(election, stored) : stored
        if (record.holder !== null) absence.found(election, record.term)
        if (record.holder !== null && record.holder !== guess) {
          this.holders.set(election, record.holder)
          this.read(election, done)
          return
        }
        const session = guess === null ? null : observer.see(guess, result.records[1] ?? null)
        done({ record, version: found?.version ?? null, over: observer.isOver(record, session) })
      } catch (error) {
        heard(error as Error)
        done(null)
      }
    })
  }

  /** No record, or one that a touch made (R68): neither says who held the election before. */
  private unheld(election: string, stored: ElectionRecord | null): ElectionRecord {
    const { keys, absence } = this.options
    const { term, lost } = absence.missing(election)
    if (lost) this.options.lost(election)
    return stored ?? { ...emptyElection(keys.cluster, election), term }
  }

  private attempt(
    election: string,
    wish: Wish,
    tries: number,
    done: (verdict: Verdict | null) => void,
  ): void {
    this.read(election, (found) => {
      if (found === null) {
        done(null)
        return
      }
      const { record, version, over } = found
      const next = this.judge(election, wish, record, over)
      if (!('write' in next)) {
        done(next)
        return
      }
      const { keys, access } = this.options
      access.write(keys.election(election), version, JSON.stringify(next.write), (result) => {
        if (result.kind === 'ok') {
          this.unresolved.delete(election)
          if (next.write.holder !== null) {
            this.options.absence.found(election, next.write.term)
            this.holders.set(election, next.write.holder)
          }
          // others look at it by themselves: a paused election is free, or known to its holder
          if (wish.kind !== 'pause') this.options.changed(wish.kind === 'release')
          done({ grant: next.grant, refusal: null, record: next.write })
          return
        }
        if (result.kind === 'ambiguous' && (wish.kind === 'take' || wish.kind === 'bind')) {
          this.unresolved.set(election, Math.max(wish.term, this.unresolved.get(election) ?? 0))
        }
        if (result.kind !== 'conflict') this.options.heard(result.error)
        if (tries > 1 && result.kind !== 'failed') this.attempt(election, wish, tries - 1, done)
        else done(null)
      })
    })
  }

  private judge(
    election: string,
    wish: Wish,
    record: ElectionRecord,
    over: boolean,
  ): Verdict | { readonly write: ElectionRecord; readonly grant: number | null } {
    const { process, incarnation, observer, absence } = this.options
    const mine = record.holder === process
    const own = mine && record.holderInc === incarnation
    if (wish.kind === 'release') return this.judgeRelease(election, wish, record, own)
    if (wish.kind === 'pause') return judgePause(wish.pause, record)
    const grant = this.options.grant()
    if (grant === null && wish.kind !== 'preVote') return { grant: null, refusal: 'session', record }
    const claim = { process, incarnation, term: wish.term, grant: nameOf(grant ?? 0) }
    const slot = slotOf(record)
    // a former life of this process holds nothing any more: its storage has one user (A4, R66)
    const former = mine && record.holderInc < incarnation
    const active = own ? record.holderGrant === grant && !record.released : !over && !former
    if (wish.kind === 'bind') {
      const verdict = judgeBind(slot, claim)
      if (verdict === 'twoLeaders')
        this.options.violation(election, `${record.holder} leads term ${record.term} at the store`)
      if (verdict !== 'bind') return { grant: null, refusal: 'term', record }
      if (own && record.led && record.term === wish.term && record.holderGrant === grant) {
        return { grant, refusal: null, record }
      }
      bind(slot, claim)
      return { write: recordOf(record, slot, grant), grant }
    }
    // R81: as a peer does, and by the record itself, which every look reads
    if (record.pause?.isPaused === true && !(own && active && record.led)) {
      return { grant: null, refusal: 'paused', record }
    }
    const voided =
      wish.kind === 'take' && wish.certificate !== null && !own && isCertified(record, wish.certificate)
    if (absence.isWaiting(election)) return { grant: null, refusal: 'recovering', record }
    const verdict = judgeVote(slot, active && !voided, claim)
    if (verdict === 'repeat') return { grant, refusal: null, record }
    if (verdict !== 'grant') {
      if (verdict === 'bound' && record.holder !== null) observer.fenceIfRunOut(record.holder, record)
      return { grant: null, refusal: verdict, record }
    }
    if (wish.kind === 'preVote') return { grant, refusal: null, record }
    vote(slot, claim)
    return { write: recordOf(record, slot, grant), grant }
  }

  /** R63; with an unresolved write of one's own the record is written again in any case, so that the late one fails. */
  private judgeRelease(
    election: string,
    wish: Wish & { kind: 'release' },
    record: ElectionRecord,
    own: boolean,
  ): Verdict | { readonly write: ElectionRecord; readonly grant: null } {
    const { process, incarnation } = this.options
    if (own && record.term <= wish.term && !record.released) {
      const slot = slotOf(record)
      release(slot, true, process, incarnation, wish.term)
      return {
        write: { ...recordOf(record, slot, record.holderGrant), successor: wish.successor },
        grant: null,
      }
    }
    if (!this.unresolved.has(election) || own) return { grant: null, refusal: null, record }
    return {
      write: { ...record, term: Math.max(record.term, record.holder === null ? wish.term : 0) },
      grant: null,
    }
  }
}

/** R80: the newest word stays; everything else of the record does, too. */
function judgePause(
  pause: Pause,
  record: ElectionRecord,
): Verdict | { readonly write: ElectionRecord; readonly grant: null } {
  if (isNewer(pause, record.pause ?? null)) return { write: { ...record, pause }, grant: null }
  return { grant: null, refusal: null, record }
}

function slotOf(record: ElectionRecord): Slot {
  if (record.holder === null) return { knownTerm: record.term, binding: null }
  return {
    knownTerm: record.term,
    binding: {
      leader: record.holder,
      incarnation: record.holderInc,
      term: record.term,
      grant: nameOf(record.holderGrant),
      led: record.led,
      released: record.released,
    },
  }
}

function recordOf(record: ElectionRecord, slot: Slot, grant: number | null): ElectionRecord {
  const held = slot.binding
  return {
    ...record,
    term: slot.knownTerm,
    holder: held?.leader ?? null,
    holderInc: held?.incarnation ?? 0,
    holderGrant: grant ?? record.holderGrant,
    led: held?.led ?? false,
    released: held?.released ?? true,
    successor: null,
  }
}

function isCertified(record: ElectionRecord, certificate: Certificate): boolean {
  return (
    record.holder === certificate.leader &&
    record.holderInc === certificate.incarnation &&
    record.term <= certificate.term
  )
}
