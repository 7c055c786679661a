/**
 * Goal: work that blocks, ignores its signal or throws never writes beside its successor, and its process ends when that was
 * asked for (USERS, feature 9; bugs 42, 45, 64). Method: three real processes whose work misbehaves by order, watched on one clock,
 * writing through one fence.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../stores/support'
import { Cluster, type ClusterOptions, clockMs, type Reign } from './cluster'

const PROMISE_MS = 600
const TIMING = { preset: 'fast', promiseMs: PROMISE_MS } as const

let cluster: Cluster | null = null

/** Three processes; the first leadership, whose work has written. */
async function working(settings: ClusterOptions['settings']): Promise<{ c: Cluster; old: Reign }> {
  const c = new Cluster({ size: 3, timing: TIMING, settings: settings ?? {} })
  cluster = c
  await c.start()
  const old = await c.reignNumber(1)
  await c.until(() => c.acceptedTokens.includes(old.term), 5_000, 'it writes')
  return { c, old }
}

/** Another one leads and writes, and nothing of the former leadership is taken from then on. */
async function replaced(c: Cluster, old: Reign): Promise<void> {
  const isNext = ({ term, id }: Reign): boolean => term > old.term && id !== old.id
  await c.until(() => c.reigns.some(isNext), 20_000, 'another one leads')
  const next = c.reigns.find(isNext) as Reign
  await c.until(() => c.acceptedTokens.includes(next.term), 5_000, 'the next one writes')
  const since = c.acceptedTokens.indexOf(next.term)
  await sleep(2 * PROMISE_MS)
  expect(c.acceptedTokens.slice(since).filter((token) => token <= old.term)).toEqual([])
}

afterEach(() => {
  const done = cluster
  cluster = null
  try {
    expect(done?.violations() ?? []).toEqual([])
  } finally {
    done?.stop()
  }
})

describe('work that misbehaves', () => {
  it("blocks the loop past the lease: another one leads, late writes are refused, and onOverdue: 'exit' ends the process", async () => {
    const { c, old } = await working({ onOverdue: 'exit' })
    const blockMs = 5 * PROMISE_MS
    const from = clockMs()
    c.order(old.id, { kind: 'work', as: 'block', forMs: blockMs })
    await replaced(c, old)
    expect(c.member(old.id).alive, 'nothing runs in it while it is blocked').toBe(clockMs() - from < blockMs)
    await c.until(() => !c.member(old.id).alive, blockMs + 5_000, 'it ends')
    expect(clockMs() - from).toBeGreaterThan(blockMs)
    expect(c.member(old.id).exit).toEqual({ code: 1, signal: null })
  })

  it('blocks the loop past the lease: by default the process goes on, its late writes are refused, and it stands back', async () => {
    const { c, old } = await working({})
    c.order(old.id, { kind: 'work', as: 'block', forMs: 3 * PROMISE_MS })
    await replaced(c, old)
    await c.until(
      () => c.refusedWrites.some(({ token }) => token === old.term),
      10_000,
      'a late write is refused',
    )
    expect(old.revoked).toHaveLength(1)
    const why = async () => ((await c.status(old.id)) as { whyNotLeader: string[] }).whyNotLeader.join()
    // that somebody else leads it has to hear first
    await eventually(async () => /leads/.test(await why()))
  })

  it('never returns after a resignation: the process ends before its lease, so that it never writes beside the next one', async () => {
    const { c, old } = await working({ onOverdue: 'exit', drainMs: 200 })
    c.order(old.id, { kind: 'work', as: 'ignore', forMs: 0 })
    await sleep(100)
    c.order(old.id, { kind: 'resign', to: null })
    await c.until(() => !c.member(old.id).alive, 5_000, 'it ends')
    const endedAt = clockMs()
    expect(c.member(old.id).exit).toEqual({ code: 1, signal: null })
    await replaced(c, old)
    const next = c.reigns.find(({ term }) => term > old.term) as Reign
    expect(next.electedAt, 'told by the same clock, give or take a message').toBeGreaterThan(endedAt - 50)
    expect(c.refusedWrites, 'it had ended before anybody else led').toEqual([])
  })

  it('throws: it lets go at once, another one leads, and the process goes on', async () => {
    const { c, old } = await working({ onOverdue: 'exit' })
    c.order(old.id, { kind: 'work', as: 'throw', forMs: 0 })
    await replaced(c, old)
    expect(old.revoked.map(({ reason }) => reason)).toEqual(['resigned'])
    expect(c.member(old.id).alive).toBe(true)
  })

  it('with worker: true a main thread that is stuck past its limit is replaced, and exits when it goes on', async () => {
    const { c, old } = await working({ worker: true, mainThreadLimitMs: 2_000, onOverdue: 'exit' })
    c.order(old.id, { kind: 'work', as: 'block', forMs: 2_000 + 5 * PROMISE_MS })
    await replaced(c, old)
    await c.until(() => !c.member(old.id).alive, 10_000, 'it ends')
    expect(c.member(old.id).exit).toEqual({ code: 1, signal: null })
  })
})
