/**
 * Figures for OpenTelemetry, through a meter of the service, under the names that Prometheus users know.
 *
 * Read next: `instruments.ts` (what each figure means), `spans.ts` (one span per leadership).
 */
import type { Metrics, Read, ReadingName } from '../ports/metrics'
import { type Instrument, instrumentsOf } from './instruments'

/** Options of one instrument of OpenTelemetry. */
export interface OtelInstrumentOptions {
  description?: string
  unit?: string
  advice?: { explicitBucketBoundaries?: number[] }
}

/** The parts of a `Meter` of `@opentelemetry/api` that are used. `Observable`: whatever its observable instruments are. */
export interface OtelMeter<Observable> {
  createCounter(
    name: string,
    options: OtelInstrumentOptions,
  ): { add(value: number, attributes: Record<string, string>): void }
  createHistogram(
    name: string,
    options: OtelInstrumentOptions,
  ): { record(value: number, attributes: Record<string, string>): void }
  createObservableGauge(name: string, options: OtelInstrumentOptions): Observable
  createObservableCounter(name: string, options: OtelInstrumentOptions): Observable
  addBatchObservableCallback(callback: OtelBatch<Observable>, observables: Observable[]): void
}

/** Called at each collection. */
export type OtelBatch<Observable> = (result: {
  observe(instrument: Observable, value: number, attributes: Record<string, string>): void
}) => void

/** Makes the port over a meter: `otelMetrics(metrics.getMeter('conclave'))`. One for a process. */
export function otelMetrics<Observable>(meter: OtelMeter<Observable>): Metrics {
  const options = ({ help, unit }: Instrument): OtelInstrumentOptions => ({ description: help, unit })
  const counters = new Map(
    instrumentsOf('counter').map(([name, one]) => [name, meter.createCounter(name, options(one))]),
  )
  const histograms = new Map(
    instrumentsOf('histogram').map(([name, one]) => [
      name,
      meter.createHistogram(name, {
        ...options(one),
        advice: { explicitBucketBoundaries: [...(one.buckets ?? [])] },
      }),
    ]),
  )
  const observables = new Map<ReadingName, Observable>([
    ...instrumentsOf('gauge').map(
      ([name, one]) => [name, meter.createObservableGauge(name, options(one))] as const,
    ),
    ...instrumentsOf('total').map(
      ([name, one]) => [name, meter.createObservableCounter(name, options(one))] as const,
    ),
  ])
  const sources = new Set<(read: Read) => void>()
  meter.addBatchObservableCallback(
    (result) => {
      for (const source of sources) {
        source((name, labels, value) => {
          const instrument = observables.get(name)
          if (instrument !== undefined) result.observe(instrument, value, labels)
        })
      }
    },
    [...observables.values()],
  )
  return {
    count: (name, labels) => counters.get(name)?.add(1, labels),
    observe: (name, labels, value) => histograms.get(name)?.record(value, labels),
    onCollect: (source) => {
      sources.add(source)
      return () => {
        sources.delete(source)
      }
    },
  }
}
