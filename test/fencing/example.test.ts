/**
 * Goal: the example runs with its one command, tells its story and ends by itself. Method: run it as a reader would.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('R42: examples/fenced-http.ts: the late write of the former leader is refused', async () => {
  const file = fileURLToPath(new URL('../../examples/fenced-http.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file])
  expect(stdout).toContain('token 7 of worker-anna is stale: token 8 of worker-ben was seen')
  expect(stdout).toContain('["invoice 1, by anna","invoice 2, by ben","invoice 3, by ben"]')
  expect(stdout.trimEnd()).toMatch(/the late write of the former leader was refused\.$/)
})
