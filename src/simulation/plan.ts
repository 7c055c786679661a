/**
 * A plan: everything that happens in one simulated run, as plain data derived from a seed.
 *
 * `setup` says what the cluster is made of, `steps` what is done to it and when. It can be printed as JSON, kept, cut down
 * and run again; the same plan gives the same trace. First comes the safety phase (anything may fail, nothing wrong may
 * happen), then everything is healed and the liveness phase demands progress. Read next: `swarm.ts`.
 */
import { MEMBERS, type Timing } from '../core'
import type { ElectionName, ProcessId } from '../core/types'
import type { Action } from './actions'
import { act } from './faults'
import type { LinkQuality } from './links'
import { Random } from './random'
import type { ClusterOptions } from './sim-cluster'
import type { NetworkOptions } from './sim-network'
import type { StoreSetup } from './sim-store'

/** What a cluster is made of, as data. */
export type Setup = Omit<ClusterOptions, 'invariants'> & {
  readonly nodes: readonly ProcessId[]
  readonly elections: readonly ElectionName[]
  readonly timing: Timing
  /** Clock rate of each node at the start. */
  readonly rates: Readonly<Record<ProcessId, number>>
}

/** One action and its true instant, ms. */
export interface Step {
  readonly at: number
  readonly action: Action
}

/** A run as data. */
export interface Plan {
  /** What a picture of it says above itself. Default: seed and profile. */
  readonly title?: string
  readonly seed: number
  readonly profile: ProfileName
  readonly setup: Setup
  /** In order of instants. */
  readonly steps: readonly Step[]
  /** Length of the phase with faults, ms. */
  readonly safetyMs: number
}

/** Kinds of worlds. One is not enough: in each some rules cover for others (PROTOCOL A.9). */
export type ProfileName =
  | 'lan'
  | 'wan'
  | 'extreme'
  | 'restarts'
  | 'partitions'
  | 'ephemeral'
  | 'hypervisor'
  | 'calm'
  | 'members'
  | 'maintenance'
  | 'roles'
  | StoreProfileName

/** Profiles of peers. A seed chooses among them, but for every fourth, which gets stores, and two of sixteen (`RARER`). */
export const PROFILES: readonly ProfileName[] = [
  'lan',
  'wan',
  'extreme',
  'restarts',
  'partitions',
  'ephemeral',
  'hypervisor',
  'calm',
]

/** Where members come, go and lose their disks (R26, R29-R34, R72). */
export const MEMBER_PROFILES: readonly ProfileName[] = ['members']

/** Where operators pause and resume elections (R80, R81). */
export const MAINTENANCE_PROFILES: readonly ProfileName[] = ['maintenance']

/** Kinds of worlds with processes that have no vote, and voters that never lead. */
export const ROLE_PROFILES: readonly ProfileName[] = ['roles']

/** Kinds of worlds with stores among the voters. */
export type StoreProfileName = 'oneStore' | 'threeStores' | 'tieBreaker' | 'forgetfulStore'

/** All profiles with stores. */
export const STORE_PROFILES: readonly StoreProfileName[] = [
  'oneStore',
  'threeStores',
  'tieBreaker',
  'forgetfulStore',
]

/** Every profile that a seed may choose by itself. */
export const CHOSEN_PROFILES: readonly ProfileName[] = [
  ...PROFILES,
  ...STORE_PROFILES,
  ...MEMBER_PROFILES,
  ...MAINTENANCE_PROFILES,
  ...ROLE_PROFILES,
]

/** Chosen by two seeds of sixteen, by remainders that no seed kept in a test or in a record has: those stay what they were. */
const RARER: Readonly<Record<number, readonly ProfileName[]>> = {
  8: MEMBER_PROFILES,
  13: [...MAINTENANCE_PROFILES, ...ROLE_PROFILES],
}

/** How often each kind of thing happens, relative to the others; and how long the cluster rests between two. */
interface Weather {
  readonly everyMs: number
  readonly weights: Readonly<Partial<Record<Action['do'], number>>>
}

const ALL: Weather['weights'] = {
  crash: 6,
  crashInWrite: 2,
  stop: 2,
  pause: 6,
  stutter: 2,
  suspend: 2,
  cut: 5,
  mesh: 2,
  partition: 3,
  isolate: 4,
  heal: 2,
  quality: 2,
  rate: 3,
  stepWall: 2,
  diskFails: 0.6,
  diskHangs: 0.6,
  diskLosesLastWrite: 1,
  replaceDisk: 1.5,
  resign: 4,
  transfer: 5,
  drainTimeout: 1.5,
  contend: 1,
  campaign: 5,
  heartbeatNow: 1,
  proofOfDeath: 2,
  restartGuard: 1,
}

/** Where only stores vote there is nothing between the nodes that could be cut. */
const AT_STORES: Weather['weights'] = {
  ...{ crash: 6, crashInWrite: 1, stop: 3, pause: 6, stutter: 2, suspend: 2, rate: 3, stepWall: 2 },
  ...{ diskFails: 0.5, replaceDisk: 1, resign: 4, transfer: 4, drainTimeout: 1.5, contend: 1, campaign: 5 },
  ...{ heartbeatNow: 1, proofOfDeath: 2, restartGuard: 1, storeDown: 4, storeCut: 8 },
}

const WEATHER: Readonly<Record<ProfileName, Weather>> = {
  lan: { everyMs: 400, weights: ALL },
  wan: { everyMs: 800, weights: ALL },
  extreme: { everyMs: 300, weights: { ...ALL, campaign: 12, rate: 8, transfer: 8, resign: 6 } },
  restarts: {
    everyMs: 350,
    weights: { crash: 10, crashInWrite: 6, stop: 4, proofOfDeath: 5, pause: 3, campaign: 3, transfer: 2 },
  },
  partitions: {
    everyMs: 500,
    weights: { cut: 10, mesh: 6, partition: 6, isolate: 8, heal: 4, campaign: 4, pause: 2, crash: 1 },
  },
  // Nothing is durable (R28): no faults of disks, and no wall clock that goes back, for it is the floor of last resort.
  ephemeral: {
    everyMs: 600,
    weights: {
      crash: 6,
      stop: 2,
      pause: 5,
      cut: 5,
      isolate: 4,
      rate: 3,
      campaign: 6,
      transfer: 4,
      resign: 3,
      suspend: 1,
    },
  },
  // Pauses that no clock inside shows: leases may overlap for their length (A2 is broken), everything else has to hold.
  hypervisor: {
    everyMs: 400,
    weights: {
      suspend: 10,
      pause: 3,
      crash: 3,
      cut: 3,
      campaign: 6,
      transfer: 4,
      resign: 3,
      restartGuard: 1,
    },
  },
  // A process without a vote whose disk is lost is another process (R49): nothing is learnt from that.
  roles: { everyMs: 400, weights: { ...ALL, replaceDisk: 0, diskLosesLastWrite: 0, proofOfDeath: 4 } },
  calm: { everyMs: 5000, weights: { resign: 1, transfer: 1, crash: 1 } },
  maintenance: {
    everyMs: 400,
    weights: { ...ALL, pauseElection: 12, diskFails: 0, diskHangs: 0, contend: 3, resign: 8, crash: 8 },
  },
  members: {
    everyMs: 400,
    weights: {
      ...{
        addMember: 16,
        removeMember: 10,
        replaceDisk: 4,
        crash: 5,
        crashInWrite: 2,
        stop: 1,
        pause: 5,
        suspend: 1,
      },
      ...{
        cut: 4,
        mesh: 2,
        partition: 3,
        isolate: 4,
        heal: 3,
        quality: 1,
        rate: 2,
        diskFails: 0.3,
        diskHangs: 0.3,
      },
      ...{
        resign: 3,
        transfer: 4,
        drainTimeout: 1,
        contend: 1,
        campaign: 6,
        heartbeatNow: 1,
        proofOfDeath: 1,
      },
    },
  },
  oneStore: { everyMs: 500, weights: AT_STORES },
  threeStores: { everyMs: 400, weights: AT_STORES },
  tieBreaker: { everyMs: 400, weights: { ...ALL, storeDown: 3, storeCut: 6 } },
  forgetfulStore: {
    everyMs: 1500,
    weights: {
      crash: 4,
      stop: 1,
      pause: 4,
      storeDown: 2,
      storeCut: 3,
      storeForgets: 3,
      resign: 2,
      campaign: 2,
    },
  },
}

/** The plan of a seed: chooses a profile if none is named. Same seed, same plan, on every machine. */
export function planFor(seed: number, profile?: ProfileName, safetyMs = 60_000): Plan {
  const random = new Random(seed)
  const peers = random.pick(PROFILES)
  const stores = STORE_PROFILES[Math.floor(seed / 4) % STORE_PROFILES.length] as ProfileName
  const rarer = RARER[seed % 16] ?? []
  const chosen = rarer[Math.floor(seed / 16) % rarer.length] ?? (seed % 4 === 3 ? stores : peers)
  const name = profile ?? chosen
  const drawn = setupFor(seed, name, random.fork())
  const setup = isStoreProfile(name)
    ? withStores(name, drawn, random.fork())
    : name === 'members'
      ? withMembers(drawn, random.fork())
      : name === 'roles'
        ? withRoles(drawn, random.fork())
        : drawn
  const steps = stepsFor(setup, WEATHER[name], safetyMs, random.fork())
  const plan = { seed, profile: name, setup, steps, safetyMs }
  // drawn from a source of its own: all other seeds keep the runs that they had
  return seed % 8 >= 6 ? withCriteria(plan, new Random(seed ^ 0x2f6e2b1)) : plan
}

function isStoreProfile(name: ProfileName): name is StoreProfileName {
  return (STORE_PROFILES as readonly string[]).includes(name)
}

/** Does a step, if it makes sense by then. */
export { act }

// --- the cluster ------------------------------------------------------------------------------------------------------

function setupFor(seed: number, profile: ProfileName, random: Random): Setup {
  const size = random.pick([1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7])
  const nodes = 'abcdefg'.slice(0, size).split('')
  const elections = ['jobs', 'mail', 'cron', 'feed'].slice(0, random.pick([1, 1, 1, 2, 2, 3, 4]))
  const preVote = !random.chance(0.35)
  const timing = timingFor(profile, preVote, random)
  const rates: Record<ProcessId, number> = {}
  const extreme = profile === 'extreme' || random.chance(0.3)
  for (const id of nodes) rates[id] = rateWithin(timing.rho, extreme, random)
  const adaptive = isAdaptive(seed)
    ? { adaptiveMaxMs: Math.min(3 * timing.promiseMs, timing.maxPromiseMs) }
    : {}
  const uneven = random.chance(0.3)
  const timingOf: Record<ProcessId, Partial<Timing>> = {}
  if (uneven) for (const id of nodes) timingOf[id] = ownTiming(timing, random)
  return {
    seed,
    nodes,
    elections,
    contenders: random.chance(0.8) ? nodes : nodes.filter((_, i) => i === 0 || random.chance(0.5)),
    timing: { ...timing, ...adaptive },
    timingOf,
    rates,
    quality: qualityFor(profile, timing, random),
    network: networkFor(timing, random),
    accuracy: { early: random.chance(0.5) ? 0.05 : 0, lateMs: random.chance(0.5) ? random.between(0, 5) : 0 },
    writeTime: random.chance(0.2)
      ? // A campaign has to have room for two writes and two round trips, or nobody is ever elected.
        { leastMs: 1, mostMs: timing.campaignMs * 0.25 }
      : { leastMs: 0.05, mostMs: random.pick([0.1, 1, 10]) },
    preVote,
    succession: !random.chance(0.2),
    ephemeral: profile === 'ephemeral',
    clockRates: profile !== 'hypervisor',
    work: { everyMs: timing.promiseMs, actMs: timing.promiseMs * 1.5 },
  }
}

/** Some nodes found the cluster, the others may join it. */
function withMembers(setup: Setup, random: Random): Setup {
  const nodes = 'abcdefg'.slice(0, random.pick([3, 4, 4, 5, 5, 6])).split('')
  // fewer must not found: whoever founds alone does so again when its disk is lost
  const founders = nodes.slice(0, random.pick([3, 3, 3, 4]))
  const extreme = random.chance(0.3)
  const rates: Record<ProcessId, number> = {}
  for (const id of nodes) rates[id] = setup.rates[id] ?? rateWithin(setup.timing.rho, extreme, random)
  return {
    ...setup,
    nodes,
    rates,
    voters: founders,
    membership: true,
    elections: [...setup.elections.slice(0, 2), MEMBERS],
    contenders: nodes,
  }
}

/** Puts stores among the voters, or in their place. */
function withStores(profile: StoreProfileName, setup: Setup, random: Random): Setup {
  const isTie = profile === 'tieBreaker'
  const { timing } = setup
  const nodes = isTie ? 'abcd'.slice(0, random.pick([2, 2, 2, 4])).split('') : setup.nodes
  const names = profile === 'threeStores' ? ['x', 'y', 'z'] : ['store']
  const { promiseMs } = timing
  const rough = random.chance(0.7)
  const stores = names.map((id): StoreSetup => {
    const latencyMs = random.between(0.05, promiseMs / 60)
    return {
      id,
      durability: profile === 'forgetfulStore' ? 'volatile' : 'survives',
      latencyMs,
      jitterMs: latencyMs * random.between(0, 2),
      loss: rough ? random.between(0, 0.2) : 0,
      tail: rough ? random.between(0, 0.15) : 0,
      tailMs: promiseMs * random.between(0.2, 2.5),
      timeoutMs: promiseMs / random.between(4, 8),
      watch: random.chance(0.5),
    }
  })
  const rates: Record<ProcessId, number> = {}
  for (const id of nodes) rates[id] = setup.rates[id] ?? rateWithin(timing.rho, random.chance(0.3), random)
  return {
    ...setup,
    nodes,
    rates,
    stores,
    voters: isTie ? [...nodes, ...names] : names,
    contenders: nodes,
    // a try at a store takes some round trips, and a few may be lost
    timing: {
      ...timing,
      campaignMs: promiseMs * random.between(0.4, 0.95),
      maxPromiseMs: profile === 'forgetfulStore' ? 2 * promiseMs : 10 * promiseMs,
    },
    // who has no vote may do without a disk; then each life has another name at the stores (R49)
    ephemeral: !isTie && random.chance(0.5),
  }
}

/** Scores that move, leaders that prefer and that are not well (R37, R39), on top of whatever else happens. */
function withCriteria(plan: Plan, random: Random): Plan {
  const { setup, steps, safetyMs } = plan
  const { promiseMs } = setup.timing
  const preference = {
    afterMs: promiseMs * random.between(0.5, 4),
    by: random.integer(1, 3),
    perMinute: random.integer(1, 12),
  }
  const kinds: [Action['do'], number][] = [
    ['contend', 6],
    ['handOver', 2],
    ['sicken', 2],
  ]
  const more: Step[] = []
  for (let at = random.between(0, 2_000); at < safetyMs; at += random.between(0, 4 * promiseMs)) {
    const kind = weighted(kinds, random)
    if (kind === null) break
    const action = actionOf(kind, setup, new Set(), '', at, random)
    if (action !== null)
      more.push({ at, action: action.do === 'contend' ? { ...action, contending: true } : action })
  }
  return {
    ...plan,
    setup: { ...setup, preference },
    steps: [...steps, ...more].sort((a, b) => a.at - b.at),
  }
}

/** Processes without a vote beside the voters, and now and then a voter that never leads. */
function withRoles(setup: Setup, random: Random): Setup {
  const voters = 'abcde'.slice(0, random.pick([1, 2, 3, 3, 3, 5])).split('')
  const observers = 'pqr'.slice(0, random.integer(voters.length > 2 ? 0 : 1, 3)).split('')
  const nodes = [...voters, ...observers].filter((id) => id !== '')
  const witnesses = voters.length > 2 && random.chance(0.6) ? voters.slice(-1) : []
  const onlyObservers = random.chance(0.3) && nodes.length > voters.length
  const rates: Record<ProcessId, number> = {}
  for (const id of nodes)
    rates[id] = setup.rates[id] ?? rateWithin(setup.timing.rho, random.chance(0.3), random)
  return {
    ...setup,
    nodes,
    voters,
    witnesses,
    rates,
    contenders: onlyObservers ? nodes.slice(voters.length) : nodes,
  }
}

function timingFor(profile: ProfileName, preVote: boolean, random: Random): Timing {
  const promiseMs = profile === 'wan' ? random.integer(1500, 4000) : random.integer(200, 1500)
  const campaignMs = promiseMs * random.between(0.2, 0.95)
  return {
    promiseMs,
    heartbeatMs: promiseMs / random.between(4, 12),
    campaignMs,
    stepMs: random.between(2, promiseMs * 0.2),
    rho: random.pick([0.01, 0.1, 0.1, 0.1, 0.2]),
    deltaMs: random.pick([0, 1, 2]),
    backoffMs: promiseMs * random.between(0.05, 0.3),
    // Shorter than a few campaigns, and candidates that do not ask first would meet again and again (R35).
    backoffMaxMs: campaignMs * random.between(2, 5) * (preVote ? 1 : 3),
    minPromiseMs: 1,
    // Whoever remembers nothing waits that long (R28).
    maxPromiseMs: profile === 'ephemeral' ? 2 * promiseMs : 60_000,
  }
}

/** One seed in eight asks for longer promises when renewals come late. Draws nothing: other seeds stay what they were. */
function isAdaptive(seed: number): boolean {
  return Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) >>> 29 === 0
}

/** Another length of promise and other intervals at one node (R18). */
function ownTiming(timing: Timing, random: Random): Partial<Timing> {
  const promiseMs = Math.round(timing.promiseMs * random.between(0.5, 2))
  return {
    promiseMs,
    heartbeatMs: Math.min(timing.heartbeatMs, promiseMs / 4),
    campaignMs: Math.min(timing.campaignMs, promiseMs * 0.9),
  }
}

/** A rate that A2 allows; `extreme`: at the very bound. */
function rateWithin(rho: number, extreme: boolean, random: Random): number {
  if (extreme) return random.chance(0.5) ? 1 + rho : 1 - rho
  return random.between(1 - rho, 1 + rho)
}

function qualityFor(profile: ProfileName, { promiseMs, campaignMs }: Timing, random: Random): LinkQuality {
  const rough = profile !== 'calm'
  const fast = profile === 'extreme' && random.chance(0.7)
  const latencyMs =
    profile === 'wan' ? Math.min(random.between(10, 80), campaignMs / 10) : random.between(0.05, 3)
  return {
    latencyMs: fast ? 0.001 : latencyMs,
    jitterMs: fast ? 0 : latencyMs * random.between(0, 3),
    tail: rough && random.chance(0.5) ? random.between(0, 0.2) : 0,
    tailMs: promiseMs * random.between(0.2, 2.5),
    loss: rough && random.chance(0.6) ? random.between(0, 0.25) : 0,
    duplicate: rough && random.chance(0.5) ? random.between(0, 0.2) : 0,
    replay: rough && random.chance(0.5) ? random.between(0, 0.3) : 0,
    reorder: random.chance(0.5),
  }
}

function networkFor({ promiseMs }: Timing, random: Random): Omit<NetworkOptions, 'quality'> {
  return {
    finMs: random.between(0.5, 20),
    linkTimeoutMs: promiseMs * random.between(0.3, 3),
    redialMs: promiseMs * random.between(0.02, 0.3),
    holdInCut: random.chance(0.4),
    codec: random.chance(0.1),
  }
}

// --- what is done to it -----------------------------------------------------------------------------------------------

function stepsFor(setup: Setup, weather: Weather, safetyMs: number, random: Random): Step[] {
  const steps: Step[] = []
  const kinds = Object.entries(weather.weights) as [Action['do'], number][]
  // Each seed leaves some kinds out, so that rare ones get their share (swarm testing).
  const enabled = kinds.filter(() => random.chance(0.7))
  const spoiled = new Set<ProcessId>()
  let cuts = 0
  for (let at = random.between(0, 2000); at < safetyMs; at += random.between(0, 2 * weather.everyMs)) {
    const kind = weighted(enabled, random)
    if (kind === null) break
    cuts += 1
    const action = actionOf(kind, setup, spoiled, `cut${cuts}`, at, random)
    if (action !== null) steps.push({ at, action })
  }
  return steps
}

function weighted(kinds: readonly [Action['do'], number][], random: Random): Action['do'] | null {
  const sum = kinds.reduce((total, [, weight]) => total + weight, 0)
  let left = random.unit() * sum
  for (const [kind, weight] of kinds) {
    left -= weight
    if (left < 0) return kind
  }
  return null
}

/** One action of that kind; null if it may not happen now. `spoiled`: nodes whose disk is lost for good. */
function actionOf(
  kind: Action['do'],
  setup: Setup,
  spoiled: Set<ProcessId>,
  name: string,
  at: number,
  random: Random,
): Action | null {
  const { nodes, elections, timing } = setup
  const { promiseMs } = timing
  const election = random.pick(elections)
  const node = random.chance(0.5) ? `leader of ${election}` : random.pick(nodes)
  const wake = random.chance(0.5) ? 'timersFirst' : 'ioFirst'
  const forMs = random.between(0, promiseMs * random.pick([0.3, 1, 3, 6]))
  switch (kind) {
    case 'crash':
      return { do: kind, node, fin: random.chance(0.6), downMs: random.between(0, 3 * promiseMs) }
    case 'stop':
    case 'crashInWrite':
      return { do: kind, node, downMs: random.between(0, 2 * promiseMs) }
    case 'pause':
      return { do: kind, node, forMs, wake }
    case 'stutter': {
      const everyMs = promiseMs * random.between(0.05, 0.5)
      return {
        do: kind,
        node,
        times: random.integer(3, 12),
        everyMs,
        forMs: everyMs * random.between(0.2, 0.95),
        wake,
      }
    }
    case 'suspend':
      return {
        do: kind,
        node,
        forMs: 250 + forMs,
        mode: setup.clockRates === false ? 'vmPause' : 'suspend',
        wake,
      }
    case 'cut':
      return { do: kind, from: node, to: random.pick(nodes), name, forMs: 2 * forMs }
    case 'isolate':
      return { do: kind, node, name, forMs: 2 * forMs }
    case 'partition':
      return { do: kind, groups: split(nodes, random), name, forMs: 2 * forMs }
    case 'mesh':
      return { do: kind, links: someLinks(nodes, random), name, forMs: 2 * forMs }
    case 'heal':
      return { do: kind, name: null }
    case 'quality': {
      const quality = qualityFor(random.pick(PROFILES), timing, random)
      return { do: kind, quality, node: random.chance(0.5) ? random.pick(nodes) : null }
    }
    case 'rate':
      return { do: kind, node: random.pick(nodes), rate: rateWithin(timing.rho, random.chance(0.7), random) }
    case 'stepWall':
      return { do: kind, node, byMs: random.pick([-3_600_000, -500, 500, 3_600_000]) }
    case 'resign':
      return { do: kind, election, cooldownMs: random.chance(0.5) ? 0 : random.between(0, promiseMs) }
    case 'transfer':
      return { do: kind, election, to: random.pick(nodes), cooldownMs: random.between(0, promiseMs) }
    case 'handOver':
      return { do: kind, election, cooldownMs: random.between(0, promiseMs) }
    case 'sicken':
      return { do: kind, node, election, forMs }
    case 'drainTimeout':
      return { do: kind, election }
    case 'contend':
      return {
        do: kind,
        node: random.pick(nodes),
        election,
        contending: random.chance(0.8),
        priority: random.integer(0, 3),
      }
    case 'campaign':
      return { do: kind, node: random.pick(nodes), election }
    case 'heartbeatNow':
      return { do: kind, node }
    case 'pauseElection':
      return { do: kind, node: random.pick(nodes), election, isPaused: random.chance(0.6) }
    case 'proofOfDeath':
      return { do: kind, of: random.pick(nodes), to: nodes.filter(() => random.chance(0.7)) }
    case 'restartGuard':
      return { do: kind, election, by: random.pick(nodes) }
    case 'addMember':
      return { do: kind, node: random.pick(nodes) }
    case 'removeMember':
      return { do: kind, node }
    case 'storeDown':
      return { do: kind, store: random.pick(setup.stores ?? []).id, forMs }
    case 'storeCut': {
      const way = random.pick(['requests', 'answers', 'both'] as const)
      return { do: kind, store: random.pick(setup.stores ?? []).id, node, way, forMs: 2 * forMs }
    }
    case 'storeForgets':
      return { do: kind, store: random.pick(setup.stores ?? []).id }
    default:
      return spoil(kind, setup, spoiled, at, random)
  }
}

/** Faults that cost a node its storage for good happen to a minority at most, and only after everybody has met (R25). */
function spoil(
  kind: Action['do'],
  { nodes, timing, membership }: Setup,
  spoiled: Set<ProcessId>,
  at: number,
  random: Random,
): Action | null {
  const node = random.pick(nodes)
  const lost = kind === 'replaceDisk' || kind === 'diskLosesLastWrite'
  // where members change the cluster knows whose disk may be lost (`members.ts`)
  if (lost && membership !== true) {
    const minority = Math.floor((nodes.length - 1) / 2)
    if (at < 15_000 || (!spoiled.has(node) && spoiled.size >= minority)) return null
    spoiled.add(node)
  }
  if (kind === 'replaceDisk') return { do: kind, node, downMs: random.between(0, 2 * timing.promiseMs) }
  if (kind === 'diskLosesLastWrite') return { do: kind, node }
  if (kind === 'diskFails') return { do: kind, node, fails: true }
  if (kind === 'diskHangs') return { do: kind, node, hangs: true }
  return null
}

/** A random part of all directed links. */
function someLinks(nodes: readonly ProcessId[], random: Random): [ProcessId, ProcessId][] {
  const share = random.pick([0.2, 0.4, 0.6])
  const pairs = nodes.flatMap((from) =>
    nodes.filter((to) => to !== from).map((to): [string, string] => [from, to]),
  )
  return pairs.filter(() => random.chance(share))
}

/** Two or three groups; now and then a node is in none and bridges them. */
function split(nodes: readonly ProcessId[], random: Random): ProcessId[][] {
  const groups: ProcessId[][] = [[], [], []]
  const bridged = random.chance(0.25)
  for (const id of nodes) {
    if (!bridged || random.chance(0.7)) groups[random.integer(0, random.chance(0.3) ? 2 : 1)]?.push(id)
  }
  return groups.filter((group) => group.length > 0)
}
