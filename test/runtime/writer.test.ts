/** Goal: one write at a time, nothing lost between two, and a failure is final (R1, BUGS 15). Method: a storage that answers by hand. */
import { describe, expect, it } from 'vitest'
import { Writer } from '../../src/runtime/writer'
import { TestClock, TestStorage, World } from './harness'

function bench() {
  const world = new World()
  const clock = new TestClock(world)
  const storage = new TestStorage(world, 'a')
  storage.writeMs = 5
  storage.open({ clusterId: 'k', nodeId: 'a', config: { term: 0, version: 1, termFloor: 0 } }, () => {})
  const record = storage.disk.state?.process
  if (record === undefined) throw new Error('no record')
  const heard: (number | string)[] = []
  const writer = new Writer(storage, clock, 100, record, {
    written: (version) => heard.push(version),
    failed: (error) => heard.push(error.code),
  })
  return { world, clock, storage, writer, heard }
}

describe('Writer', () => {
  it('R1: what is decided while a write is under way joins the next one, as a whole', async () => {
    const { world, storage, writer, heard } = bench()
    writer.decide(1, new Map([['x', 1]]))
    writer.flush()
    writer.decide(2, new Map([['x', 2]]))
    writer.flush()
    writer.decide(3, new Map([['y', 9]]))
    writer.change({ maxPromiseMs: 77 })
    writer.flush()
    expect(storage.writes).toHaveLength(1)
    await world.run(20)
    expect(heard).toEqual([1, 3])
    expect(storage.writes.map(({ terms }) => Object.fromEntries(terms))).toEqual([{ x: 1 }, { x: 2, y: 9 }])
    expect(storage.writes.map(({ process }) => process?.maxPromiseMs)).toEqual([undefined, 77])
  })

  it('without anything new there is no write', () => {
    const { storage, writer } = bench()
    writer.flush()
    expect(storage.writes).toEqual([])
  })

  it('R1: a failed write is final, and told once', async () => {
    const { world, storage, writer, heard } = bench()
    storage.fault = new Error('EIO')
    writer.decide(1, new Map([['x', 1]]))
    writer.flush()
    await world.run(10)
    storage.fault = null
    writer.decide(2, new Map([['x', 2]]))
    writer.flush()
    await world.run(10)
    expect(heard).toEqual(['ELECTION_STORAGE_FAILED'])
    expect(storage.writes).toHaveLength(1)
  })

  it('bug 15: a write that is never answered has failed after the time limit', async () => {
    const { world, storage, writer, heard } = bench()
    storage.fault = 'hang'
    writer.decide(1, new Map([['x', 1]]))
    writer.flush()
    await world.run(99)
    expect(heard).toEqual([])
    await world.run(1)
    expect(heard).toEqual(['ELECTION_STORAGE_FAILED'])
  })

  it('R36: an answer that is there and unread when the time limit is noticed counts: this process was stalled, not the disk', async () => {
    const { world, storage, writer, heard } = bench()
    // the timer of the limit fires first, as it does after a stall
    storage.writeMs = 100
    writer.decide(1, new Map([['x', 1]]))
    writer.flush()
    await world.run(200)
    expect(heard).toEqual([1])
  })

  it('an answer after the time limit changes nothing any more', async () => {
    const { world, storage, writer, heard } = bench()
    storage.writeMs = 150
    writer.decide(1, new Map([['x', 1]]))
    writer.flush()
    await world.run(300)
    expect(heard).toEqual(['ELECTION_STORAGE_FAILED'])
  })

  it('a storage that answers one write twice does not answer the next one', async () => {
    const { world, storage, writer, heard } = bench()
    const answers: (() => void)[] = []
    storage.write = (_change, done) => {
      answers.push(() => done(null))
    }
    writer.decide(1, new Map([['x', 1]]))
    writer.flush()
    writer.decide(2, new Map([['x', 2]]))
    answers[0]?.()
    answers[0]?.()
    await world.run(1)
    expect(heard).toEqual([1])
    answers[1]?.()
    expect(heard).toEqual([1, 2])
  })

  it('idle calls back when everything is written, or can never be', async () => {
    const { world, storage, writer } = bench()
    let idle = 0
    writer.decide(1, new Map([['x', 1]]))
    writer.idle(() => idle++)
    writer.decide(2, new Map([['x', 2]]))
    await world.run(5)
    expect(idle).toBe(0)
    await world.run(5)
    expect(idle).toBe(1)
    storage.fault = new Error('EIO')
    writer.decide(3, new Map())
    writer.idle(() => idle++)
    await world.run(5)
    expect(idle).toBe(2)
  })
})
