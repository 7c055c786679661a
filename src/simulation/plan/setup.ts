/**
 * What a world is made of: nodes, voters, elections, clocks, links, disks and stores, drawn in this order.
 *
 * The order of the draws is part of every seed: nothing is drawn before what is here already. Read next: `plan.ts`.
 */
import { MEMBERS, type Timing } from '../../core'
import type { ElectionName, ProcessId } from '../../core/types'
import type { ClusterOptions } from '../cluster-options'
import type { LinkQuality } from '../links'
import type { Random } from '../random'
import type { NetworkOptions } from '../sim-network'
import type { StoreSetup } from '../sim-store'
import type { ProfileName, StoreProfileName } from './profiles'

/** What a cluster is made of, as data. */
export type Setup = Omit<ClusterOptions, 'invariants'> & {
  readonly nodes: readonly ProcessId[]
  readonly elections: readonly ElectionName[]
  readonly timing: Timing
  /** Clock rate of each node at the start. */
  readonly rates: Readonly<Record<ProcessId, number>>
}

export function setupFor(seed: number, profile: ProfileName, random: Random): Setup {
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
export function withMembers(setup: Setup, random: Random): Setup {
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
export function withStores(profile: StoreProfileName, setup: Setup, random: Random): Setup {
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

/** Processes without a vote beside the voters, and now and then a voter that never leads. */
export function withRoles(setup: Setup, random: Random): Setup {
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
export function rateWithin(rho: number, extreme: boolean, random: Random): number {
  if (extreme) return random.chance(0.5) ? 1 + rho : 1 - rho
  return random.between(1 - rho, 1 + rho)
}

export function qualityFor(
  profile: ProfileName,
  { promiseMs, campaignMs }: Timing,
  random: Random,
): LinkQuality {
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
