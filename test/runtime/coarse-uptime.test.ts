/**
 * Goal: where `os.uptime()` knows whole seconds only, as in Bun and Deno, its steps are no suspends. Method: such an `uptime` in
 * place of the real one.
 */
import { readFileSync } from 'node:fs'
import { expect, it, vi } from 'vitest'
import { systemClock } from '../../src/runtime/system-clock'

vi.mock('node:os', async (original) => ({ ...(await original<object>()), uptime: () => 1 }))

it.runIf(process.platform === 'linux')(
  'B.3: an uptime of whole seconds is read from the kernel instead',
  () => {
    const kernel = (): number => Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1000
    const clock = systemClock()
    const before = kernel()
    const read = clock.uptime()
    expect(read).toBeGreaterThanOrEqual(before)
    expect(read).toBeLessThanOrEqual(kernel())
  },
)
