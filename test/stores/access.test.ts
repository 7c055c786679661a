/**
 * Goal: a store of an author that breaks the port's word never to throw ends nothing. Method: a link to a store all of whose
 * methods throw, on a clock by hand.
 */
import { describe, expect, it } from 'vitest'
import type { VoterHost } from '../../src/ports/voter-store'
import { storeVoter } from '../../src/stores/voter'

const settle = () => new Promise(setImmediate)

describe('a store that throws', () => {
  const failing = () => {
    throw new Error('thrown')
  }

  function linkTo(store: object) {
    const troubles: string[] = []
    const timers: (() => void)[] = []
    const host: VoterHost = {
      connected() {},
      received() {},
      troubled: ({ message }) => troubles.push(message),
      violation() {},
      duplicate() {},
    }
    const clock = {
      now: () => 0,
      wall: () => 0,
      setTimer: (_: number, call: () => void) => timers.push(call) as never,
      clearTimer() {},
    }
    const link = storeVoter({ name: 's', durability: 'survives', ...store } as never).open({
      ...{ clusterId: 'c', process: 'a', incarnation: 1, nonce: 'n', rho: 0, maxPromiseMs: 5_000 },
      ...{ campaignMs: 1_000, pollMs: 1_000, listsContenders: true, clock, host },
    })
    return { link, troubles, timers }
  }

  it('in prepare: it is prepared again', async () => {
    const { link, troubles, timers } = linkTo({ prepare: failing })
    link.start()
    await settle()
    expect([troubles, timers.length]).toEqual([['thrown'], 1])
  })

  it('in watch, read and write: it is troubled, looks again, and stops', async () => {
    const { link, troubles, timers } = linkTo({ read: failing, write: failing, watch: failing })
    link.start()
    link.send([{ kind: 'heartbeat', round: 1, promiseMs: 5_000, probe: false } as never])
    await settle()
    expect(troubles).toEqual(['thrown', 'thrown', 'thrown'])
    expect(timers).toHaveLength(1)
    const stopped = new Promise<void>((resolve) => link.stop(resolve))
    await stopped
  })

  it('where its watch is stopped: the link stops all the same', async () => {
    const { link } = linkTo({
      read: async () => ({ kind: 'failed', error: new Error('down') }),
      watch: () => ({ stop: failing }),
    })
    link.start()
    await settle()
    await new Promise<void>((resolve) => link.stop(resolve))
  })
})
