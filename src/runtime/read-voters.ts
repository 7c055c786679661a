/**
 * Judges `voters` and `movingTo`: who votes, which of them are stores, and what makes no sense together (R40, R48, R49).
 *
 * Every fault is a sentence with what was given and what to do. Does no I/O. Read next: `read-options.ts`.
 */
import type { ClusterConfig, ProcessId, Voter } from '../core'
import type { VoterStore } from '../ports/voter-store'
import { describe, printable } from './printable'
import {
  MAX_ID_WITHOUT_VOTE,
  type MemberKind,
  observerFaults,
  readWitnesses,
  type VoterOptions,
  witnessFaults,
} from './read-roles'

/** Name of a process, and of a voter in a record of voters. */
export const PROCESS = /^[A-Za-z0-9._-]{1,64}$/
/** Above this a majority costs more than it saves. */
const MAX_VOTERS = 31

/** Who votes. */
export interface VoterPlan {
  /** All voters, of both sets while elections move. */
  readonly voters: readonly Voter[]
  /** Old and new voters while elections move; see `ClusterConfig.sets`. */
  readonly sets: ClusterConfig['sets'] | undefined
  /** Ids of the new voters, or null if nothing moves. */
  readonly movingTo: readonly ProcessId[] | null
  readonly addresses: Readonly<Record<ProcessId, string>>
  readonly stores: ReadonlyMap<ProcessId, VoterStore>
  /** This process votes itself; false: it is an observer, or all voters are stores. */
  readonly isVoter: boolean
  readonly memberKind: MemberKind
  readonly faults: readonly string[]
  readonly warnings: readonly string[]
}

/** One option, taken apart. */
export interface VoterSet {
  readonly peers: ReadonlyMap<ProcessId, string | null>
  readonly stores: ReadonlyMap<ProcessId, VoterStore>
}

/** Takes `voters`, `movingTo` and `witnesses` apart and judges them for the process `self`. */
export function readVoters({
  voters,
  movingTo,
  witnesses,
  observer,
  mayJoin,
  self,
}: VoterOptions): VoterPlan {
  const faults: string[] = []
  const names = new StoreNames(self)
  const old = setOf('voters', voters, names, faults)
  const next = movingTo === undefined ? null : setOf('movingTo', movingTo, names, faults)
  const sets = next === null ? [old] : [old, next]
  const peers = new Map<ProcessId, string | null>()
  const stores = new Map<ProcessId, VoterStore>()
  for (const set of sets) {
    for (const [id, address] of set.peers) {
      const known = peers.get(id)
      if (known !== undefined && known !== address) faults.push(clash(id, known, address))
      peers.set(id, known ?? address)
    }
    for (const [id, store] of set.stores) {
      const known = stores.get(id)
      if (known !== undefined && known !== store) {
        faults.push(`voters and movingTo: "${printable(id)}" is two stores; give the new one another name`)
      }
      stores.set(id, store)
    }
  }
  for (const id of stores.keys()) {
    if (peers.has(id))
      faults.push(`voters and movingTo: "${printable(id)}" is a process in one and a store in the other`)
  }
  const all = [...peers.keys(), ...stores.keys()]
  const apart = faults.length === 0
  if (apart) faults.push(...memberFaults(peers, stores, self, observer || mayJoin))
  const neverLead = new Set(readWitnesses(witnesses, faults))
  if (apart) faults.push(...witnessFaults(sets, neverLead), ...observerFaults(peers, stores, self, observer))
  const addresses = [...peers].filter((entry): entry is [ProcessId, string] => entry[1] !== null)
  return {
    voters: [
      ...[...peers.keys()].map((id) => ({
        id,
        kind: neverLead.has(id) ? ('witness' as const) : ('peer' as const),
      })),
      ...[...stores.keys()].map((id) => ({ id, kind: 'store' as const })),
    ],
    sets: next === null ? undefined : sets.map((set) => [...set.peers.keys(), ...set.stores.keys()]),
    movingTo: next === null ? null : [...next.peers.keys(), ...next.stores.keys()],
    addresses: Object.fromEntries(addresses),
    stores,
    isVoter: !observer && (peers.size > 0 || all.length === 0),
    memberKind: neverLead.has(self) ? 'witness' : peers.has(self) ? 'voter' : 'observer',
    faults,
    warnings: faults.length > 0 ? [] : warningsOf(sets, stores),
  }
}

/** Names for stores that were given without one: `postgres`, and `postgres#2` for a second of that name. */
class StoreNames {
  private readonly byStore = new Map<VoterStore, ProcessId>()
  private readonly counts = new Map<string, number>()

  constructor(private readonly self: ProcessId) {}

  of(store: VoterStore): ProcessId {
    const known = this.byStore.get(store)
    if (known !== undefined) return known
    const name = store.name
    const count = (this.counts.get(name) ?? 0) + 1
    this.counts.set(name, count)
    const id = count === 1 && name !== this.self ? name : `${name}#${count}`
    this.byStore.set(store, id)
    return id
  }
}

function setOf(option: string, value: unknown, names: StoreNames, faults: string[]): VoterSet {
  const peers = new Map<ProcessId, string | null>()
  const stores = new Map<ProcessId, VoterStore>()
  const add = (id: ProcessId, store: VoterStore): void => {
    if ([...stores.values()].includes(store)) {
      faults.push(`${option}: the store ${printable(store.name)} is there twice; one record has one vote`)
    }
    stores.set(id, store)
  }
  try {
    if (isStore(value)) add(names.of(value), value)
    else if (isBareStore(value)) faults.push(`${option}: ${WRAP}`)
    else if (Array.isArray(value))
      readArray(option, value, peers, (store) => add(names.of(store), store), faults)
    else if (typeof value === 'object' && value !== null) readRecord(option, value, peers, add, faults)
  } catch (error) {
    faults.push(`${option} cannot be read: ${describe(error)}`)
  }
  const size = peers.size + stores.size
  if (size === 0 && faults.length === 0) {
    faults.push(
      `${option}: give at least one: addresses by id ({ a: '10.0.0.1:7400' }), an array of ids, or a store (postgres(pool))`,
    )
  }
  if (size > MAX_VOTERS) faults.push(`${option}: ${size} are more than ${MAX_VOTERS}; five are plenty`)
  return { peers, stores }
}

function readArray(
  option: string,
  values: readonly unknown[],
  peers: Map<ProcessId, string | null>,
  add: (store: VoterStore) => void,
  faults: string[],
): void {
  const stores = values.filter(isStore)
  if (values.some(isBareStore)) faults.push(`${option}: ${WRAP}`)
  if (stores.length > 0 && stores.length < values.length) {
    faults.push(
      `${option}: an array holds ids or stores, not both (${stores.length} stores of ${values.length}); name them: { a: '10.0.0.1:7400', b: '10.0.0.2:7400', tie: postgres(pool) }`,
    )
    return
  }
  for (const store of stores) add(store)
  if (stores.length > 0) return
  for (const id of values) {
    if (typeof id === 'string' && PROCESS.test(id)) peers.set(id, null)
    else if (!isBareStore(id)) faults.push(noId(option, id))
  }
  faults.push(...twice(option, values))
}

function readRecord(
  option: string,
  value: object,
  peers: Map<ProcessId, string | null>,
  add: (id: ProcessId, store: VoterStore) => void,
  faults: string[],
): void {
  const addresses: string[] = []
  for (const [id, entry] of Object.entries(value) as [string, unknown][]) {
    if (!PROCESS.test(id)) faults.push(noId(option, id))
    if (isStore(entry)) add(id, entry)
    else if (isBareStore(entry)) faults.push(`${option}: ${id}: ${WRAP}`)
    else if (typeof entry === 'string' && entry !== '') {
      peers.set(id, entry)
      addresses.push(entry)
    } else {
      faults.push(`${option}: ${printable(id)} is neither an address like "10.0.0.1:7400" nor a store`)
    }
  }
  faults.push(...twice(`${option}: the address`, addresses))
}

const WRAP = 'a CasStore by itself has no vote; give storeVoter(store), from conclave/store'

function noId(option: string, id: unknown): string {
  return `${option}: "${describe(id)}" is no process id; one matches ${PROCESS}`
}

function isStore(value: unknown): value is VoterStore {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as VoterStore).open === 'function' &&
    typeof (value as VoterStore).name === 'string'
  )
}

function isBareStore(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !isStore(value) &&
    typeof (value as { read?: unknown }).read === 'function' &&
    typeof (value as { write?: unknown }).write === 'function'
  )
}

function clash(id: ProcessId, known: string | null, other: string | null): string {
  return `voters and movingTo disagree about "${id}": ${known ?? 'no address'} and ${other ?? 'no address'}; a process that moves its address gets a new id`
}

/** What has to hold between the voters and this process. */
function memberFaults(
  peers: ReadonlyMap<ProcessId, string | null>,
  stores: ReadonlyMap<ProcessId, VoterStore>,
  self: ProcessId,
  isGuest: boolean,
): string[] {
  const faults: string[] = []
  if (peers.size > 0 && !peers.has(self) && !isGuest) {
    const known = [...peers.keys()].slice(0, 8).join(', ')
    faults.push(
      stores.has(self)
        ? `id "${self}" is the name of a store among the voters: rename one of them`
        : `id "${self}" is not among the voters ${known}: add it, or correct id, or say observer: true for a process without a vote`,
    )
  } else if (stores.has(self)) {
    faults.push(`id "${self}" is the name of a store among the voters: rename one of them`)
  }
  if (stores.size > 0 && self.length > MAX_ID_WITHOUT_VOTE) {
    faults.push(
      `id "${self}" has ${self.length} characters: with stores it may have ${MAX_ID_WITHOUT_VOTE}, as its name there is the id, a dot and 32 random digits (R49)`,
    )
  }
  const [forgetful] = [...stores].filter(([, { durability }]) => durability === 'volatile')
  if (forgetful !== undefined && peers.size + stores.size > 1) {
    faults.push(
      `voters: ${forgetful[0]} is declared volatile and has no place in a majority of ${peers.size + stores.size}: when it forgets, it votes twice (R48); use it alone, or a store that keeps its data`,
    )
  }
  return faults
}

function twice(what: string, values: readonly unknown[]): string[] {
  const repeated = values.filter((value, index) => values.indexOf(value) !== index)
  return [...new Set(repeated)].map((value) => `${what} "${describe(value)}" is there twice`)
}

/** R40, R48: what is safe, but probably not what somebody wants. */
function warningsOf(sets: readonly VoterSet[], stores: ReadonlyMap<ProcessId, VoterStore>): string[] {
  const warnings: string[] = []
  for (const { peers, stores: own } of sets) {
    const size = peers.size + own.size
    if (size === 2) {
      warnings.push(
        own.size === 0
          ? 'two voters cannot fail over: nobody leads while either of them is down; add a witness in a third place, or a store record (R40)'
          : 'two voters: nobody leads while either of them is down; one or three do better (R40)',
      )
    } else if (size === 1 && own.size === 0) {
      warnings.push('one voter cannot fail over: nobody else can lead while it is down')
    } else if (size % 2 === 0 && own.size > 0) {
      warnings.push(`${size} voters survive no more failures than ${size - 1}: leave one out`)
    }
  }
  for (const [id, { durability }] of stores) {
    if (durability === 'mayRegress') {
      warnings.push(
        `${id} may lose acknowledged writes in a fail-over or restart: across one, two processes can lead with one token (R48)`,
      )
    } else if (durability === 'volatile') {
      warnings.push(
        `${id} is declared volatile: whoever finds it empty waits, then tokens go on from the wall clock (R28, R48)`,
      )
    }
  }
  return warnings
}
