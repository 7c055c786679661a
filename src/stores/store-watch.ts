/**
 * Looking at a store from time to time: who leads, what is free, whose session has run out (R46, R67, R68).
 *
 * One read per poll, however many elections: those that are free or may have changed, a rotating few of the others (so
 * that nothing stays wrong for ever), then the sessions of their holders. What it finds is told to the core as a `notice`,
 * because a process that only knows stores has no slot of its own. A watch of the store only makes it look earlier.
 * Must not: judge by any clock but this process's own; write anything but fences. Read next: `store-observer.ts`.
 */
import type { Notice, PausePart } from '../core/messages'
import type { CasReadResult, CasRecord, CasWatch } from '../ports/cas-store'
import type { Clock, TimerHandle } from '../ports/clock'
import type { Absence } from './absence'
import type { StoreAccess } from './access'
import { displayOf, type ElectionRecord, type Keys, readElection } from './records'
import type { StoreObserver } from './store-observer'
import type { StoreRoster } from './store-roster'

export interface WatchOptions {
  readonly keys: Keys
  readonly access: StoreAccess
  readonly clock: Pick<Clock, 'now' | 'setTimer' | 'clearTimer'>
  readonly observer: StoreObserver
  readonly absence: Absence
  /** Null: the contenders know each other without the store. */
  readonly roster: StoreRoster | null
  readonly process: string
  readonly incarnation: number
  readonly pollMs: number
  /** Own records are looked at, too: nothing else would show that they are gone. */
  readonly isVolatile: boolean
  /** Own live grant at this store, or null. */
  readonly grant: () => number | null
  /** An answer came; `probes`: rounds that waited for a request sent after them (R64). */
  readonly polled: (sentAt: number, probes: readonly number[]) => void
  readonly troubled: (error: Error) => void
  readonly tell: (part: Notice | PausePart) => void
  /** The election may be taken. */
  readonly freed: (election: string) => void
  /** The store has forgotten a record by which this process holds an election. */
  readonly bereft: (election: string) => void
}

/** Elections read in one poll at most; the rest follows in the next (R70). */
const READ_LIMIT = 500
/** Elections per poll that are read although nothing says that they have changed. */
const SAMPLE = 20
/**
 * Elections that this process holds itself change behind its back only by a pause: they are sampled in one poll of so many. So is
 * the list of contenders.
 */
const OWN_EVERY = 4

/** An election that this process has asked about. */
interface Interest {
  record: ElectionRecord | null
  /** Order of what is known: an answer to an older question changes nothing. */
  stamp: number
  /** What was last told to the core: who leads, and the newest word about a pause. */
  told: string
  toldPause: string
  /** Somebody else goes first until then (R21), own clock. */
  heldUntil: number
  heldTerm: number
}

export class StoreWatch {
  private readonly interests = new Map<string, Interest>()
  private readonly dirty = new Set<string>()
  private readonly seenChanges = new Map<string, number>()
  private readonly probes: number[] = []
  private rotation: string[] = []
  private stamps = 0
  private polls = 0
  private watch: CasWatch | null = null
  private timer: TimerHandle | null = null
  private polling = false
  private pollAgain = false
  private isUp = false
  private stopped = false

  constructor(private readonly options: WatchOptions) {}

  start(): void {
    if (this.stopped) return
    const { access, keys } = this.options
    this.harmlessly(() => {
      this.watch = access.watch(keys.root, (key) => this.woken(key))
    })
    this.poll()
  }

  stop(): void {
    this.stopped = true
    this.harmlessly(() => this.watch?.stop())
    if (this.timer !== null) this.options.clock.clearTimer(this.timer)
  }

  /** A watch only wakes: one that throws is no reason to end anything. */
  private harmlessly(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.options.troubled(error as Error)
    }
  }

  /** From now on the core is told of that election. */
  add(election: string): void {
    if (this.interests.has(election)) return
    this.interests.set(election, {
      record: null,
      stamp: 0,
      told: '',
      toldPause: '',
      heldUntil: 0,
      heldTerm: 0,
    })
    this.dirty.add(election)
    this.poll()
  }

  /** A probe of the core: answered by the next answer of the store, whatever it was asked. */
  probe(round: number): void {
    this.probes.push(round)
    this.poll()
  }

  /** Takes note of an election's record, and tells the core if that changed what it should know. */
  note(record: ElectionRecord): void {
    this.stamps += 1
    this.learn(record.election, record, this.stamps)
  }

  /** The session of that holder is over. */
  holderGone(process: string): void {
    for (const [name, { record }] of this.interests) if (record?.holder === process) this.announce(name)
  }

  /** Looks at the store now, or as soon as the look under way has ended. */
  poll(): void {
    if (this.stopped) return
    if (this.polling) {
      this.pollAgain = true
      return
    }
    const { access, clock, keys, process, roster } = this.options
    const elections = this.electionsToRead()
    const holders = this.holders()
    const wanted = [
      ...elections.map((name) => keys.election(name)),
      ...holders.map((each) => keys.session(each)),
    ]
    const readsRoster = roster?.isDue(this.polls % OWN_EVERY === 0) === true
    if (readsRoster) wanted.push(keys.roster)
    if (wanted.length === 0) {
      if (this.isUp && this.probes.length === 0) return this.schedule()
      wanted.push(keys.session(process))
    }
    this.polling = true
    this.stamps += 1
    const stamp = this.stamps
    const probes = this.probes.splice(0)
    const sentAt = clock.now()
    access.read(wanted, (result) => {
      this.polling = false
      if (this.stopped) return
      this.heard(result, { elections, holders, stamp, sentAt, probes })
      if (readsRoster && result.kind === 'ok') roster?.see(result.records[wanted.length - 1] ?? null)
      this.schedule()
    })
  }

  private heard(
    result: CasReadResult,
    asked: {
      readonly elections: readonly string[]
      readonly holders: readonly string[]
      readonly stamp: number
      readonly sentAt: number
      readonly probes: readonly number[]
    },
  ): void {
    if (result.kind === 'failed') {
      this.options.troubled(result.error)
      for (const name of asked.elections) this.dirty.add(name)
      return
    }
    this.isUp = true
    this.options.polled(asked.sentAt, asked.probes)
    const { elections, holders } = asked
    for (const [i, holder] of holders.entries())
      this.seeSession(holder, result.records[elections.length + i] ?? null)
    for (const [i, name] of elections.entries())
      this.seeElection(name, result.records[i] ?? null, asked.stamp)
    this.fenceRunOut()
  }

  // --- what is read -----------------------------------------------------------------------------------------------------

  private electionsToRead(): string[] {
    const chosen: string[] = []
    this.polls += 1
    const looksAtOwn = this.polls % OWN_EVERY === 0
    for (const name of this.interests.keys()) {
      if (chosen.length >= READ_LIMIT) break
      if (this.isOpen(name)) chosen.push(name)
    }
    for (let i = Math.min(SAMPLE, this.interests.size); i > 0 && chosen.length < READ_LIMIT; i--) {
      if (this.rotation.length === 0) this.rotation = [...this.interests.keys()]
      const name = this.rotation.pop() as string
      const holder = this.interests.get(name)?.record?.holder
      if ((looksAtOwn || holder !== this.options.process) && !this.isOpen(name)) chosen.push(name)
    }
    for (const name of chosen) this.dirty.delete(name)
    return chosen
  }

  /** Needs reading: free as far as known, or something changed since. */
  private isOpen(name: string): boolean {
    const { observer, process, isVolatile } = this.options
    const record = this.interests.get(name)?.record ?? null
    if (record?.holder == null || record.released || this.dirty.has(name)) return true
    if (record.holder === process) return isVolatile
    return observer.isOver(record, observer.recordOf(record.holder))
  }

  private holders(): string[] {
    const holders = new Set<string>()
    for (const { record } of this.interests.values()) {
      if (record?.holder != null && !record.released) holders.add(record.holder)
    }
    holders.delete(this.options.process)
    return [...holders]
  }

  private woken(key: string | null): void {
    if (key === null) return this.poll()
    const { keys } = this.options
    const election = keys.electionOf(key)
    if (election !== null) {
      const interest = this.interests.get(election)
      if (interest === undefined) return
      this.dirty.add(election)
      this.poll()
    } else if (this.holders().some((holder) => keys.session(holder) === key)) {
      this.poll()
    }
  }

  // --- what was found -----------------------------------------------------------------------------------------------------

  private seeElection(name: string, found: CasRecord | null, stamp: number): void {
    const { absence, keys } = this.options
    let record: ElectionRecord | null = null
    if (found !== null) {
      try {
        record = readElection(keys.cluster, found.value)
      } catch (error) {
        return this.options.troubled(error as Error)
      }
      if (record.holder !== null) {
        absence.found(name, record.term)
        return this.learn(name, record, stamp)
      }
    }
    // no record, or one that a touch made (R68): neither says who held the election before
    const interest = this.interests.get(name)
    if (interest === undefined || interest.stamp > stamp) return
    const { lost } = absence.missing(name)
    if (lost) this.options.troubled(new Error(`the store has forgotten election ${JSON.stringify(name)}`))
    const held = interest.record
    this.learn(name, record, stamp)
    if (held?.holder === this.options.process && !held.released) this.options.bereft(name)
  }

  private seeSession(holder: string, found: CasRecord | null): void {
    try {
      const session = this.options.observer.see(holder, found)
      if (session === null || this.seenChanges.get(holder) === session.changes) return
      this.seenChanges.set(holder, session.changes)
      for (const [name, { record }] of this.interests) if (record?.holder === holder) this.dirty.add(name)
      this.pollAgain = true
    } catch (error) {
      this.options.troubled(error as Error)
    }
  }

  private fenceRunOut(): void {
    const { observer, process } = this.options
    for (const [name, { record }] of this.interests) {
      if (record?.holder == null || record.released || record.holder === process) continue
      if (observer.isOver(record, observer.recordOf(record.holder))) this.announce(name)
      else observer.fenceIfRunOut(record.holder, record)
    }
  }

  private learn(name: string, record: ElectionRecord | null, stamp: number): void {
    const interest = this.interests.get(name)
    if (interest === undefined || interest.stamp > stamp) return
    interest.stamp = stamp
    interest.record = record
    // a holder that is new here: D is counted from the first look at its session, so that comes at once
    const holder = record === null || record.released ? null : record.holder
    if (holder !== null && holder !== this.options.process && !this.options.observer.knows(holder)) {
      this.pollAgain = true
    }
    this.announce(name)
  }

  // --- what is told -------------------------------------------------------------------------------------------------------

  private announce(name: string): void {
    const interest = this.interests.get(name)
    if (interest === undefined) return
    const { record } = interest
    const { absence, process, tell } = this.options
    const isOver = record === null || this.isFree(record)
    const leader = !isOver && record?.led === true ? record.holder : null
    const free = isOver && !absence.isWaiting(name) && !this.isHeldBack(interest)
    const named = record?.successor ?? null
    const successor = named === displayOf(process) ? process : named
    const knownTerm = record?.term ?? 0
    const told = `${free} ${leader} ${knownTerm} ${successor}`
    if (interest.told !== told) {
      interest.told = told
      tell({ kind: 'notice', election: name, knownTerm, leader, free, successor, number: 0, standing: [] })
    }
    this.announcePause(name, interest)
    if (free) this.options.freed(name)
  }

  /** R80: what the record says of a pause is said to the core as any other process would. */
  private announcePause(name: string, interest: Interest): void {
    const pause = interest.record?.pause
    if (pause === undefined) return
    const told = `${pause.counter} ${pause.by}`
    if (interest.toldPause === told) return
    interest.toldPause = told
    this.options.tell({ kind: 'pause', election: name, ...pause })
  }

  private isFree(record: ElectionRecord): boolean {
    const { process, incarnation, observer, grant } = this.options
    if (record.holder === null || record.released) return true
    if (record.holder !== process) return observer.isOver(record, observer.recordOf(record.holder))
    return (
      record.holderInc < incarnation || (record.holderInc === incarnation && record.holderGrant !== grant())
    )
  }

  /** After a hand-over its target has time to look at the store before the others stand (R21, R69). */
  private isHeldBack(interest: Interest): boolean {
    const { clock, process, pollMs } = this.options
    const { record } = interest
    if (record?.successor == null || !record.released) return false
    if (record.successor === process || record.successor === displayOf(process)) return false
    if (interest.heldTerm !== record.term) {
      interest.heldTerm = record.term
      interest.heldUntil = clock.now() + 1.5 * pollMs
    }
    return clock.now() < interest.heldUntil
  }

  /** Next poll: at once if something is known to have changed, else when something runs out, else after `pollMs`. */
  private schedule(): void {
    const { clock, pollMs, observer, absence } = this.options
    if (this.stopped || this.polling) return
    if (this.timer !== null) clock.clearTimer(this.timer)
    const now = clock.now()
    let at = now + pollMs
    const notLater = (instant: number): void => {
      if (instant > now && instant < at) at = instant
    }
    if (this.pollAgain) at = now
    else {
      for (const holder of this.holders()) notLater(observer.runsOutAt(holder))
      for (const [name, { heldUntil }] of this.interests) {
        notLater(heldUntil)
        notLater(absence.endsAt(name))
      }
    }
    this.pollAgain = false
    this.timer = clock.setTimer(at, () => {
      this.timer = null
      this.poll()
    })
  }
}
