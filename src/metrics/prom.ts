/**
 * Figures for Prometheus, through the prom-client of the service. Opens no endpoint (E10): the service serves its registry.
 *
 * Read next: `instruments.ts` (what each figure means), `../ports/metrics.ts` (the port).
 */
import type { MetricLabels, MetricName, Metrics, ReadingName } from '../ports/metrics'
import { instrumentsOf } from './instruments'
import { Sources } from './sources'

/** What an instrument of prom-client is made of. */
export interface PromConfiguration {
  name: string
  help: string
  labelNames: string[]
  registers?: never[]
  buckets?: number[]
  collect?: () => void
}

/** The parts of prom-client that are used: `import * as client from 'prom-client'`, or its default export. */
export interface PromClient {
  readonly Counter: new (
    configuration: PromConfiguration,
  ) => { inc(labels: Record<string, string>, by: number): void; reset(): void }
  readonly Gauge: new (
    configuration: PromConfiguration,
  ) => { set(labels: Record<string, string>, value: number): void; reset(): void }
  readonly Histogram: new (
    configuration: PromConfiguration,
  ) => { observe(labels: Record<string, string>, value: number): void }
}

/** Options of `promMetrics`. */
export interface PromOptions {
  /** Registries of prom-client to register with. Default: its global one. Two adapters need two registries. */
  readonly registers?: readonly object[]
}

/**
 * Makes the port over prom-client. One for a process: give the same to all its electors and fences; series of one that has
 * stopped vanish.
 *
 * @throws what prom-client throws: the registry has these names already.
 */
export function promMetrics(client: PromClient, { registers }: PromOptions = {}): Metrics {
  const configuration = (name: MetricName, help: string, labels: readonly string[]): PromConfiguration => ({
    name,
    help,
    labelNames: [...labels],
    ...(registers === undefined ? {} : { registers: [...registers] as never[] }),
  })
  const sources = new Sources()
  const counters = new Map(
    instrumentsOf('counter').map(([name, { help, labels }]) => [
      name,
      new client.Counter(configuration(name, help, labels)),
    ]),
  )
  const histograms = new Map(
    instrumentsOf('histogram').map(([name, { help, labels, buckets = [] }]) => [
      name,
      new client.Histogram({ ...configuration(name, help, labels), buckets: [...buckets] }),
    ]),
  )
  const fill = (name: ReadingName, reset: () => void, take: (l: MetricLabels, v: number) => void): void => {
    reset()
    for (const { labels, value } of sources.readings(name)) take(labels, value)
  }
  for (const [name, { help, labels }] of instrumentsOf('gauge')) {
    const gauge = new client.Gauge({
      ...configuration(name, help, labels),
      collect: () =>
        fill(
          name,
          () => gauge.reset(),
          (l, value) => gauge.set({ ...l }, value),
        ),
    })
  }
  for (const [name, { help, labels }] of instrumentsOf('total')) {
    const counter = new client.Counter({
      ...configuration(name, help, labels),
      collect: () =>
        fill(
          name,
          () => counter.reset(),
          (l, value) => counter.inc({ ...l }, value),
        ),
    })
  }
  return {
    count: (name, labels) => counters.get(name)?.inc(labels, 1),
    observe: (name, labels, value) => histograms.get(name)?.observe(labels, value),
    onCollect: (source) => sources.add(source),
  }
}
