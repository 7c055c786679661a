/**
 * Goal: nobody misses a change and nobody can harm the others (B.9, B.10, bugs 19, 41 and 62, USERS 12 and 13). Method:
 * listeners that throw, reject, re-enter and dawdle.
 */
import { describe, expect, it } from 'vitest'
import type { Election } from '../../src/runtime/api'
import type { ElectionView } from '../../src/runtime/changes'
import { alone, Bench, settle, type TestProcess, TIMING } from './harness'

/** A lone voter that leads as soon as `start` was called. */
async function led() {
  const { bench, world, one } = await alone()
  const election = one.elector.election('e')
  return { bench, world, one, election, start: () => bench.start(one) }
}

/** Loses and wins the leadership again, `times` times. */
async function flip(
  election: Election,
  world: { run(ms: number): Promise<void> },
  times: number,
): Promise<void> {
  for (let i = 0; i < times; i++) {
    await election.resign({ cooldownMs: 0 })
    await world.run(1)
  }
}

describe('events', () => {
  it('state first, then event: what an event says can already be read', async () => {
    const { election, start } = await led()
    const seen: unknown[] = []
    election.on('elected', ({ token, leadership }) => {
      seen.push([election.isLeader(), election.leader, election.role, leadership.isValid(), token])
    })
    election.on('revoked', () => seen.push([election.isLeader(), election.leader, election.leadership]))
    await start()
    await election.resign({ cooldownMs: 60_000 })
    expect(seen).toEqual([
      [true, 'a', 'leader', true, 1],
      [false, null, null],
    ])
  })

  it('USERS 12: elected and revoked strictly alternate, once per leadership, over a thousand flips', async () => {
    const { world, election, start } = await led()
    const heard: string[] = []
    election.on('elected', ({ term }) => heard.push(`+${term}`))
    election.on('revoked', ({ term }) => heard.push(`-${term}`))
    await start()
    await flip(election, world, 1_000)
    expect(heard).toHaveLength(2_001)
    heard.forEach((line, i) => {
      expect(line).toBe(i % 2 === 0 ? `+${i / 2 + 1}` : `-${(i + 1) / 2}`)
    })
    expect(election.isLeader()).toBe(true)
  })

  it('B.9: a listener that throws is reported, and the others hear the event all the same', async () => {
    const { world, one, election, start } = await led()
    const errors: unknown[] = []
    const heard: string[] = []
    election.on('elected', () => {
      throw new Error('bad listener')
    })
    election.on('elected', () => heard.push('second'))
    election.on('listenerError', ({ event, error }) => errors.push([event, (error as Error).message]))
    one.elector.on('elected', () => heard.push('elector'))
    await start()
    expect(heard).toEqual(['second', 'elector'])
    expect(errors).toEqual([['elected', 'bad listener']])
    expect(one.process.warnings).toEqual(['a listener of "elected" failed: Error: bad listener'])
    await world.run(5_000)
    expect(election.isLeader()).toBe(true)
  })

  it('B.9: an async listener that rejects is reported and never becomes an unhandled rejection', async () => {
    const { one, election, start } = await led()
    const errors: string[] = []
    election.on('elected', () => Promise.reject(new Error('later')))
    election.on('listenerError', ({ error }) => errors.push((error as Error).message))
    await start()
    expect(errors).toEqual(['later'])
    expect(one.process.warnings).toHaveLength(1)
  })

  it('B.9: a listener of listenerError that throws ends there; what cannot be printed is reported, too', async () => {
    const { one, election, start } = await led()
    const unprintable = Object.create(null)
    election.on('elected', () => {
      throw unprintable
    })
    election.on('listenerError', () => {
      throw new Error('and again')
    })
    await start()
    expect(one.process.warnings).toEqual([
      'a listener of "elected" failed: something that cannot be printed',
      'a listener of "listenerError" failed: Error: and again',
    ])
  })

  it('B.9: without any listener the loss of a lease and the failure of a storage throw nowhere', async () => {
    const { world, one, election, start } = await led()
    await start()
    world.stall(10 * TIMING.promiseMs)
    await world.run(50)
    one.storage.fault = new Error('EIO')
    one.elector.election('f')
    await world.run(100)
    expect(one.elector.status()).toMatchObject({ phase: 'failed' })
    expect(election.isLeader()).toBe(false)
  })

  it('B.10: a listener may resign, stop and register others; each takes effect after the step', async () => {
    const { election, start } = await led()
    const heard: string[] = []
    election.on('elected', ({ term }) => {
      heard.push(`+${term}`)
      void election.resign({ cooldownMs: 100 })
      heard.push(`leads: ${election.isLeader()}`)
      election.on('revoked', ({ reason }) => heard.push(`-${term} ${reason}`))
    })
    await start()
    expect(heard).toEqual(['+1', 'leads: false', '-1 resigned'])
  })

  it('off removes a listener; the elector hears of all elections', async () => {
    const { one, election, start } = await led()
    const heard: string[] = []
    const listener = (): number => heard.push('removed')
    election.on('elected', listener).off('elected', listener)
    one.elector.on('elected', ({ election: name }) => heard.push(name))
    one.elector.election('f')
    await start()
    expect(heard.sort()).toEqual(['e', 'f'])
  })

  it('a name that no event has, and a listener that is no function, are refused at once', async () => {
    const { election, one } = await led()
    for (const each of [election, one.elector]) {
      expect(() => each.on('electd' as 'elected', () => undefined)).toThrow(
        /no event "electd"; there are elected, /,
      )
      expect(() => each.on('toString' as 'elected', () => undefined)).toThrow(/no event "toString"/)
      expect(() => each.on('elected', null as never)).toThrow(/the listener of "elected" is no function/)
    }
  })

  it('R27: an alarm of the process reaches every election of it at once', async () => {
    const bench = new Bench(['a', 'b'])
    const [one, two] = [bench.process('a'), bench.process('b')] as [TestProcess, TestProcess]
    const alarms: unknown[] = []
    for (const name of ['x', 'y']) {
      one.elector.election(name).on('alarm', ({ code, process }) => alarms.push([name, code, process]))
    }
    await bench.start(one, two)
    await bench.world.run(50)
    const greeting = two.transport.host?.local
    if (greeting === undefined) throw new Error('not started')
    one.transport.host?.admit({ ...greeting, nonce: 'of a clone' })
    expect(alarms).toEqual([
      ['x', 'duplicateIdentity', 'b'],
      ['y', 'duplicateIdentity', 'b'],
    ])
  })
})

describe('alarms', () => {
  it('E9: a cause that repeats with every heartbeat is told once a minute', async () => {
    const bench = new Bench(['a', 'b'])
    const lines: string[] = []
    const log = (_fields: object, message: string): number => lines.push(message)
    const logger = { debug() {}, info() {}, warn: log, error: log }
    const [one, two] = [
      bench.process('a', { logger }),
      bench.process('b', { timing: { ...TIMING, promiseMs: 6_000, maxPromiseMs: 6_000 } }),
    ] as [TestProcess, TestProcess]
    const codes: string[] = []
    one.elector.on('alarm', ({ code }) => codes.push(code))
    two.elector.election('e')
    await bench.start(one, two)
    await bench.world.run(30_000)
    expect(codes).toEqual(['configMismatch'])
    expect(lines.filter((line) => line === 'alarm')).toHaveLength(1)
    await bench.world.run(61_000)
    expect(codes).toHaveLength(2)
  })
})

describe('changes', () => {
  it('bug 19: a consumer that dawdles through a thousand flips misses none that matters: it ends at the latest state', async () => {
    const { world, election, start } = await led()
    await start()
    const views: ElectionView[] = []
    const iterator = election.changes()
    const first = await iterator.next()
    expect(first.value).toMatchObject({ role: 'leader', isLeader: true, token: 1 })
    await flip(election, world, 1_000)
    for (let i = 0; i < 3; i++) {
      const next = await Promise.race([iterator.next(), settle()])
      if (next !== undefined && next.done !== true) views.push(next.value)
    }
    expect(views).toHaveLength(1)
    expect(views[0]).toMatchObject({ isLeader: true, token: 1_001, leader: 'a', term: 1_001 })
  })

  it('it begins with the present state, ends after stop with the last one, and every consumer sees all of that', async () => {
    const { world, one, election, start } = await led()
    await start()
    const seen: (number | null)[][] = [[], []]
    const consumed = seen.map(async (list) => {
      for await (const { token } of election.changes()) list.push(token)
    })
    await settle()
    const stopped = one.elector.stop()
    await world.run(10)
    await stopped
    await Promise.all(consumed)
    for (const list of seen) {
      expect(list[0]).toBe(1)
      expect(list.at(-1)).toBeNull()
    }
  })

  it('a consumer that was busy during the stop still gets the last view, then the end', async () => {
    const { world, one, election, start } = await led()
    await start()
    const iterator = election.changes()
    expect((await iterator.next()).value).toMatchObject({ isLeader: true })
    const stopped = one.elector.stop()
    await world.run(10)
    await stopped
    expect((await iterator.next()).value).toMatchObject({ isLeader: false, role: 'follower', token: null })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  it('a consumer that leaves is forgotten, even while it waits', async () => {
    const { election, start } = await led()
    await start()
    const iterator = election.changes()
    await iterator.next()
    const waiting = iterator.next()
    await iterator.return?.()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    for await (const view of election.changes()) {
      expect(view.isLeader).toBe(true)
      break
    }
  })
})

describe('waiting', () => {
  it('waitForLeader resolves at once when somebody leads, and later when not yet', async () => {
    const bench = new Bench()
    const processes = ['a', 'b', 'c'].map((id) => bench.process(id))
    const elections = processes.map(({ elector }) => elector.election('e'))
    const waits = elections.map((election) => election.waitForLeader())
    await bench.start(...processes)
    await bench.world.run(3_000)
    const known = await Promise.all(waits)
    expect(new Set(known.map(({ leader, term }) => `${leader} ${term}`)).size).toBe(1)
    const [first] = elections as [Election]
    expect(await first.waitForLeader({ timeoutMs: 0 })).toEqual(known[0])
  })

  it('it ends by its limit, by its signal with the reason of that, and by stop', async () => {
    const { bench, world, one } = await alone()
    const election = one.elector.election('e', { contend: false })
    await bench.start(one)
    const controller = new AbortController()
    const outcomes = [
      election.waitForLeader({ timeoutMs: 500 }),
      election.waitForLeader({ signal: controller.signal }),
      election.waitForLeader({ signal: AbortSignal.abort('before') }),
      election.waitForLeader(),
    ].map((wait) => wait.then(String, (error: { code?: string }) => error.code ?? error))
    await world.run(499)
    controller.abort('enough')
    await world.run(10)
    const stopped = one.elector.stop()
    await world.run(10)
    await stopped
    expect(await Promise.all(outcomes)).toEqual(['ELECTION_TIMEOUT', 'enough', 'before', 'ELECTION_STOPPED'])
    expect(one.clock.timersPending).toBe(0)
    await expect(election.waitForLeader({ timeoutMs: -1 })).rejects.toThrow('timeoutMs')
  })

  it('verify is true only after a quorum answered a heartbeat that was sent after the call', async () => {
    const bench = new Bench()
    const processes = ['a', 'b', 'c'].map((id) => bench.process(id))
    const elections = processes.map(({ elector }) => elector.election('e'))
    await bench.start(...processes)
    await bench.world.run(3_000)
    const leader = elections.find((election) => election.isLeader()) as Election
    const follower = elections.find((election) => !election.isLeader()) as Election
    expect(await follower.verify()).toBe(false)
    let answer: boolean | null = null
    void leader.verify().then((verified) => {
      answer = verified
    })
    await bench.world.run(1.5)
    expect(answer).toBeNull()
    await bench.world.run(1)
    expect(answer).toBe(true)
    bench.hub.isolate(leader.id)
    const cut = leader.verify({ timeoutMs: 300 })
    await bench.world.run(301)
    expect(leader.isLeader()).toBe(true)
    expect(await cut).toBe(false)
    expect((await alone()).one.elector.election('x').isLeader()).toBe(false)
  })

  it('R43: readFloor is the largest term at a quorum, asked again until a quorum has answered', async () => {
    const bench = new Bench()
    const processes = ['a', 'b', 'c'].map((id) => bench.process(id))
    const elections = processes.map(({ elector }) => elector.election('e'))
    await bench.start(...processes)
    await bench.world.run(3_000)
    const leader = elections.find((election) => election.isLeader()) as Election
    const follower = elections.find((election) => !election.isLeader()) as Election
    bench.hub.isolate(follower.id)
    const floor = follower.readFloor({ timeoutMs: 1_000 })
    await bench.world.run(500)
    bench.hub.heal()
    await bench.world.run(200)
    expect(await floor).toBe(leader.leadership?.token)
    bench.hub.isolate(follower.id)
    const cut = expect(follower.readFloor()).rejects.toMatchObject({ code: 'ELECTION_TIMEOUT' })
    await bench.world.run(TIMING.promiseMs + 1)
    await cut
  })
})
