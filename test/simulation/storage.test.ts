/** Goal: a disk that keeps A3 and nothing more. Method: one disk, several lives, every fault. */
import { describe, expect, it } from 'vitest'
import type { DurableState } from '../../src/core/types'
import { isElectionError } from '../../src/errors'
import { EventLoop } from '../../src/simulation/event-loop'
import { Random } from '../../src/simulation/random'
import { Scheduler } from '../../src/simulation/scheduler'
import { SimDisk } from '../../src/simulation/sim-disk'
import { SimStorage } from '../../src/simulation/sim-storage'

const IDENTITY = { clusterId: 'test', nodeId: 'a', config: { term: 0, version: 1, termFloor: 0 } }
const term = (value: number) => ({ terms: new Map([['jobs', value]]) })

function machine(seed = 1) {
  const scheduler = new Scheduler()
  const random = new Random(seed)
  const disk = new SimDisk('a', random.fork())
  const live = () => {
    const loop = new EventLoop(scheduler)
    const storage = new SimStorage({ disk, scheduler, loop, random, time: { leastMs: 1, mostMs: 1 } })
    const result: { error: Error | null; state: DurableState | null } = { error: null, state: null }
    storage.open(IDENTITY, (error, state) => Object.assign(result, { error, state }))
    scheduler.runUntil(scheduler.now + 2)
    return { storage, loop, ...result }
  }
  return { scheduler, disk, live }
}

describe('a simulated storage', () => {
  it('makes a record at the first start, and gives back at the next what was written', () => {
    const { scheduler, disk, live } = machine()
    const first = live()
    expect(first.state?.process.incarnation).toBe(0)
    expect(disk.record?.storageId).toMatch(/^[0-9a-f]{32}$/)
    let done = 0
    first.storage.write(term(3), (error) => {
      expect(error).toBeNull()
      done += 1
    })
    expect(disk.terms.get('jobs')).toBeUndefined()
    scheduler.runUntil(scheduler.now + 1)
    expect([done, disk.terms.get('jobs')]).toEqual([1, 3])
    first.storage.close(() => {})
    expect(live().state?.terms.get('jobs')).toBe(3)
  })

  it('A4: a second process is refused while the first lives', () => {
    const { live } = machine()
    const first = live()
    expect(isElectionError(live().error, 'ELECTION_STORAGE_LOCKED')).toBe(true)
    first.storage.crash()
    expect(live().error).toBeNull()
  })

  it('refuses the disk of another process untouched', () => {
    const { scheduler, disk, live } = machine()
    live().storage.crash()
    const loop = new EventLoop(scheduler)
    const stranger = new SimStorage({
      disk,
      scheduler,
      loop,
      random: new Random(1),
      time: { leastMs: 0, mostMs: 0 },
    })
    let refusal: Error | null = null
    stranger.open({ ...IDENTITY, nodeId: 'b' }, (error) => {
      refusal = error
    })
    scheduler.runUntil(scheduler.now + 1)
    expect(isElectionError(refusal, 'ELECTION_STORAGE_FOREIGN')).toBe(true)
    expect(disk.record?.nodeId).toBe('a')
  })

  it('A3: a write under way at a crash is there, not there, or there in part; it is never reported', () => {
    const fates = new Set<string>()
    for (let seed = 0; seed < 60; seed++) {
      const { scheduler, disk, live } = machine(seed)
      const { storage, loop } = live()
      let reported = false
      storage.write(
        {
          terms: new Map([
            ['jobs', 1],
            ['mail', 2],
          ]),
        },
        () => {
          reported = true
        },
      )
      storage.crash()
      loop.end()
      scheduler.runUntil(scheduler.now + 10)
      expect(reported).toBe(false)
      fates.add(`${disk.terms.get('jobs') ?? '-'} ${disk.terms.get('mail') ?? '-'}`)
    }
    expect([...fates].sort()).toEqual(['- -', '- 2', '1 -', '1 2'])
  })

  it('A3: the loss of a finished write is detected at the next start', () => {
    const { disk, live } = machine()
    const first = live()
    disk.faults.losesLastWrite = true
    first.storage.crash()
    expect(isElectionError(live().error, 'ELECTION_STORAGE_CORRUPT')).toBe(true)
  })

  it('a failing disk reports an error, and may have written all the same', () => {
    const written = new Set<boolean>()
    for (let seed = 0; seed < 20; seed++) {
      const { scheduler, disk, live } = machine(seed)
      const { storage } = live()
      disk.faults.failing = true
      let error: Error | null = null
      storage.write(term(5), (each) => {
        error = each
      })
      scheduler.runUntil(scheduler.now + 5)
      expect(isElectionError(error, 'ELECTION_STORAGE_FAILED')).toBe(true)
      written.add(disk.terms.get('jobs') === 5)
    }
    expect(written.size).toBe(2)
  })

  it('a hanging disk never answers', () => {
    const { scheduler, disk, live } = machine()
    const { storage } = live()
    disk.faults.hanging = true
    let answered = false
    storage.write(term(5), () => {
      answered = true
    })
    scheduler.runUntil(scheduler.now + 10_000)
    expect(answered).toBe(false)
    expect(disk.stats.hung).toBe(1)
  })

  it('R25: an empty disk has another name', () => {
    const { disk, live } = machine()
    live().storage.crash()
    const before = disk.record?.storageId
    disk.replace()
    expect(live().state?.terms.size).toBe(0)
    expect(disk.record?.storageId).not.toBe(before)
  })

  it('a stalled process hears the end of its write late, but it is durable in time', () => {
    const { scheduler, disk, live } = machine()
    const { storage, loop } = live()
    let done = false
    storage.write(term(9), () => {
      done = true
    })
    loop.stall()
    scheduler.runUntil(scheduler.now + 100)
    expect([done, disk.terms.get('jobs')]).toEqual([false, 9])
    loop.resume('ioFirst')
    expect(done).toBe(true)
  })
})
