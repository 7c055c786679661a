/**
 * Goal: both fences of this process keep the contract. Method: the suite that authors of fences get.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FileFence, fileFence, type GuardingFence, memoryFence } from 'conclave/fencing'
import { describe, expect, it } from 'vitest'
import { fenceCompliance } from '../../src/compliance/fence'

describe('memoryFence', () => {
  for (const { name, run } of fenceCompliance({ guards: true, create: () => memoryFence() })) it(name, run)
})

describe('memoryFence that learned a floor', () => {
  const create = (): GuardingFence => memoryFence({ floor: async () => 0 })
  for (const { name, run } of fenceCompliance({ guards: true, create })) it(name, run)
})

describe('fileFence', () => {
  const directories = new WeakMap<GuardingFence, string>()
  const open = async (dir: string): Promise<FileFence> => {
    const fence = await fileFence({ dir })
    directories.set(fence, dir)
    return fence
  }
  const suite = fenceCompliance({
    guards: true,
    create: async () => open(await mkdtemp(join(tmpdir(), 'fence-'))),
    reopen: async (fence) => {
      await (fence as FileFence).close()
      return open(directories.get(fence)!)
    },
    destroy: async (fence) => {
      await (fence as FileFence).close()
      await rm(directories.get(fence)!, { recursive: true })
    },
  })
  for (const { name, run } of suite) it(name, run)
})

describe('fenceCompliance', () => {
  it('has cases for declared capabilities only', () => {
    const names = (cases: readonly { name: string }[]): string[] => cases.map(({ name }) => name)
    const plain = names(fenceCompliance({ guards: false, create: () => memoryFence() }))
    const guarding = names(fenceCompliance({ guards: true, create: () => memoryFence() }))
    expect(new Set(plain).size).toBe(plain.length)
    expect(guarding.slice(0, plain.length)).toEqual(plain)
    expect(guarding.length).toBeGreaterThan(plain.length)
  })

  it('finds a fence that forgets, one that ignores holders, one that checks and then acts', async () => {
    const failures = async (make: () => GuardingFence): Promise<string[]> => {
      const failed: string[] = []
      for (const { name, run } of fenceCompliance({ guards: true, create: make })) {
        await run().catch(() => failed.push(name))
      }
      return failed
    }
    const broken = (change: (fence: GuardingFence) => Partial<GuardingFence>): (() => GuardingFence) => {
      return () => {
        const fence = memoryFence()
        return {
          check: (resource, claim) => fence.check(resource, claim),
          guard: (resource, claim, work) => fence.guard(resource, claim, work),
          highest: (resource) => fence.highest(resource),
          ...change(fence),
        }
      }
    }
    expect(await failures(broken(() => ({})))).toEqual([])
    const forgets = await failures(broken(() => ({ check: async () => undefined })))
    expect(forgets).toContain('P5: a lower token is refused, of whatever holder, and changes nothing')
    const ignoresHolders = await failures(
      broken((fence) => ({ check: (resource, claim) => fence.check(resource, { ...claim, holder: 'a' }) })),
    )
    expect(ignoresHolders).toContain('P5: an equal token of another holder is refused and changes nothing')
    const acts = await failures(
      broken((fence) => ({
        guard: async (resource, claim, work) => {
          await fence.check(resource, claim)
          return work()
        },
      })),
    )
    expect(acts).toContain('B.19: nothing is accepted between the check and the end of the work')
  })
})
