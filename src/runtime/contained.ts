/**
 * The logger and the metrics of the service, kept from harming anybody (B.9): what they throw ends in the call.
 *
 * Both are told at places where a leadership begins or ends and work stops, where an exception would keep the rest from being
 * done. The first one of each is reported as a process warning, since the logger itself may be what is broken; figures and
 * lines that were lost are lost. Decides nothing. Read next: `events.ts` (the same for listeners).
 */
import { type Logger, silentLogger } from '../ports/logger'
import type { Metrics } from '../ports/metrics'
import type { HostProcess } from './environment'
import { describe } from './printable'

/** Runs what may throw; what it threw is reported once. */
type Contain = (call: () => void) => void

function containing(what: string, code: string, process: HostProcess | null): Contain {
  let isReported = false
  return (call) => {
    try {
      call()
    } catch (error) {
      if (isReported) return
      isReported = true
      const message = `${what} threw, which it must not: ${describe(error)}; what it throws later is not reported`
      process?.emitWarning(message, { type: 'ConclaveWarning', code })
    }
  }
}

/** That logger, as one that never throws. */
export function containedLogger(logger: Logger, process: HostProcess | null): Logger {
  if (logger === silentLogger) return logger
  const contain = containing('the logger', 'CONCLAVE_LOGGER', process)
  return {
    debug: (fields, message) => contain(() => logger.debug(fields, message)),
    info: (fields, message) => contain(() => logger.info(fields, message)),
    warn: (fields, message) => contain(() => logger.warn(fields, message)),
    error: (fields, message) => contain(() => logger.error(fields, message)),
  }
}

/** Those metrics, as a port that never throws. */
export function containedMetrics(metrics: Metrics, process: HostProcess | null): Metrics {
  const contain = containing('the metrics port', 'CONCLAVE_METRICS', process)
  return {
    count: (name, labels) => contain(() => metrics.count(name, labels)),
    observe: (name, labels, value) => contain(() => metrics.observe(name, labels, value)),
    onCollect(source) {
      let end: (() => void) | null = null
      contain(() => {
        end = metrics.onCollect(source)
      })
      return () => contain(() => end?.())
    },
  }
}
