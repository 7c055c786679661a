/**
 * Goal: a sentinel that cannot be started costs the proof of death and nothing else (R55). Method: the real `spawn`, asked for
 * programs that it refuses in both of its ways: by an event, and by a throw.
 */
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { silentLogger } from '../../src/ports/logger'
import { Sentinel } from '../../src/runtime/sentinel'

const { execPath } = process
let sentinel: Sentinel | null = null

afterEach(() => {
  sentinel?.write({ dismissed: '0' })
  process.execPath = execPath
})

describe('a sentinel that cannot be started', () => {
  it.each([
    ['a program that is not there', '/nowhere/node', 'ENOENT'],
    ['a call that is refused by a throw', 'node\0', 'null bytes'],
  ])('R55: %s is told of, and tried again later', async (_, program, why) => {
    const told: { readonly why: string; readonly waitMs: number }[] = []
    const warn = (fields: object): void => void told.push(fields as never)
    process.execPath = program
    sentinel = new Sentinel({ ...silentLogger, warn }, fileURLToPath(import.meta.url))
    await vi.waitFor(() => expect(told).toHaveLength(1), 5_000)
    expect(told[0]?.waitMs).toBe(1_000)
    expect(told[0]?.why).toContain(why)
  })
})
