/** The transport of a process that votes alone: there is nobody to talk to. Decides nothing. */
import type { Transport } from '../ports/transport'

/** Sends to nobody and hears from nobody. */
export function noTransport(): Transport {
  return {
    start(_host, ready) {
      ready(null)
    },
    send() {},
    flushSync() {},
    stop(_flushMs, done) {
      done()
    },
    stats: () => ({
      links: [],
      framesSent: 0,
      framesReceived: 0,
      bytesSent: 0,
      bytesReceived: 0,
      refused: {},
    }),
  }
}
