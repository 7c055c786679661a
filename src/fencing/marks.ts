/**
 * What a fence remembers, and the comparison (R42). Pure: no I/O, no clock, no waiting.
 *
 * Memory is bounded (retention): beyond `maxResources`, or when asked to, the oldest mark is *folded* into the floor of
 * its election. A floor judges claims for resources that have no mark, so folding never lets an old token through; it
 * only makes the fence stricter, and rightly: a token below one that its election showed anywhere is stale everywhere.
 * Every change is also returned as entries, which, applied in order, make the same marks again.
 * Read next: `local-fence.ts` (who waits for whom), `journal.ts` (where the entries go).
 */
import type { ElectionName, ProcessId } from '../core/types'
import { ElectionError, StaleTokenError } from '../errors'
import type { FenceMark } from './claim'

/** One change of the marks. `floor` is raised to at least this, never lowered; `run` stands beside the mark of its resource. */
export type MarkEntry =
  | readonly ['mark', resource: string, token: number, holder: ProcessId, election: ElectionName | null]
  | readonly ['floor', token: number, holder: ProcessId | null, election: ElectionName | null]
  | readonly ['drop', resource: string]
  | readonly ['run', resource: string, dueAtMs: number]

/** Highest token among the folded marks. `holder: null`: two holders had it, so nobody may use it again. */
interface Floor {
  readonly token: number
  readonly holder: ProcessId | null
}

/** Marks by resource, floors by election. Maps, not objects: `__proto__` is a name like any other. */
export class Marks {
  readonly #maxResources: number
  readonly #marks = new Map<string, FenceMark>()
  readonly #floors = new Map<ElectionName | null, Floor>()
  /** Last runs by resource; each has a mark, and goes with it. */
  readonly #runs = new Map<string, number>()
  /** The floor over all elections, for claims that do not say which one is theirs. */
  #top: Floor | null = null

  constructor(maxResources: number) {
    this.#maxResources = maxResources
  }

  get resources(): number {
    return this.#marks.size
  }

  get floors(): number {
    return this.#floors.size
  }

  get(resource: string): FenceMark | null {
    return this.#marks.get(resource) ?? null
  }

  /**
   * Judges a claim and remembers it if it is good. Returns what changed: nothing for a claim that is known.
   *
   * @throws ELECTION_STALE_TOKEN, ELECTION_CONFIG_INVALID; then nothing has changed.
   */
  accept(resource: string, claim: FenceMark): MarkEntry[] {
    const mark = this.#marks.get(resource)
    if (mark === undefined) {
      this.#judgeByFloors(resource, claim)
      return this.#set(resource, claim)
    }
    if (mark.election !== null && claim.election !== null && mark.election !== claim.election) {
      throw foreignElection(resource, claim, mark)
    }
    judge(resource, claim, mark)
    const election = claim.election ?? mark.election
    if (mark.token === claim.token && mark.election === election) return []
    return this.#set(resource, { token: claim.token, holder: claim.holder, election })
  }

  /** The last run that was taken of that job, or null. */
  lastRun(resource: string): number | null {
    return this.#runs.get(resource) ?? null
  }

  /** Takes a run if none of that time or later was taken; only behind an accepted claim. Returns what changed. */
  takeRun(resource: string, dueAtMs: number): MarkEntry[] {
    const last = this.#runs.get(resource)
    if (last !== undefined && last >= dueAtMs) return []
    const entry: MarkEntry = ['run', resource, dueAtMs]
    this.apply(entry)
    return [entry]
  }

  /** Folds the mark of a resource into its election's floor. Returns what changed: nothing if there was no mark. */
  fold(resource: string): MarkEntry[] {
    const mark = this.#marks.get(resource)
    if (mark === undefined) return []
    this.#marks.delete(resource)
    this.#runs.delete(resource)
    this.#raise(mark.election, mark)
    return [
      ['floor', mark.token, mark.holder, mark.election],
      ['drop', resource],
    ]
  }

  /** Repeats a change that was recorded. Takes more than `maxResources` if there are more: see `trim`. */
  apply(entry: MarkEntry): void {
    if (entry[0] === 'mark') {
      const [, resource, token, holder, election] = entry
      this.#marks.delete(resource)
      this.#marks.set(resource, Object.freeze({ token, holder, election }))
    } else if (entry[0] === 'floor') {
      this.#raise(entry[3], { token: entry[1], holder: entry[2] })
    } else if (entry[0] === 'run') {
      this.#runs.set(entry[1], entry[2])
    } else {
      this.#marks.delete(entry[1])
      this.#runs.delete(entry[1])
    }
  }

  /** Folds the oldest marks until no more than `maxResources` are left. */
  trim(): MarkEntry[] {
    const entries: MarkEntry[] = []
    for (const oldest of this.#marks.keys()) {
      if (this.#marks.size <= this.#maxResources) break
      entries.push(...this.fold(oldest))
    }
    return entries
  }

  /** Everything, as entries: applied to empty marks they make these. */
  snapshot(): MarkEntry[] {
    const entries: MarkEntry[] = []
    for (const [resource, mark] of this.#marks) {
      entries.push(['mark', resource, mark.token, mark.holder, mark.election])
    }
    for (const [resource, dueAtMs] of this.#runs) entries.push(['run', resource, dueAtMs])
    for (const [election, floor] of this.#floors) entries.push(['floor', floor.token, floor.holder, election])
    return entries
  }

  #set(resource: string, claim: FenceMark): MarkEntry[] {
    const entry: MarkEntry = ['mark', resource, claim.token, claim.holder, claim.election]
    this.apply(entry)
    return [entry, ...this.trim()]
  }

  /** A folded mark may have been of the claim's election or of one that was not named: both floors count. */
  #judgeByFloors(resource: string, claim: FenceMark): void {
    const floors =
      claim.election === null ? [this.#top] : [this.#floors.get(claim.election), this.#floors.get(null)]
    for (const floor of floors) if (floor !== null && floor !== undefined) judge(resource, claim, floor)
  }

  #raise(election: ElectionName | null, floor: Floor): void {
    this.#floors.set(election, higher(this.#floors.get(election) ?? null, floor))
    this.#top = higher(this.#top, floor)
  }
}

function higher(a: Floor | null, b: Floor): Floor {
  if (a === null || b.token > a.token) return { token: b.token, holder: b.holder }
  if (a.token > b.token || a.holder === b.holder) return a
  return { token: a.token, holder: null }
}

/** R42: the lower token is refused, and the equal one of another holder. */
function judge(resource: string, claim: FenceMark, seen: Floor): void {
  if (claim.token > seen.token || (claim.token === seen.token && claim.holder === seen.holder)) return
  throw staleToken(resource, claim, seen.token, seen.holder)
}

/** The refusal of R42, made here so that every fence words it alike. `seenHolder: null`: not known, or several. */
export function staleToken(
  resource: string,
  claim: FenceMark,
  seenToken: number,
  seenHolder: ProcessId | null,
): StaleTokenError {
  const seen = seenHolder === null ? `token ${seenToken}` : `token ${seenToken} of ${seenHolder}`
  return new StaleTokenError(`token ${claim.token} of ${claim.holder} is stale: ${seen} was seen`, {
    resource,
    token: claim.token,
    holder: claim.holder,
    election: claim.election,
    seenToken,
    seenHolder,
  })
}

/** The refusal of a claim for a resource that another election guards (R41). */
export function foreignElection(resource: string, claim: FenceMark, seen: FenceMark): ElectionError {
  return new ElectionError(
    'ELECTION_CONFIG_INVALID',
    `the resource belongs to election ${seen.election}, the claim to ${claim.election}: their tokens are not comparable`,
    { details: { resource, election: claim.election, seenElection: seen.election } },
  )
}
