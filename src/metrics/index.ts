/** The public face of `conclave/metrics`: each line a decision. Loads no client: prom-client and OpenTelemetry are the caller's. */
export type {
  CounterName,
  HistogramName,
  MetricLabels,
  MetricName,
  Metrics,
  Read,
  ReadingName,
} from '../ports/metrics'
export { INSTRUMENTS, type Instrument, type InstrumentKind } from './instruments'
export { type OtelBatch, type OtelInstrumentOptions, type OtelMeter, otelMetrics } from './otel'
export { type PromClient, type PromConfiguration, type PromOptions, promMetrics } from './prom'
export { type OtelSpan, type OtelTracer, traceLeaderships } from './spans'
