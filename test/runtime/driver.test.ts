/**
 * Goal: the driver keeps the order that the rules ask for (R1, R19, R24, R36, R70, B.3, B.10). Method: real core, a storage
 * and a transport that log what they are told, one manual clock.
 */
import { describe, expect, it } from 'vitest'
import type { Part } from '../../src/core'
import type { ElectionError } from '../../src/errors'
import { cluster, contend, Lab, type Node } from './driver-lab'
import { TestStorage, TIMING } from './harness'

function kinds(node: Node): string[] {
  return node.effects.map((effect) => effect.type)
}

/** One voter that leads `e`. */
async function leader(): Promise<{ readonly lab: Lab; readonly one: Node }> {
  const lab = new Lab()
  const one = lab.node('a')
  one.driver.submit(contend)
  await lab.boot(one)
  await lab.world.run(50)
  expect(kinds(one)).toContain('elected')
  return { lab, one }
}

describe('starting', () => {
  it('R24, R19: the new incarnation is durable, and the clean mark gone, before the transport starts', async () => {
    const lab = new Lab()
    const storage = new TestStorage(lab.world, 'a')
    storage.writeMs = 20
    const one = lab.node('a', storage)
    let booted: unknown = 'no'
    one.driver.boot((error) => {
      booted = error
    })
    await lab.world.run(19)
    expect(lab.world.log).toEqual(['a writes'])
    await lab.world.run(1)
    expect(lab.world.log).toEqual(['a writes', 'a wrote', 'a listens'])
    expect(booted).toBeNull()
    expect(storage.disk.state?.process).toMatchObject({
      incarnation: 1,
      cleanNoPromise: false,
      maxPromiseMs: TIMING.promiseMs,
    })
  })

  it('R19: a longer promise of a former life stays recorded, and its boot wait is counted from the record as it was', async () => {
    const lab = new Lab()
    const storage = new TestStorage(lab.world, 'a')
    lab.node('a', storage)
    const { state } = storage.disk
    if (state === null) throw new Error('no state')
    storage.disk.state = {
      ...state,
      process: { ...state.process, maxPromiseMs: 4_000, cleanNoPromise: false },
    }
    const one = lab.node('a', storage)
    await lab.boot(one)
    expect(storage.disk.state.process.maxPromiseMs).toBe(4_000)
    expect(one.driver.state.bootUntil).toBe(lab.world.now + 4_000)
  })

  it('R19: the mark of a clean stop is gone with the first write', async () => {
    const lab = new Lab()
    const first = lab.node('a')
    await lab.boot(first)
    first.driver.shutdown({ flushMs: 0, reason: 'stopped' }, () => {})
    await lab.world.run(10)
    expect(first.storage.disk.state?.process.cleanNoPromise).toBe(true)
    const second = lab.node('a', first.storage)
    await lab.boot(second)
    expect(first.storage.disk.state?.process).toMatchObject({ cleanNoPromise: false, incarnation: 2 })
    expect(second.driver.state.bootUntil).toBeLessThanOrEqual(lab.world.now)
  })

  it('R18: a longer promise that a peer asks for is recorded durably', async () => {
    const lab = new Lab(['a', 'b'])
    const one = lab.node('a')
    const timing = { ...TIMING, backoffMaxMs: 500, minPromiseMs: 1, maxPromiseMs: 10_000, promiseMs: 4_000 }
    const two = lab.node('b', new TestStorage(lab.world, 'b'), { timing })
    two.driver.submit(contend)
    await lab.boot(one, two)
    await lab.world.run(1_000)
    expect(one.storage.disk.state?.process.maxPromiseMs).toBe(4_000)
  })

  it('R24: a first write that fails means that no byte leaves', async () => {
    const lab = new Lab(['a', 'b'])
    const one = lab.node('a')
    one.storage.fault = new Error('EROFS')
    let error: ElectionError | null = null
    one.driver.boot((failure) => {
      error = failure
    })
    await lab.world.run(100)
    expect(error).toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
    expect(lab.world.log).not.toContain('a listens')
  })

  it('a transport that cannot listen is told as such', async () => {
    const lab = new Lab(['a', 'b'])
    const one = lab.node('a')
    one.transport.startError = new Error('EADDRINUSE')
    let error: ElectionError | null = null
    one.driver.boot((failure) => {
      error = failure
    })
    await lab.world.run(100)
    expect(error).toMatchObject({ code: 'ELECTION_TRANSPORT_FAILED' })
    expect(one.clock.timersPending).toBe(0)
  })

  it('inputs that come before the start are applied when it is done', async () => {
    const lab = new Lab()
    const one = lab.node('a')
    one.driver.submit(contend)
    expect(one.driver.state.elections.size).toBe(0)
    await lab.boot(one)
    expect(one.driver.state.elections.get('e')?.contending).toBe(true)
  })
})

describe('persist before send', () => {
  it('R1, R3: requests leave while the own vote is written, nothing is won before, and no vote leaves before it is written', async () => {
    const lab = new Lab(['a', 'b', 'c'])
    const nodes = ['a', 'b', 'c'].map((id) => lab.node(id))
    const [one] = nodes as [Node, Node, Node]
    await lab.boot(...nodes)
    await lab.world.run(50)
    for (const { storage } of nodes) storage.writeMs = 30
    lab.world.log.length = 0
    one.driver.submit(contend)
    await lab.world.run(250)
    expect(kinds(one)).toContain('elected')
    const { log } = lab.world
    const asked = log.findIndex((line) => line.includes('requestVote'))
    const told = log.findIndex((line) => line.startsWith('a sends') && line.includes('bind'))
    const written = log.indexOf('a wrote')
    expect([asked >= 0, asked < written, written < told], 'asked, then wrote, then led').toEqual([
      true,
      true,
      true,
    ])
    for (const voter of ['b', 'c']) {
      const own = log.filter((line) => line.startsWith(voter) && /wr|voteReply/.test(line))
      expect(own, 'and the ack shares its frame').toEqual([
        `${voter} writes`,
        `${voter} wrote`,
        `${voter} sends ack+voteReply to a`,
      ])
    }
  })

  it('R70: what one turn decides for many elections is one write and one frame per peer', async () => {
    const lab = new Lab(['a', 'b', 'c'])
    const nodes = ['a', 'b', 'c'].map((id) => lab.node(id))
    const [one] = nodes as [Node, Node, Node]
    for (let i = 0; i < 5; i++) one.driver.submit({ ...contend, election: `e${i}` })
    await lab.boot(...nodes)
    await lab.world.run(1_000)
    expect(kinds(one).filter((kind) => kind === 'elected')).toHaveLength(5)
    const writes = one.storage.writes.length
    const sent = one.transport.sent.length
    for (let i = 0; i < 5; i++) {
      const election = `e${i}`
      one.driver.submit({ type: 'renounce', election, reason: 'resigned', to: null, cooldownMs: 0 })
      one.driver.submit({ type: 'campaign', election })
    }
    const first = one.transport.sent.slice(sent)
    expect(first.map(({ to, parts }) => [to, parts.map(({ kind }) => kind)])).toEqual([
      ['b', ['release']],
      ['c', ['release']],
    ])
    lab.world.finishTurn()
    const frames = one.transport.sent.slice(sent + 2)
    expect(frames.map(({ to }) => to).sort()).toEqual(['b', 'c'])
    for (const { parts } of frames) {
      expect(parts.filter(({ kind }) => kind === 'release')).toHaveLength(4)
      expect(parts.filter(({ kind }) => kind === 'preVote')).toHaveLength(5)
    }
    await lab.world.run(100)
    expect(one.storage.writes).toHaveLength(writes + 1)
    expect(one.storage.writes.at(-1)?.terms.size).toBe(5)
  })
})

function has(parts: readonly Part[], kind: Part['kind']): boolean {
  return parts.some((part) => part.kind === kind)
}

describe('running inputs', () => {
  it('B.10: an input from inside a listener waits until the step and its effects are done', async () => {
    const { lab, one } = await leader()
    const order: string[] = []
    one.listener = {
      effect: ({ type }) => {
        order.push(type)
        if (type === 'revoked') {
          one.driver.submit(contend)
          order.push('submitted')
        }
      },
      settled: () => order.push('settled'),
    }
    one.driver.submit({ type: 'renounce', election: 'e', reason: 'resigned', to: null, cooldownMs: 0 })
    expect(order.indexOf('submitted')).toBe(order.indexOf('revoked') + 1)
    const settled = order.indexOf('settled')
    expect(order.slice(0, settled)).toContain('leaderChanged')
    await lab.world.run(100)
    expect(kinds(one).filter((kind) => kind === 'elected')).toHaveLength(2)
  })

  it('B.9: a listener that throws loses one effect and disturbs nothing', async () => {
    const lab = new Lab()
    const one = lab.node('a')
    one.listener = {
      effect: () => {
        throw new Error('bad listener')
      },
    }
    one.driver.submit(contend)
    await lab.boot(one)
    await lab.world.run(5_000)
    const [lease] = [...one.driver.state.leases.values()]
    expect(lease?.until).toBeGreaterThan(lab.world.now)
  })

  it('B.6: a timer that fires early fires no input before its time', async () => {
    const { lab, one } = await leader()
    one.clock.earlyMs = 0.9
    const { nextHeartbeatAt } = one.driver.state
    const { inputs } = one.driver.counters
    await lab.world.run(nextHeartbeatAt - lab.world.now - 0.01)
    expect(one.driver.counters.inputs).toBe(inputs)
    await lab.world.run(1)
    expect(one.driver.counters.inputs).toBeGreaterThan(inputs)
  })

  it('one timer, however many elections', async () => {
    const { lab, one } = await leader()
    for (let i = 0; i < 9; i++) one.driver.submit({ ...contend, election: `e${i}` })
    await lab.world.run(1_000)
    expect(kinds(one).filter((kind) => kind === 'elected')).toHaveLength(10)
    expect(one.clock.timersPending).toBe(1)
  })
})

describe('stalls and suspends', () => {
  it('R36: after a stall what waits in the sockets is applied before the clock is believed', async () => {
    const { lab, nodes } = await cluster('a', 'b')
    const [holder, voter] = nodes
    const { state } = holder.driver
    const account = state.accounts.get(voter.transport.id)
    if (account === undefined) throw new Error('no account')
    const { grant } = account
    const heartbeats = (): number =>
      holder.transport.sent.filter(({ parts }) => has(parts, 'heartbeat')).length
    lab.hub.mute(voter.transport.id, holder.transport.id)
    await lab.world.run(state.nextHeartbeatAt - lab.world.now)
    const sent = heartbeats()
    const { round, nextHeartbeatAt } = state
    lab.world.at(lab.world.now + 200, () => {
      const ack = { kind: 'ack', round, grant, renewed: true } as const
      holder.transport.host?.received(voter.transport.id, 1, [ack])
    })
    lab.world.stall(400)
    const seen: number[][] = []
    holder.listener = { settled: () => seen.push([account.lastAnsweredSend, heartbeats() - sent]) }
    await lab.world.run()
    expect(holder.driver.counters.stalls).toBe(1)
    const answered = nextHeartbeatAt - TIMING.heartbeatMs
    expect(seen[0]).toEqual([answered, 0])
    expect(heartbeats()).toBe(sent + 1)
  })

  it('B.3: a suspend ends every leadership before anything else is applied, and starts the boot wait anew', async () => {
    const { lab, one } = await leader()
    one.clock.suspend(60_000)
    one.effects.length = 0
    one.driver.submit({ type: 'heartbeatNow' })
    const first = one.effects.find(({ type }) => type === 'revoked' || type === 'leaseExtended')
    expect(first).toMatchObject({ type: 'revoked', reason: 'suspended' })
    expect(one.driver.state.bootUntil).toBe(lab.world.now + TIMING.promiseMs)
    expect(one.driver.counters.suspends).toBe(1)
    await lab.world.run(5_000)
    expect(one.driver.counters.suspends).toBe(1)
    expect(kinds(one)).toContain('elected')
  })

  it('A.10.1: a candidate whose clock stood still does not win with old answers', async () => {
    const lab = new Lab(['a', 'b'])
    const nodes = [lab.node('a'), lab.node('b')]
    const [one] = nodes as [Node, Node]
    one.driver.submit(contend)
    await lab.boot(...nodes)
    const isCandidate = (): boolean => one.driver.state.elections.get('e')?.campaign?.phase === 'vote'
    for (let i = 0; i < 5_000 && !isCandidate(); i++) await lab.world.run(0.2)
    expect(isCandidate()).toBe(true)
    one.clock.suspend(60_000)
    await lab.world.run(100)
    expect(one.driver.counters.suspends).toBe(1)
    expect(kinds(one)).not.toContain('elected')
  })

  it('B.4, bug 24: a wall clock that jumps by an hour changes nothing', async () => {
    const { lab, one } = await leader()
    one.effects.length = 0
    for (const step of [3_600_000, -7_200_000]) {
      one.clock.wallAheadMs += step
      await lab.world.run(2_000)
    }
    expect(kinds(one)).not.toContain('revoked')
    expect(one.driver.counters.suspends).toBe(0)
  })
})

describe('failures of time', () => {
  it('R36: while the sockets are being read no timer brings the clock forward', async () => {
    const { lab, one } = await leader()
    const { stalls, inputs } = one.driver.counters
    one.clock.afterIo = (callback) => lab.world.at(lab.world.now + 3, callback)
    lab.world.stall(5 * TIMING.heartbeatMs)
    await lab.world.run(1)
    expect(one.driver.counters).toMatchObject({ stalls: stalls + 1, inputs })
    one.driver.submit({ type: 'campaign', election: 'of nobody' })
    await lab.world.run(1)
    expect(one.driver.counters).toMatchObject({ stalls: stalls + 1, inputs: inputs + 1 })
    await lab.world.run(2)
    expect(one.driver.counters).toMatchObject({ stalls: stalls + 1, inputs: inputs + 2 })
  })

  it('B.3: a suspend that a step of the wall clock hides is found before the next frame is applied (seed 10006649)', async () => {
    const { lab, nodes } = await cluster('a', 'b')
    const [holder, voter] = nodes
    holder.clock.suspend(60_000)
    holder.clock.wallAheadMs -= 60_000
    holder.effects.length = 0
    holder.transport.host?.received(voter.transport.id, 1, [
      {
        kind: 'preVote',
        election: 'e',
        term: holder.driver.state.elections.get('e')?.slot.knownTerm ?? 0,
        nonce: 9,
      },
    ])
    expect(holder.effects).toContainEqual(expect.objectContaining({ type: 'revoked', reason: 'suspended' }))
    expect(holder.driver.counters.suspends).toBe(1)
    await lab.world.run(10)
  })

  it('B.3: a suspend that the wall clock does not show is found at the next heartbeat', async () => {
    const { lab, one } = await leader()
    one.clock.uptimeAheadMs += 60_000
    await lab.world.run(TIMING.heartbeatMs)
    expect(one.effects).toContainEqual({ type: 'revoked', election: 'e', term: 1, reason: 'suspended' })
    expect(one.driver.counters.suspends).toBe(1)
  })
})

describe('failures', () => {
  it('R39, R1: a failed write ends every leadership at once, and nothing is written afterwards', async () => {
    const { lab, one } = await leader()
    one.storage.fault = new Error('EIO')
    one.effects.length = 0
    one.driver.submit({ ...contend, election: 'f' })
    await lab.world.run(100)
    expect(one.effects).toContainEqual({ type: 'revoked', election: 'e', term: 1, reason: 'storageFailed' })
    expect(one.failures).toMatchObject([{ code: 'ELECTION_STORAGE_FAILED' }])
    const { length } = one.storage.writes
    one.storage.fault = null
    await lab.world.run(10_000)
    expect(one.storage.writes).toHaveLength(length)
  })

  it('bug 15: a storage that never answers ends every leadership after its time limit', async () => {
    const { lab, one } = await leader()
    one.storage.fault = 'hang'
    one.driver.submit({ ...contend, election: 'f' })
    await lab.world.run(TIMING.promiseMs - 1)
    expect(kinds(one)).not.toContain('revoked')
    await lab.world.run(30)
    expect(one.effects).toContainEqual({ type: 'revoked', election: 'e', term: 1, reason: 'storageFailed' })
  })

  it('R52: a transport that fails ends every leadership at once', async () => {
    const { lab, one } = await leader()
    one.transport.host?.failed(new Error('the listener is gone'))
    await lab.world.run()
    expect(kinds(one)).toContain('revoked')
    expect(one.failures).toMatchObject([{ code: 'ELECTION_TRANSPORT_FAILED' }])
  })
})

describe('freeing an election', () => {
  it('R20, R21: the word leaves before anybody here is told, to whoever shall lead first', async () => {
    const { lab, nodes } = await cluster('a', 'b', 'c', 'd')
    const [holder] = nodes
    const heir = ['a', 'b', 'c', 'd'].filter((id) => id !== holder.transport.id).at(-1) as string
    const sent = holder.transport.sent.length
    const told: string[][] = []
    holder.listener = {
      effect: ({ type }) => {
        if (type === 'revoked') told.push(holder.transport.sent.slice(sent).map(({ to }) => to))
      },
      settled: () => told.push(holder.transport.sent.slice(sent).map(({ to }) => to)),
    }
    holder.driver.submit({ type: 'renounce', election: 'e', reason: 'resigned', to: heir, cooldownMs: 0 })
    expect(told[0], 'the state first').toEqual([])
    expect(told[1], 'then the word').toEqual([heir])
    lab.world.finishTurn()
    expect(holder.transport.sent.slice(sent), 'the others need not know before it stands').toHaveLength(1)
    lab.hub.isolate(heir)
    await lab.world.run(10)
    const all = holder.transport.sent.slice(sent)
    expect(new Set(all.map(({ to }) => to)).size, 'then the others, each once').toBe(3)
    expect(all.map(({ parts }) => parts.some(({ kind }) => kind === 'release'))).toEqual([true, true, true])
  })

  it('R21: what the others are told later shares the frame of whatever goes to them before', async () => {
    const { lab, nodes } = await cluster('a', 'b', 'c')
    const [holder] = nodes
    const [heir, other] = ['a', 'b', 'c'].filter((id) => id !== holder.transport.id) as [string, string]
    const sent = holder.transport.sent.length
    holder.driver.submit({ type: 'renounce', election: 'e', reason: 'resigned', to: heir, cooldownMs: 0 })
    lab.world.finishTurn()
    holder.driver.submit({ type: 'heartbeatNow' })
    lab.world.finishTurn()
    const frames = holder.transport.sent.slice(sent).filter(({ to }) => to === other)
    expect(frames.map(({ parts }) => parts.map(({ kind }) => kind).slice(0, 2))).toEqual([
      ['release', 'heartbeat'],
    ])
  })

  it('R36, R69: whoever goes first stands behind what waits in the sockets, without a timer', async () => {
    const { lab, nodes } = await cluster('a', 'b', 'c')
    const [holder] = nodes
    for (const { driver } of nodes.slice(1)) driver.submit(contend)
    await lab.world.run(500)
    for (const { clock } of nodes) clock.setTimer = () => ({})
    holder.driver.submit({ type: 'renounce', election: 'e', reason: 'resigned', to: null, cooldownMs: 5_000 })
    await lab.world.run(10)
    expect(nodes.slice(1).map(({ driver }) => driver.state.elections.get('e')?.role)).toContain('leader')
  })
})

describe('what listeners hear', () => {
  /** Three of which the first leads and all stand; from now on the log says when each tells its listeners something. */
  async function talking() {
    const { lab, nodes } = await cluster('a', 'b', 'c')
    await lab.world.run(500)
    const { log } = lab.world
    for (const node of nodes) {
      const { id } = node.transport
      let hasNews = false
      node.storage.writeMs = 5
      node.listener = {
        effect: () => {
          hasNews = true
        },
        settled: () => {
          if (hasNews) log.push(`${id} tells`)
          hasNews = false
        },
      }
    }
    log.length = 0
    /** Where the first line of that node stands that has this in it. */
    const at = ({ transport }: Node, what: string): number =>
      log.findIndex((line) => line.startsWith(transport.id) && line.includes(what))
    return { lab, nodes, log, at }
  }

  it('R1, R21: news of a hand-over behind the requests of the heir, and behind the vote of whoever is asked', async () => {
    const { lab, nodes, at } = await talking()
    const [holder, heir] = nodes
    const voter = nodes.at(-1) as Node
    const { id } = heir.transport
    holder.driver.submit({ type: 'renounce', election: 'e', reason: 'resigned', to: id, cooldownMs: 0 })
    await lab.world.run(20)
    expect(at(heir, 'requestVote')).toBeGreaterThan(-1)
    expect(at(heir, 'tells')).toBeGreaterThan(at(heir, 'requestVote'))
    expect(at(voter, 'voteReply')).toBeGreaterThan(-1)
    expect(at(voter, 'tells')).toBeGreaterThan(at(voter, 'voteReply'))
  })

  it('R55, R36: news of a death behind the requests of the tick that it makes due, whatever comes in before that', async () => {
    const { lab, nodes, at } = await talking()
    const [dead, ...others] = nodes
    const { self: peer } = dead.driver
    const { incarnation = 0, storageId = '' } = dead.storage.disk.state?.process ?? {}
    lab.hub.isolate(peer)
    for (const { driver } of others) {
      driver.submit({ type: 'death', process: peer, storageId, incarnation, key: '0'.repeat(32) })
      lab.world.finishTurn()
      driver.submit({ type: 'closed', peer, incarnation })
    }
    await lab.world.run(20)
    const heir = others.find((node) => at(node, 'requestVote') >= 0) as Node
    expect(at(heir, 'tells')).toBeGreaterThan(at(heir, 'requestVote'))
  })

  it('R20: the end of the own leadership at once, before a word of it leaves', async () => {
    const { lab, nodes, at } = await talking()
    const [holder] = nodes
    holder.driver.submit({ type: 'heartbeatNow' })
    holder.driver.submit({ type: 'suspended' })
    expect([at(holder, 'tells'), at(holder, 'release')]).toEqual([0, -1])
    lab.world.finishTurn()
    expect(at(holder, 'release')).toBeGreaterThan(0)
  })

  it('B.10: what a listener submits that hears late waits until it has heard', async () => {
    const { lab, nodes } = await talking()
    const [holder, heir] = nodes
    const { id } = heir.transport
    const knows = (): boolean => heir.driver.state.elections.has('f')
    const seen: boolean[] = []
    heir.listener = {
      settled: () => {
        if (heir.driver.state.elections.get('e')?.campaign == null || seen.length > 0) return
        heir.driver.submit({ ...contend, election: 'f' })
        seen.push(knows())
      },
    }
    holder.driver.submit({ type: 'renounce', election: 'e', reason: 'resigned', to: id, cooldownMs: 0 })
    await lab.world.run(20)
    expect([...seen, knows()]).toEqual([false, true])
  })
})

describe('ending', () => {
  it('R71, R19: session end, then the last write marks the record clean, then the lock is freed', async () => {
    const { lab, nodes } = await cluster('a', 'b')
    const [holder] = nodes
    const { id } = holder.transport
    holder.storage.writeMs = 10
    lab.world.log.length = 0
    let done = 0
    holder.driver.shutdown({ flushMs: 100, reason: 'stopped' }, () => done++)
    await lab.world.run(50)
    expect(done).toBe(1)
    const own = lab.world.log.filter((line) => line.startsWith(id))
    expect(own).toEqual([
      `${id} sends timeoutNow+sessionEnd to ${id === 'a' ? 'b' : 'a'}`,
      `${id} flushes`,
      `${id} closes`,
      `${id} writes`,
      `${id} wrote`,
      `${id} unlocks`,
    ])
    expect(holder.storage.disk.state?.process.cleanNoPromise).toBe(true)
    expect(holder.clock.timersPending).toBe(0)
  })

  it('R71, R21: whoever is to lead next goes before everybody else, and before all that closes', async () => {
    const { lab, nodes } = await cluster('a', 'b', 'c')
    const [holder] = nodes
    const { sent } = holder.transport
    const before = sent.length
    let closed = false
    holder.driver.shutdown({ flushMs: 0, reason: 'stopped' }, () => {
      closed = true
    })
    await lab.world.run(9)
    expect(sent.slice(before).map(({ parts }) => parts.map(({ kind }) => kind))).toEqual([
      ['timeoutNow', 'sessionEnd'],
    ])
    expect(lab.world.log).not.toContain(`${holder.transport.id} closes`)
    await lab.world.run(20)
    expect(new Set(sent.slice(before).map(({ to }) => to)).size).toBe(2)
    expect(closed).toBe(true)
  })

  it('R53: a process that exits while an heir goes first has told everybody', async () => {
    const { lab, nodes } = await cluster('a', 'b', 'c')
    const [holder] = nodes
    const { sent } = holder.transport
    const before = sent.length
    holder.driver.shutdown({ flushMs: 0, reason: 'stopped' }, () => {})
    lab.world.finishTurn()
    expect(sent.slice(before)).toHaveLength(1)
    holder.driver.endSync('stopped')
    expect(new Set(sent.slice(before).map(({ to }) => to)).size).toBe(2)
  })

  it('R19: a voter that still promises something to another process leaves the mark false', async () => {
    const { lab, nodes } = await cluster('a', 'b')
    const [, voter] = nodes
    voter.driver.shutdown({ flushMs: 100, reason: 'stopped' }, () => {})
    await lab.world.run(50)
    expect(voter.storage.disk.state?.process.cleanNoPromise).toBe(false)
    expect(voter.storage.closed).toBe(1)
  })

  it('shutdown waits for the write under way, can be called twice, and before the start', async () => {
    const { lab, one } = await leader()
    one.storage.writeMs = 40
    one.driver.submit({ ...contend, election: 'f' })
    await lab.world.run(1)
    let done = 0
    one.driver.shutdown({ flushMs: 0, reason: 'stopped' }, () => done++)
    one.driver.shutdown({ flushMs: 0, reason: 'stopped' }, () => done++)
    await lab.world.run(200)
    expect(done).toBe(2)
    expect(one.storage.closed).toBe(1)
    const fresh = new Lab().node('a')
    fresh.driver.shutdown({ flushMs: 0, reason: 'stopped' }, () => done++)
    expect(done).toBe(3)
    expect(fresh.storage.writes).toEqual([])
  })

  it('shutdown from inside a listener runs after the step', async () => {
    const { lab, one } = await leader()
    one.listener = {
      effect: ({ type }) => {
        if (type === 'revoked') one.driver.shutdown({ flushMs: 0, reason: 'stopped' }, () => {})
      },
    }
    one.driver.submit({ type: 'renounce', election: 'e', reason: 'resigned', to: null, cooldownMs: 0 })
    await lab.world.run(10)
    expect(one.storage.closed).toBe(1)
    expect(kinds(one).slice(-3)).toContain('leaderChanged')
  })

  it('crash: from that instant nothing is sent, written or told', async () => {
    const { lab, nodes } = await cluster('a', 'b')
    const [one] = nodes
    one.driver.submit({ type: 'heartbeatNow' })
    one.driver.crash()
    const { length } = one.transport.sent
    one.effects.length = 0
    await lab.world.run(5_000)
    one.driver.submit(contend)
    expect(one.transport.sent).toHaveLength(length)
    expect(one.effects).toEqual([])
    expect(one.clock.timersPending).toBe(0)
  })

  it('R53: endSync renounces and hands the word to the kernel before it returns, even inside a listener', async () => {
    const { lab, nodes } = await cluster('a', 'b')
    const [holder] = nodes
    const seen: string[] = []
    holder.listener = {
      settled: () => {
        holder.listener = {}
        lab.world.log.length = 0
        holder.driver.endSync('stopped')
        seen.push(...lab.world.log)
      },
    }
    holder.driver.submit({ type: 'heartbeatNow' })
    expect(seen[0]).toContain('sessionEnd')
    expect(seen.slice(1)).toEqual([`${holder.transport.id} flushes`, `${holder.transport.id} flushes`])
    expect(kinds(holder)).toContain('revoked')
  })
})

describe('the door', () => {
  it('R25: whoever is admitted is pinned durably; the same name with another storage is refused for good', async () => {
    const lab = new Lab(['a', 'b'])
    const nodes = [lab.node('a'), lab.node('b')]
    const [one, two] = nodes as [Node, Node]
    await lab.boot(...nodes)
    await lab.world.run(50)
    const pin = one.storage.disk.state?.process.pins['b']
    expect(pin).toEqual({ storageId: two.storage.disk.state?.process.storageId, incarnation: 1 })
    two.driver.crash()
    two.transport.leave()
    const wiped = lab.node('b', new TestStorage(lab.world, 'b'))
    await lab.boot(wiped)
    await lab.world.run(50)
    expect(one.driver.counters.refused).toEqual({ amnesiac: 1 })
    expect(one.driver.state.accounts.get('b')?.connected).toBe(false)
  })

  it('R27: a second live process with one identity is refused and raises an alarm once', async () => {
    const lab = new Lab(['a', 'b'])
    const one = lab.node('a')
    const two = lab.node('b')
    await lab.boot(one, two)
    await lab.world.run(50)
    const { host } = one.transport
    const greeting = two.transport.host?.local
    if (host == null || greeting === undefined) throw new Error('no hosts')
    for (let i = 0; i < 3; i++) {
      const verdict = host.admit({ ...greeting, nonce: 'of a clone' })
      expect(verdict).toEqual({ ok: false, reason: 'duplicateIdentity' })
    }
    expect(one.driver.counters.refused, 'it is the transport that says that it refused').toEqual({})
    host.refused('duplicateIdentity')
    const alarms = one.effects.filter(({ type }) => type === 'alarm')
    expect(alarms).toMatchObject([{ code: 'duplicateIdentity', process: 'b' }])
    expect(one.driver.counters.refused).toEqual({ duplicateIdentity: 1 })
  })

  it('R31, R34: where members change, whoever is none here may tell of a configuration that names it; nine at most, and none is pinned', async () => {
    const stranger = (i: number) => ({
      nodeId: `new-${i}`,
      storageId: `disk-${i}`,
      incarnation: 1,
      nonce: `n${i}`,
    })
    for (const membership of [false, true]) {
      const lab = new Lab(['a', 'b'])
      const one = lab.node('a', undefined, { membership })
      await lab.boot(one)
      const { host } = one.transport
      if (host === null) throw new Error('no host')
      const verdicts = Array.from({ length: 10 }, (_, i) => {
        const greeting = { ...host.local, ...stranger(i) }
        const admission = host.admit(greeting)
        if (admission.ok) host.connected(greeting, lab.world.now)
        return admission.ok ? 'in' : admission.reason
      })
      await lab.world.run(100)
      expect(verdicts).toEqual(
        membership ? [...Array(9).fill('in'), 'tooManyConnections'] : Array(10).fill('unknownMember'),
      )
      expect(one.driver.record.pins).toEqual({})
      expect(one.driver.state.accounts.has('new-0'), 'it has no voice').toBe(false)
    }
  })

  it('a greeting that is only judged leaves no pin: whoever cannot finish the handshake spoils nothing', async () => {
    const lab = new Lab(['a', 'b'])
    const one = lab.node('a')
    await lab.boot(one)
    const { host } = one.transport
    if (host === null) throw new Error('no host')
    const stranger = { ...host.local, nodeId: 'b', storageId: 'x', incarnation: 2 ** 40, nonce: 'n' }
    expect(host.admit(stranger)).toEqual({ ok: true })
    await lab.world.run(100)
    expect(one.driver.record.pins).toEqual({})
  })

  it('frames of a life without a session are dropped', async () => {
    const lab = new Lab(['a', 'b'])
    const one = lab.node('a')
    await lab.boot(one)
    const { inputs } = one.driver.counters
    one.transport.host?.received('b', 1, [{ kind: 'sessionEnd' }])
    expect(one.driver.counters.inputs).toBe(inputs)
    expect(one.driver.state.supports.has('b')).toBe(false)
  })
})
