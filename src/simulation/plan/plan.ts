/**
 * A plan: everything that happens in one simulated run, as plain data derived from a seed.
 *
 * `setup` says what the cluster is made of, `steps` what is done to it and when. It can be printed as JSON, kept, cut down
 * and run again; the same plan gives the same trace. First comes the safety phase (anything may fail, nothing wrong may
 * happen), then everything is healed and the liveness phase demands progress. Read next: `../swarm.ts`.
 */
import type { ActionKind } from '../actions'
import { Random } from '../random'
import { actionOf, weighted } from './draw'
import { isStoreProfile, PROFILES, type ProfileName, profileOf } from './profiles'
import { type Setup, setupFor, withMembers, withRoles, withStores } from './setup'
import { type Step, stepsFor } from './steps'
import { WEATHER } from './weather'

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

/** The plan of a seed: chooses a profile if none is named. Same seed, same plan, on every machine. */
export function planFor(seed: number, profile?: ProfileName, safetyMs = 60_000): Plan {
  const random = new Random(seed)
  const peers = random.pick(PROFILES)
  const name = profile ?? profileOf(seed, peers)
  const drawn = setupFor(seed, name, random.fork())
  const all = name === 'everything'
  const setup = isStoreProfile(name)
    ? withStores(name, drawn, random.fork())
    : name === 'members' || all
      ? withMembers(drawn, random.fork())
      : name === 'roles'
        ? withRoles(drawn, random.fork())
        : drawn
  const steps = stepsFor(setup, WEATHER[name], safetyMs, random.fork())
  const plan = { seed, profile: name, setup, steps, safetyMs }
  // drawn from a source of its own: all other seeds keep the runs that they had
  const operated = name === 'maintenance' || all ? withOperator(plan, new Random(seed ^ 0x51c3a7f)) : plan
  return seed % 8 >= 6 || all ? withCriteria(operated, new Random(seed ^ 0x2f6e2b1)) : operated
}

/** An operator at work: members that must not stand for a while, hand-overs that are planned and taken back. */
function withOperator(plan: Plan, random: Random): Plan {
  const kinds: [ActionKind, number][] = [
    ['freezeMember', 5],
    ['switchover', 6],
    ['cancelSwitchover', 2],
  ]
  return { ...plan, steps: [...plan.steps, ...moreSteps(plan, kinds, 3, random)].sort((a, b) => a.at - b.at) }
}

/** Steps of these kinds at random instants, `every` promises apart at most. */
function moreSteps(
  { setup, safetyMs }: Plan,
  kinds: readonly [ActionKind, number][],
  every: number,
  random: Random,
): Step[] {
  const { promiseMs } = setup.timing
  const more: Step[] = []
  for (let at = random.between(0, 2_000); at < safetyMs; at += random.between(0, every * promiseMs)) {
    const kind = weighted(kinds, random)
    const action = kind === null ? null : actionOf(kind, setup, new Set(), '', at, random)
    if (action !== null) more.push({ at, action })
  }
  return more
}

/** Scores that move, leaders that prefer and that are not well (R37, R39), on top of whatever else happens. */
function withCriteria(plan: Plan, random: Random): Plan {
  const { setup, steps } = plan
  const { promiseMs } = setup.timing
  const preference = {
    afterMs: promiseMs * random.between(0.5, 4),
    by: random.integer(1, 3),
    perMinute: random.integer(1, 12),
  }
  const kinds: [ActionKind, number][] = [
    ['contend', 6],
    ['handOver', 2],
    ['sicken', 2],
  ]
  const more = moreSteps(plan, kinds, 4, random).map(({ at, action }) =>
    action.do === 'contend' ? { at, action: { ...action, contending: true } } : { at, action },
  )
  return {
    ...plan,
    setup: { ...setup, preference },
    steps: [...steps, ...more].sort((a, b) => a.at - b.at),
  }
}
