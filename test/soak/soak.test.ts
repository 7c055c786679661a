/**
 * Goal: leaderships that come and go leave nothing behind (B.11). Method: `npm run soak` in a process of its own, a hundred
 * thousand of them; its exit code says whether heap, handles, timers and listeners stayed as they were.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('B.11: a hundred thousand leaderships: less than 1 MiB of heap, no handle, timer or listener is left behind', async () => {
  const program = fileURLToPath(new URL('main.ts', import.meta.url))
  const args = ['--expose-gc', '--import', 'tsx', program, '--cycles', '100000']
  const { stdout } = await promisify(execFile)(process.execPath, args)
  console.log(stdout)
  expect(stdout).not.toContain('FAULT')
  expect(stdout).toMatch(/^1100\d\d leaderships/m)
}, 180_000)
