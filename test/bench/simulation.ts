/**
 * Speed of the simulator: the shipping core and driver over simulated clock, network and disk, per CPU second of one core.
 *
 * Goal 9: at least 10,000 x real time for one group of five members with heartbeats every 50 ms, every invariant checked
 * after every event; beside it the same without invariants, under faults, and with elections as fast as they go. The bare
 * event loop is the floor.
 */
import { planFor, runPlan, SimCluster } from 'conclave/simulation'
import { Scheduler } from '../../src/simulation/scheduler'
import { cpuMs, head, line, ratio, value } from './stats'

const NODES = ['a', 'b', 'c', 'd', 'e']
const ROUNDS = 7
const STEADY_MS = 400_000

interface Sample {
  readonly simulatedMs: number
  readonly events: number
  readonly cpuMs: number
}

/** Five members, 50 ms, jitter, nothing fails; warm. */
function steady(invariants: boolean): () => Sample {
  const cluster = new SimCluster({
    seed: 1,
    nodes: NODES,
    timing: { heartbeatMs: 50 },
    quality: { jitterMs: 0.5 },
    ...(invariants ? {} : { invariants: [] }),
  })
  cluster.start()
  cluster.run(STEADY_MS)
  return () => {
    const events = cluster.scheduler.events
    const begin = cpuMs()
    cluster.run(STEADY_MS)
    if (cluster.halted || cluster.leaderOf('jobs') === null) throw new Error('the cluster has no leader')
    return { simulatedMs: STEADY_MS, events: cluster.scheduler.events - events, cpuMs: cpuMs() - begin }
  }
}

/** The same group under the faults of twenty plans, with user work and every invariant. */
function underFaults(): () => Sample {
  let seed = 0
  const runOne = (): Sample => {
    seed += 1
    const plan = planFor(seed, 'lan')
    const { setup } = plan
    const timing = { ...setup.timing, promiseMs: 2000, heartbeatMs: 50, campaignMs: 500 }
    const rates = Object.fromEntries(NODES.map((id) => [id, 1]))
    const five = {
      ...setup,
      nodes: NODES,
      contenders: NODES,
      elections: ['jobs'],
      rates,
      timing,
      timingOf: {},
    }
    const steps = plan.steps.filter(
      ({ action }) => !/"election":"(?!jobs)|[f-g]"/.test(JSON.stringify(action)),
    )
    const begin = cpuMs()
    const { stats } = runPlan({ ...plan, setup: { ...five, quality: { jitterMs: 0.5 } }, steps })
    return { simulatedMs: stats.simulatedMs, events: stats.events, cpuMs: cpuMs() - begin }
  }
  return () => {
    const sum = { simulatedMs: 0, events: 0, cpuMs: 0 }
    for (let i = 0; i < 20; i++) {
      const one = runOne()
      sum.simulatedMs += one.simulatedMs
      sum.events += one.events
      sum.cpuMs += one.cpuMs
    }
    return sum
  }
}

/** Hand-overs, one after the other: how many elections fit into a CPU second. */
function elections(): () => Sample {
  const cluster = new SimCluster({ seed: 1, nodes: NODES, timing: { heartbeatMs: 50 } })
  cluster.start()
  let won = 0
  cluster.observers.add({
    elected: () => {
      won += 1
    },
  })
  cluster.runUntil(() => won > 0, 60_000)
  return () => {
    const begin = cpuMs()
    for (let i = 0; i < 2000; i++) {
      const leader = cluster.leaderOf('jobs')
      const to = NODES[(NODES.indexOf(leader ?? 'a') + 1) % NODES.length] as string
      const before = won
      cluster.transfer('jobs', to)
      if (!cluster.runUntil(() => won > before, 10_000)) throw new Error('no hand-over')
    }
    return { simulatedMs: 0, events: 2000, cpuMs: cpuMs() - begin }
  }
}

/** Fifty events that plan each other anew: the floor. */
function bareLoop(): () => Sample {
  const scheduler = new Scheduler()
  const again = (wait: number): void => {
    scheduler.after(wait, again, wait)
  }
  for (let i = 1; i <= 50; i++) again(i + 0.37)
  return () => {
    const begin = cpuMs()
    for (let i = 0; i < 1_000_000; i++) scheduler.step()
    return { simulatedMs: 0, events: 1_000_000, cpuMs: cpuMs() - begin }
  }
}

function report(label: string, samples: readonly Sample[], unit: 'x' | '/s'): number {
  const rate = (sample: Sample): number =>
    unit === 'x' ? sample.simulatedMs / sample.cpuMs : (sample.events / sample.cpuMs) * 1000
  const total = samples.reduce(
    (sum, { events, cpuMs: ms }) => ({ events: sum.events + events, ms: sum.ms + ms }),
    {
      events: 0,
      ms: 0,
    },
  )
  const { p50 } = line(label, samples.map(rate), unit)
  value(`${label}: each`, (total.ms / total.events) * 1e6, 'ns')
  return p50
}

export function benchSimulation(): void {
  head('the simulator, per CPU second (x: simulated time over CPU time)')
  const runs = {
    floor: bareLoop(),
    plain: steady(false),
    checked: steady(true),
    faults: underFaults(),
    elections: elections(),
  }
  const samples = { floor: [], plain: [], checked: [], faults: [], elections: [] } as Record<
    keyof typeof runs,
    Sample[]
  >
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of Object.keys(runs) as (keyof typeof runs)[]) samples[name].push(runs[name]())
  }
  report('bare event loop, events', samples.floor, '/s')
  report('five members, 50 ms, no invariants', samples.plain, 'x')
  const reached = report('five members, 50 ms, all invariants', samples.checked, 'x')
  report('the same under faults and user work', samples.faults, 'x')
  report('hand-overs with all invariants, elections', samples.elections, '/s')
  ratio('all invariants / 10,000 x real time', reached / 10_000, '>= 1, goal 9')
}
