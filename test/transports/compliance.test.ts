/** The transport suite on real sockets: with a secret, and without one on the loopback address. */
import { performance } from 'node:perf_hooks'
import { describe, it } from 'vitest'
import { type TransportHarness, transportCompliance } from '../../src/compliance/transport'
import { type TcpOptions, tcp } from '../../src/transports/tcp'
import { addressesOf, pause, SECRET } from './node'

const harness = (options: TcpOptions): TransportHarness => ({
  create: async (ids) => ({
    addresses: await addressesOf(...ids),
    transport: () => tcp(options),
    now: () => performance.now(),
    pass: () => pause(2),
  }),
})

for (const [name, options] of [
  ['with a secret', { secret: SECRET }],
  ['without authentication', {}],
] as const) {
  describe(`tcp ${name}`, () => {
    for (const { name, run } of transportCompliance(harness(options))) it(name, run)
  })
}
