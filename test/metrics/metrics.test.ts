/**
 * Goal: the figures say what happened (USERS 22). Method: real prom-client and OpenTelemetry SDKs under elections in manual
 * time; what a scrape returns is compared with what was done.
 */
import { readFileSync } from 'node:fs'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import * as client from 'prom-client'
import { describe, expect, it } from 'vitest'
import { memoryFence } from '../../src/fencing'
import { INSTRUMENTS, type Metrics, otelMetrics, promMetrics, traceLeaderships } from '../../src/metrics'
import { alone, Bench, TIMING } from '../runtime/harness'

interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly metricName?: string
}

function prometheus() {
  const register = new client.Registry()
  const metrics = promMetrics(client, { registers: [register] })
  /** Series of one metric: labels as text -> value. */
  const scrape = async (name: string): Promise<Record<string, number>> => {
    const found: Record<string, number> = {}
    const values = ((await register.getSingleMetric(name)?.get())?.values ?? []) as readonly Series[]
    for (const { labels, value, metricName } of values) {
      const own = Object.entries(labels).filter(([label]) => label !== 'cluster')
      found[[metricName ?? '', ...own.map(([label, text]) => `${label}=${text}`)].join(' ').trim()] = value
    }
    return found
  }
  return { register, metrics, scrape }
}

/** A cluster of three with one election, whose members all write to one registry. */
async function three(metrics: Metrics) {
  const bench = new Bench()
  const processes = ['a', 'b', 'c'].map((id) => bench.process(id, { metrics }))
  const elections = processes.map(({ elector }) =>
    elector.election('e', { priority: elector.id === 'a' ? 1 : 0 }),
  )
  await bench.start(...processes)
  await bench.world.run(3_000)
  return { bench, world: bench.world, processes, elections }
}

describe('figures for Prometheus', () => {
  it('name one leader, and each transition with its reason', async () => {
    const { metrics, scrape } = prometheus()
    const { world, elections } = await three(metrics)
    expect(await scrape('conclave_leader')).toEqual({
      'process=a election=e': 1,
      'process=b election=e': 0,
      'process=c election=e': 0,
    })
    await elections[0]?.resign({ to: 'b', drainMs: 0 })
    await world.run(500)
    expect(await scrape('conclave_leader')).toMatchObject({
      'process=a election=e': 0,
      'process=b election=e': 1,
    })
    expect(await scrape('conclave_transitions_total')).toEqual({
      'process=a election=e change=elected reason=won': 1,
      'process=a election=e change=revoked reason=transferred': 1,
      'process=b election=e change=elected reason=won': 1,
    })
    const term = elections[1]?.status().term
    expect(Object.values(await scrape('conclave_term'))).toEqual([term, term, term])
  })

  it('measure renewals: one observation per heartbeat, and quantiles when they are read', async () => {
    const { metrics, scrape } = prometheus()
    const { bench, world } = await three(metrics)
    bench.hub.latencyMs = 10
    await world.run(1_000)
    const count = 'conclave_lease_remaining_seconds_count process=a'
    const before = (await scrape('conclave_lease_remaining_seconds'))[count] as number
    await world.run(10 * TIMING.heartbeatMs)
    const after = await scrape('conclave_lease_remaining_seconds')
    expect((after[count] as number) - before).toBe(10)
    expect(await scrape('conclave_renewal_seconds')).toMatchObject({ 'process=a quantile=1': 0.02 })
    expect(await scrape('conclave_renewal_budget_seconds')).toMatchObject({ 'process=a': 0.7 })
    expect(await scrape('conclave_member_round_trip_seconds')).toMatchObject({ 'process=a member=b': 0.02 })
    expect(await scrape('conclave_member_alive')).toMatchObject({ 'process=a member=b': 1 })
  })

  it('count tries: started, won, failed with the refusals, conceded', async () => {
    const { metrics, scrape } = prometheus()
    const bench = new Bench()
    const [one, two] = ['a', 'b'].map((id) => bench.process(id, { metrics })) as [
      ReturnType<Bench['process']>,
      ReturnType<Bench['process']>,
    ]
    one.elector.election('e')
    await bench.start(one, two)
    await bench.world.run(50)
    two.transport.leave()
    const disk = bench.disks.get('b')
    if (disk?.state == null) throw new Error('no disk')
    disk.state = { ...disk.state, process: { ...disk.state.process, maxPromiseMs: 4_000 } }
    await bench.world.run(TIMING.promiseMs * 2)
    const again = bench.process('b')
    await bench.start(again)
    await bench.world.run(1_500)
    const tries = await scrape('conclave_elections_total')
    const of = (result: string): number => tries[`process=a election=e result=${result}`] ?? 0
    expect(of('won')).toBe(1)
    expect(of('failed')).toBeGreaterThan(0)
    const pending = one.elector.election('e').role === 'follower' ? 0 : 1
    expect(of('started')).toBe(of('won') + of('failed') + of('conceded') + pending)
    const refusals = await scrape('conclave_election_refusals_total')
    expect(refusals['process=a election=e reason=boot']).toBeGreaterThan(0)
  })

  it('say how much of the margin stopping work used', async () => {
    const { metrics, scrape } = prometheus()
    const { bench, world, one } = await alone({ metrics })
    const election = one.elector.election('e')
    await bench.start(one)
    const work = election.runIfLeader(
      ({ signal }) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => world.at(world.now + TIMING.marginMs / 2, resolve))
        }),
    )
    const resigned = election.resign()
    await world.run(TIMING.marginMs)
    await Promise.all([work, resigned])
    expect(await scrape('conclave_margin_used_ratio')).toMatchObject({
      'conclave_margin_used_ratio_sum process=a': 0.5,
      'conclave_margin_used_ratio_count process=a': 1,
    })
  })

  it('vanish with the elector that gave them, and come of all electors of the registry', async () => {
    const { metrics, scrape } = prometheus()
    const { world, processes } = await three(metrics)
    const stopped = processes[2]?.elector.stop()
    await world.run(100)
    await stopped
    expect(Object.keys(await scrape('conclave_leader'))).toEqual([
      'process=a election=e',
      'process=b election=e',
    ])
  })

  it('count refused sessions, stalls and refused claims', async () => {
    const { register, metrics, scrape } = prometheus()
    const { world, processes } = await three(metrics)
    processes[0]?.transport.host?.refused('unauthenticated')
    expect(await scrape('conclave_refused_total')).toEqual({ 'process=a reason=unauthenticated': 1 })
    world.stall(500)
    await world.run(10)
    expect((await scrape('conclave_stalls_total'))['process=a']).toBe(1)
    const fence = memoryFence({ metrics })
    await fence.check('ledger', { token: 8, holder: 'b' })
    await expect(fence.check('ledger', { token: 7, holder: 'a' })).rejects.toThrow('stale')
    await expect(fence.check('ledger', { token: 7.5, holder: 'a' })).rejects.toThrow('not a fencing token')
    expect(await scrape('conclave_fence_refusals_total')).toEqual({
      'fence=memory code=ELECTION_STALE_TOKEN': 1,
      'fence=memory code=ELECTION_MESSAGE_INVALID': 1,
    })
    // twice in a row: totals are read, not added up
    await register.metrics()
    expect(await scrape('conclave_refused_total')).toEqual({ 'process=a reason=unauthenticated': 1 })
  })

  it('cost nothing without a port, and whatever is no port is refused', async () => {
    const { one } = await alone()
    expect((one.elector as never as { meter: unknown }).meter).toBeNull()
    expect(() => memoryFence({ metrics: {} as never })).toThrow('metrics has no count()')
    await expect(alone({ metrics: { count() {} } as never })).rejects.toThrow('metrics: expected metrics')
  })

  it('every instrument is registered with its labels and its help', async () => {
    const { register } = prometheus()
    const registered = await register.getMetricsAsJSON()
    expect(registered.map(({ name, help }) => [name, help]).sort()).toEqual(
      Object.entries(INSTRUMENTS)
        .map(([name, { help }]) => [name, help])
        .sort(),
    )
  })
})

describe('the dashboard of examples', () => {
  it('shows every figure, and no other', () => {
    const text = readFileSync(new URL('../../examples/grafana-dashboard.json', import.meta.url), 'utf8')
    const { panels } = JSON.parse(text) as { panels: { targets?: { expr: string }[] }[] }
    const shown = panels.flatMap(({ targets = [] }) =>
      targets.flatMap(({ expr }) => expr.match(/conclave_\w+/g) ?? []),
    )
    const known = shown.map((name) => name.replace(/_(?:bucket|sum|count)$/, ''))
    expect([...new Set(known)].sort()).toEqual(Object.keys(INSTRUMENTS).sort())
  })
})

describe('figures for OpenTelemetry', () => {
  it('have the names and values of Prometheus', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
    const provider = new MeterProvider({ readers: [reader] })
    const { world } = await three(otelMetrics(provider.getMeter('conclave')))
    await world.run(1_000)
    await reader.forceFlush()
    const found = exporter.getMetrics().at(-1)?.scopeMetrics[0]?.metrics ?? []
    const points = (name: string) =>
      found.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? []
    expect(points('conclave_leader').map(({ attributes, value }) => [attributes['process'], value])).toEqual([
      ['a', 1],
      ['b', 0],
      ['c', 0],
    ])
    expect(points('conclave_transitions_total')[0]).toMatchObject({
      value: 1,
      attributes: { cluster: 'test', process: 'a', election: 'e', change: 'elected', reason: 'won' },
    })
    expect(points('conclave_lease_remaining_seconds')[0]?.value).toMatchObject({
      buckets: { boundaries: INSTRUMENTS.conclave_lease_remaining_seconds.buckets },
    })
    await provider.shutdown()
  })
})

describe('spans', () => {
  it('one per leadership, with token and reason, as long as the lease was held and not longer', async () => {
    const exporter = new InMemorySpanExporter()
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    const { bench, world, one } = await alone()
    const election = one.elector.election('e')
    const stop = traceLeaderships(provider.getTracer('conclave'), election)
    await bench.start(one)
    await world.run(300)
    await election.resign({ cooldownMs: 0 })
    await world.run(500)
    world.stall(60_000)
    await world.run(50)
    stop()
    const spans = exporter.getFinishedSpans()
    expect(spans.map(({ attributes }) => attributes)).toEqual([
      { ...shared(1), 'conclave.reason': 'resigned' },
      { ...shared(2), 'conclave.reason': 'stalled' },
    ])
    const ms = spans.map(({ duration: [s, ns] }) => s * 1_000 + ns / 1e6)
    expect(ms[0]).toBeCloseTo(300, 0)
    // the lease was over long before anybody noticed
    expect(ms[1]).toBeLessThanOrEqual(500 + TIMING.promiseMs)
    expect(
      spans.every(({ name, parentSpanContext }) => name === 'conclave.leadership' && !parentSpanContext),
    ).toBe(true)
  })

  const shared = (term: number) => ({
    'conclave.cluster': 'test',
    'conclave.process': 'a',
    'conclave.holder': 'a',
    'conclave.election': 'e',
    'conclave.term': term,
    'conclave.token': term,
  })
})
