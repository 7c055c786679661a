/**
 * Goal: P5 through `kill -9` of real processes. Method: a child claims and prints what was accepted; it is killed at a
 * random moment, even in the middle of a write; the next fence on that directory must know at least as much.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fileFence } from 'conclave/fencing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { outcome, scratch } from './helpers'

const CHILD = fileURLToPath(new URL('./kill-child.ts', import.meta.url))

/** Starts the child, kills it after some accepted claims, and returns the last token accepted per resource. */
async function runAndKill(dir: string, first: number, afterLines: number): Promise<Map<string, number>> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, dir, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  let lines = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    lines += text.split('\n').length - 1
    if (lines >= afterLines) child.kill('SIGKILL')
  })
  await once(child, 'close')
  expect(child.signalCode).toBe('SIGKILL')
  const accepted = new Map<string, number>()
  for (const line of output.split('\n').slice(0, -1)) {
    const [n, token] = line.split(' ')
    accepted.set(`r${n}`, Number(token))
  }
  return accepted
}

describe('kill -9', () => {
  it('P5: never forgets what it accepted, and leaves no lock behind', async () => {
    const dir = join(await scratch(), 'fence')
    let first = 1
    for (const afterLines of [1, 50, 333, 1_000]) {
      const accepted = await runAndKill(dir, first, afterLines)
      expect((await readdir(dir)).filter((name) => name.startsWith('lock-'))).toHaveLength(1)
      const fence = await fileFence({ dir })
      for (const [resource, token] of accepted) {
        const mark = await fence.highest(resource)
        expect(mark!.token).toBeGreaterThanOrEqual(token)
        expect(mark!.token).toBeLessThanOrEqual(token + 1)
        expect(mark!.holder).toBe(`h${mark!.token % 7}`)
        const stale = { token: token - 1, holder: `h${(token - 1) % 7}`, election: 'x' }
        if (stale.token > 0) expect(await outcome(fence.check(resource, stale))).toBe('ELECTION_STALE_TOKEN')
        first = Math.max(first, token + 2)
      }
      await fence.close()
      expect(await readdir(dir)).toEqual(['fence.journal'])
    }
    expect(first).toBeGreaterThan(400)
  })

  it('A4: the directory of a live process is refused, also while it is frozen', async () => {
    const dir = join(await scratch(), 'fence')
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    child.stdout.resume()
    expect(await outcome(fileFence({ dir }))).toBe('ELECTION_STORAGE_LOCKED')
    child.kill('SIGSTOP')
    expect(await outcome(fileFence({ dir }))).toBe('ELECTION_STORAGE_LOCKED')
    child.kill('SIGKILL')
    await once(child, 'close')
    await (await fileFence({ dir })).close()
  })
})
