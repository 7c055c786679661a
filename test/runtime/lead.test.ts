/**
 * Goal: work runs while this process leads, stops before somebody else can, and is waited for (R20, bugs 45 and 64,
 * USERS 1, 9, 15). Method: functions that stop late, never, or by throwing, under a leadership that is taken away.
 */
import { describe, expect, it } from 'vitest'
import type { Election } from '../../src/runtime/api'
import type { LeadOptions } from '../../src/runtime/lead'
import type { Leadership } from '../../src/runtime/leadership'
import type { ElectorOptions } from '../../src/runtime/options'
import { alone, Bench, settle, type TestProcess, TIMING, type World } from './harness'

const { promiseMs } = TIMING

interface Run {
  readonly leadership: Leadership
  readonly finish: () => void
  readonly fail: (error: Error) => void
}

interface Working {
  readonly world: World
  readonly one: TestProcess
  readonly election: Election
  /** Runs of the function, in order; each lasts until it is told to end. */
  readonly runs: Run[]
  readonly events: string[]
  readonly lead: Promise<unknown>
}

function watch(election: Election): string[] {
  const events: string[] = []
  election.on('elected', ({ term }) => events.push(`elected ${term}`))
  election.on('revoked', ({ term, reason }) => events.push(`revoked ${term} ${reason}`))
  election.on('workFailed', ({ term, error }) => events.push(`failed ${term} ${(error as Error).message}`))
  election.on('workOverdue', ({ term, drainMs }) => events.push(`overdue ${term} ${drainMs}`))
  return events
}

function endless(runs: Run[]): (leadership: Leadership) => Promise<void> {
  return (leadership) =>
    new Promise((resolve, reject) => {
      runs.push({ leadership, finish: resolve, fail: reject })
    })
}

async function working(options: LeadOptions = {}, elector: Partial<ElectorOptions> = {}): Promise<Working> {
  const { bench, world, one } = await alone(elector)
  const election = one.elector.election('e')
  const events = watch(election)
  const runs: Run[] = []
  const lead = election.lead(endless(runs), options)
  await bench.start(one)
  await world.run(50)
  expect(runs).toHaveLength(1)
  return { world, one, election, runs, events, lead }
}

describe('lead', () => {
  it('runs the function with the leadership, after the listeners of elected were told', async () => {
    const { election, runs, events } = await working()
    expect(events).toEqual(['elected 1'])
    expect(runs[0]?.leadership).toBe(election.leadership)
  })

  it('begins when every listener of that moment was told, also those of other elections', async () => {
    const { bench, world, one } = await alone()
    const order: string[] = []
    void one.elector.election('e').lead(() => {
      order.push('work')
    })
    one.elector.on('elected', ({ election }) => order.push(election))
    one.elector.election('f')
    await bench.start(one)
    await world.run(50)
    expect(order).toEqual(['e', 'f', 'work'])
  })

  it('R20, bug 45: resigning aborts the signal and releases only when the function has settled; the lease is renewed meanwhile', async () => {
    const { world, election, runs, events } = await working()
    const resigned = election.resign()
    const { leadership, finish } = runs[0] as Run
    expect(leadership.signal.aborted).toBe(true)
    expect(leadership.signal.reason).toMatchObject({ details: { reason: 'resigned' } })
    expect(leadership.remainingMs()).toBe(0)
    expect(election.isLeader()).toBe(false)
    await world.run(3 * promiseMs)
    expect(leadership.isValid()).toBe(true)
    expect(events).toEqual(['elected 1'])
    finish()
    await settle()
    expect(await resigned).toMatchObject({ released: true, term: 1, reason: 'resigned' })
    expect(events).toEqual(['elected 1', 'revoked 1 resigned'])
    expect(leadership.isValid()).toBe(false)
  })

  it('R20: work that does not stop within drainMs keeps the lease from being released; it runs out', async () => {
    const { world, election, runs, events } = await working()
    const startedAt = world.now
    const resigned = election.resign({ drainMs: 500 })
    await world.run(499)
    expect(events).toEqual(['elected 1'])
    await world.run(2)
    expect(events).toEqual(['elected 1', 'overdue 1 500'])
    expect(runs[0]?.leadership.isValid()).toBe(true)
    await world.run(promiseMs)
    expect(events).toEqual(['elected 1', 'overdue 1 500', 'revoked 1 drainTimeout'])
    expect(world.now - startedAt).toBeLessThan(500 + promiseMs + 10)
    expect(await resigned).toMatchObject({ released: false, term: 1, reason: 'drainTimeout' })
  })

  it('R20: work that stops late, but before the frozen lease is over, releases it then', async () => {
    const { world, election, runs, events } = await working()
    const resigned = election.resign({ drainMs: 500 })
    await world.run(600)
    runs[0]?.finish()
    await settle()
    expect(await resigned).toMatchObject({ released: true, term: 1, reason: 'resigned' })
    expect(events).toEqual(['elected 1', 'overdue 1 500', 'revoked 1 resigned'])
  })

  it('contends again after a loss, and runs the function again under the new leadership', async () => {
    const { world, runs, events } = await working()
    world.stall(2 * promiseMs)
    await world.run(10)
    expect(runs[0]?.leadership.signal.aborted).toBe(true)
    runs[0]?.finish()
    await world.run(10)
    expect(events).toEqual(['elected 1', 'revoked 1 stalled', 'elected 2'])
    expect(runs.map(({ leadership }) => leadership.term)).toEqual([1, 2])
    expect(runs[1]?.leadership.isValid()).toBe(true)
  })

  it('one run at a time: a new leadership waits for the former run to stop', async () => {
    const { world, runs } = await working()
    world.stall(2 * promiseMs)
    await world.run(1_000)
    expect(runs).toHaveLength(1)
    runs[0]?.finish()
    await world.run(10)
    expect(runs).toHaveLength(2)
  })

  it('USERS 17: while a former run hangs, the new leadership is given up and this process stands back until it ends', async () => {
    const { world, one, runs, events, election } = await working({ drainMs: 700 })
    world.stall(2 * promiseMs)
    await world.run(710)
    expect(events.slice(-2)).toEqual(['overdue 1 700', 'revoked 2 drainTimeout'])
    expect(election.status()).toMatchObject({ isLeader: false, isContending: false })
    expect(election.status().whyNotLeader.join()).toContain('has not stopped yet')
    await world.run(10_000)
    expect(one.elector.status().elections['e']).toMatchObject({ isLeader: false })
    runs[0]?.finish()
    await world.run(100)
    expect(runs.map(({ leadership }) => leadership.term)).toEqual([1, 3])
  })

  it('a throw is reported and gives the leadership up; after the cool-down the function runs again', async () => {
    const { world, runs, events } = await working()
    runs[0]?.fail(new Error('database gone'))
    await world.run(promiseMs - 10)
    expect(events).toEqual(['elected 1', 'failed 1 database gone', 'revoked 1 resigned'])
    await world.run(100)
    expect(runs).toHaveLength(2)
  })

  it('onThrow keep: the leadership stays, and the function is not run again under it', async () => {
    const { world, election, runs, events } = await working({ onThrow: 'keep' })
    runs[0]?.fail(new Error('once'))
    await world.run(5_000)
    expect(events).toEqual(['elected 1', 'failed 1 once'])
    expect(election.isLeader()).toBe(true)
    expect(runs).toHaveLength(1)
  })

  it('a throw after the signal aborted is how work stops, not a failure', async () => {
    const { election, runs, events } = await working()
    const resigned = election.resign()
    runs[0]?.fail(new Error('aborted'))
    await settle()
    expect(await resigned).toMatchObject({ released: true })
    expect(events).toEqual(['elected 1', 'revoked 1 resigned'])
  })

  it('a function that throws before its first await is a failure like any other', async () => {
    const { bench, world, one } = await alone()
    const election = one.elector.election('e')
    const events = watch(election)
    void election.lead(() => {
      throw new Error('at once')
    })
    await bench.start(one)
    await world.run(50)
    expect(events).toEqual(['elected 1', 'failed 1 at once', 'revoked 1 resigned'])
  })

  it('a return keeps the leadership by default, and gives it up if asked to', async () => {
    const kept = await working()
    kept.runs[0]?.finish()
    await kept.world.run(5_000)
    expect(kept.events).toEqual(['elected 1'])
    const left = await working({ onReturn: 'resign', cooldownMs: 300 })
    left.runs[0]?.finish()
    await left.world.run(250)
    expect(left.events).toEqual(['elected 1', 'revoked 1 resigned'])
    await left.world.run(200)
    expect(left.runs).toHaveLength(2)
  })

  it('bug 64: a loop that is blocked inside the function finds its signal aborted and its lease over', async () => {
    const { world, runs } = await working()
    const { leadership } = runs[0] as Run
    world.stall(2 * promiseMs)
    expect(() => leadership.assertValid()).toThrow('expired')
    await world.run()
    expect(leadership.signal.aborted).toBe(true)
  })

  it('ends by its signal: the leadership is given up when the function has stopped, and this process does not stand again', async () => {
    const controller = new AbortController()
    const { world, election, runs, events, lead } = await working({ signal: controller.signal })
    controller.abort()
    await world.run(100)
    expect(events).toEqual(['elected 1'])
    runs[0]?.finish()
    await world.run(5_000)
    await lead
    expect(events).toEqual(['elected 1', 'revoked 1 resigned'])
    expect(election.status().isContending).toBe(false)
    const again: Run[] = []
    void election.lead(endless(again))
    await world.run(2_000)
    expect(again).toHaveLength(1)
  })

  it('with a signal that was aborted before, nothing begins', async () => {
    const { election, runs } = await working()
    await expect(election.lead(() => {})).rejects.toMatchObject({ code: 'ELECTION_CONFIG_INVALID' })
    const other = (await alone()).one.elector.election('f')
    await other.lead(endless(runs), { signal: AbortSignal.abort() })
    expect(runs).toHaveLength(1)
  })

  it('one function leads at a time, and options are judged', async () => {
    const { election } = await working()
    for (const wrong of [{ onThrow: 'retry' }, { drainMs: Number.NaN }, { drain: 5 }]) {
      const other = (await alone()).one.elector.election('f')
      await expect(other.lead(() => {}, wrong as LeadOptions)).rejects.toMatchObject({
        code: 'ELECTION_CONFIG_INVALID',
      })
    }
    await expect(election.lead(() => {})).rejects.toThrow('it runs already')
  })

  it('R39: a failed storage ends it with the cause, once the function has stopped', async () => {
    const { world, one, election, runs, events, lead } = await working()
    let outcome: unknown = 'pending'
    lead.then(
      () => {
        outcome = 'resolved'
      },
      (error: unknown) => {
        outcome = error
      },
    )
    one.storage.fault = new Error('EIO')
    one.elector.election('f')
    await world.run(100)
    expect(events).toEqual(['elected 1', 'revoked 1 storageFailed'])
    expect(runs[0]?.leadership.signal.reason).toMatchObject({ details: { reason: 'storageFailed' } })
    expect(outcome).toBe('pending')
    runs[0]?.finish()
    await settle()
    expect(outcome).toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
    await expect(election.lead(() => {})).rejects.toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
  })

  it('R22: a re-election of the same process aborts the run, waits for it, and starts again with the higher token', async () => {
    const bench = new Bench()
    const processes = ['a', 'b', 'c'].map((id) => bench.process(id))
    const elections = processes.map(({ elector }) => elector.election('e'))
    const runs: Run[] = []
    const events = elections.map(watch)
    for (const election of elections) void election.lead(endless(runs))
    await bench.start(...processes)
    await bench.world.run(2_000)
    const at = elections.findIndex((election) => election.isLeader())
    const [first] = runs as [Run]
    const { term } = first.leadership
    const other = processes[(at + 1) % 3] as TestProcess
    const leader = elections[at] as Election
    const { host } = (processes[at] as TestProcess).transport
    host?.received(other.id, 1, [
      {
        kind: 'bindAck',
        election: 'e',
        term,
        grant: null,
        knownTerm: term + 3,
      },
    ])
    await bench.world.run(100)
    expect(events[at]?.slice(-2)).toEqual([`revoked ${term} reelected`, `elected ${term + 4}`])
    expect(first.leadership.signal.reason).toMatchObject({ details: { reason: 'reelected' } })
    expect(runs).toHaveLength(1)
    first.finish()
    await bench.world.run(10)
    expect(runs[1]?.leadership.term).toBe(term + 4)
    expect(leader.isLeader()).toBe(true)
  })
})

describe('runIfLeader', () => {
  it('runs once if this process leads, passes on what comes out, and is waited for', async () => {
    const { bench, world, one } = await alone()
    const election = one.elector.election('e')
    expect(await election.runIfLeader(() => 1)).toEqual({ ran: false })
    await bench.start(one)
    await world.run(50)
    expect(await election.runIfLeader(({ token }) => token * 10)).toEqual({ ran: true, value: 10 })
    await expect(election.runIfLeader(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
    const runs: Run[] = []
    const work = election.runIfLeader(endless(runs))
    const resigned = election.resign()
    await world.run(2_000)
    expect(runs[0]?.leadership.isValid()).toBe(true)
    expect(await election.runIfLeader(() => 2)).toEqual({ ran: false })
    runs[0]?.finish()
    await settle()
    await work
    expect(await resigned).toMatchObject({ released: true })
  })
})
