/**
 * Goal: P5 through power loss, killed processes and failing disks, at every operation on the file system.
 *
 * Method: a file system in memory that keeps apart what was written and what was synced. At a random operation the
 * machine dies: unsynced bytes survive as a random prefix, unsynced renames or not. Or only the process dies: then the
 * next one finds everything, and may itself lose power before it synced anything. Disks fail at random, too.
 */

import { type FileFence, type FileOps, fileFence } from 'conclave/fencing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isElectionError } from '../../src/errors'
import { scratch } from './helpers'

interface Inode {
  written: Buffer
  synced: number
}

type Names = Map<string, Inode>

/** A disk. After `loseProcess` or `losePower` the handles of the former life only fail. */
class Disk {
  #names: Names = new Map()
  /** Name spaces that a power loss may leave: the synced one, and each later one. */
  #history: Names[] = [new Map()]
  #life = 0
  /** The process dies before its n-th operation from now on. */
  diesAfter = Number.POSITIVE_INFINITY
  failEvery = Number.POSITIVE_INFINITY
  #operations = 0

  losePower(choose: (options: number) => number): void {
    this.#life += 1
    this.#names = new Map(this.#history[choose(this.#history.length)])
    for (const inode of new Set(this.#names.values())) {
      const kept = inode.synced + choose(inode.written.length - inode.synced + 1)
      inode.written = inode.written.subarray(0, kept)
      inode.synced = kept
    }
    this.#history = [new Map(this.#names)]
    this.diesAfter = Number.POSITIVE_INFINITY
  }

  loseProcess(): void {
    this.#life += 1
    this.diesAfter = Number.POSITIVE_INFINITY
  }

  files(): FileOps {
    const life = this.#life
    const enter = async (): Promise<void> => {
      await null
      if (life !== this.#life || this.diesAfter <= 0) throw Object.assign(new Error('dead'), { code: 'EIO' })
      this.diesAfter -= 1
      this.#operations += 1
      if (this.#operations % this.failEvery === 0) throw Object.assign(new Error('disk'), { code: 'ENOSPC' })
    }
    const renamed = (): void => void this.#history.push(new Map(this.#names))
    return {
      read: async (path) => {
        await enter()
        return this.#names.get(path)?.written ?? null
      },
      create: async (path) => {
        await enter()
        const inode: Inode = { written: Buffer.alloc(0), synced: 0 }
        this.#names.set(path, inode)
        renamed()
        return {
          append: async (bytes) => {
            // A crash or a full disk leaves half of it.
            inode.written = Buffer.concat([inode.written, bytes.subarray(0, bytes.length >> 1)])
            await enter()
            inode.written = Buffer.concat([inode.written, bytes.subarray(bytes.length >> 1)])
          },
          sync: async () => {
            await enter()
            inode.synced = inode.written.length
          },
          close: async () => undefined,
        }
      },
      rename: async (from, to) => {
        await enter()
        const inode = this.#names.get(from)
        if (inode === undefined) throw Object.assign(new Error('gone'), { code: 'ENOENT' })
        this.#names.delete(from)
        this.#names.set(to, inode)
        renamed()
      },
      remove: async (path) => {
        await enter()
        this.#names.delete(path)
        renamed()
      },
      makeDirectory: async () => undefined,
      syncDirectory: async () => {
        await enter()
        this.#history = [new Map(this.#names)]
      },
    }
  }
}

const burst = fc.array(
  fc.record({
    resource: fc.constantFrom('r', 's', '__proto__'),
    token: fc.integer({ min: 1, max: 30 }),
    holder: fc.constantFrom('a', 'b'),
    forget: fc.integer({ max: 9 }).map((n) => n === 0),
  }),
  { minLength: 1, maxLength: 8 },
)
const life = fc.record({
  bursts: fc.array(burst, { minLength: 1, maxLength: 4 }),
  diesAfter: fc.integer({ min: 0, max: 60 }),
  power: fc.boolean(),
  failEvery: fc.constantFrom(Number.POSITIVE_INFINITY, 23, 9),
  choices: fc.infiniteStream(fc.nat(1_000)),
})

describe('the file fence through crashes', () => {
  it('P5: what was accepted is never undercut, whenever the process or the power goes and the disk fails', async () => {
    const dir = await scratch()
    let accepts = 0
    let lives = 0
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 6 }), async (run) => {
        const disk = new Disk()
        const accepted = new Map<string, { token: number; holder: string }>()
        for (const { bursts, diesAfter, power, failEvery, choices } of run) {
          Object.assign(disk, { diesAfter, failEvery })
          let fence: FileFence | undefined
          try {
            fence = await fileFence({ dir, maxResources: 2 }, disk.files())
            lives += 1
            for (const claims of bursts) {
              await Promise.all(
                claims.map(async ({ resource, token, holder, forget }) => {
                  try {
                    if (forget) await fence!.forget(resource)
                    await fence!.check(resource, { token, holder, election: 'x' })
                  } catch (error) {
                    if (isElectionError(error, 'ELECTION_STORAGE_FAILED')) return
                    if (isElectionError(error, 'ELECTION_STALE_TOKEN')) return
                    throw error
                  }
                  accepts += 1
                  const seen = accepted.get(resource)
                  expect(token).toBeGreaterThanOrEqual(seen?.token ?? 0)
                  if (token === seen?.token) expect(holder).toBe(seen.holder)
                  accepted.set(resource, { token, holder })
                }),
              )
            }
          } catch (error) {
            // Opening may fail with the disk; it must never find damage.
            if (!isElectionError(error, 'ELECTION_STORAGE_FAILED')) throw error
          } finally {
            if (power) disk.losePower((options) => (choices.next().value ?? 0) % options)
            else disk.loseProcess()
            await fence?.close()
          }
        }
        Object.assign(disk, { diesAfter: Number.POSITIVE_INFINITY, failEvery: Number.POSITIVE_INFINITY })
        const fence = await fileFence({ dir }, disk.files())
        for (const [resource, { token, holder }] of accepted) {
          const mark = await fence.highest(resource)
          if (mark !== null) expect(mark.token).toBeGreaterThanOrEqual(token)
          for (const stale of [
            { token: token - 1, holder },
            { token, holder: `not-${holder}` },
          ]) {
            if (stale.token > 0) {
              await expect(fence.check(resource, { ...stale, election: 'x' })).rejects.toMatchObject({
                code: 'ELECTION_STALE_TOKEN',
              })
            }
          }
        }
        await fence.close()
      }),
      { numRuns: 200 },
    )
    // The run was not empty talk.
    expect(accepts).toBeGreaterThan(300)
    expect(lives).toBeGreaterThan(100)
  })
})
