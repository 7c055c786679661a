/**
 * Goal: every combination of voters that makes no sense is refused at construction, with what was given and what to do.
 * Method: options, and the sentences of the error. Nothing is started.
 */
import { describe, expect, it } from 'vitest'
import type { StoreDurability } from '../../src/ports/cas-store'
import { createElector } from '../../src/runtime/create'
import { noTransport } from '../../src/runtime/no-transport'
import type { ElectorOptions } from '../../src/runtime/options'
import { memory } from '../../src/storage'
import { memoryCas } from '../../src/stores/memory-cas'
import { storeVoter } from '../../src/stores/voter'

const store = (name = 'memory', timeoutMs = 1_000, durability: StoreDurability = 'survives') => {
  const { read, write } = memoryCas()
  return storeVoter({ name, durability, timeoutMs, read, write })
}
/** Options as JavaScript may give them. */
type Given = Partial<Omit<ElectorOptions, 'voters' | 'movingTo'>> & {
  readonly voters: unknown
  readonly movingTo?: unknown
}
const refusal = (options: Given): string => {
  try {
    createElector({ cluster: 'c', id: 'a', ...options } as ElectorOptions)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
const status = (options: Given) =>
  createElector({ cluster: 'c', id: 'a', ...options } as ElectorOptions).status()
const peers = { transport: noTransport(), storage: memory() }

describe('voters that are stores', () => {
  it('one store needs nothing else, and has the defaults of A.10.6', () => {
    const { timing, members, safety, tokenDurability, warnings } = status({ voters: store() })
    expect(timing).toMatchObject({
      promiseMs: 5_000,
      heartbeatMs: 1_000,
      campaignMs: 2_500,
      maxPromiseMs: 25_000,
    })
    expect(members).toMatchObject([{ id: 'memory', kind: 'store', isSelf: false, durability: 'survives' }])
    expect([safety, tokenDurability, warnings]).toEqual(['durable', 'survives', []])
    expect(status({ voters: store(), timing: 'fast' }).timing.promiseMs).toBe(4_000)
    expect(status({ voters: store(), timing: 'relaxed' }).timing.promiseMs).toBe(15_000)
  })

  it('several stores have names of their own, also when they are of one kind or named like the process', () => {
    const names = (voters: unknown) => status({ voters }).members.map(({ id }) => id)
    expect(names([store('pg'), store('pg'), store('a')])).toEqual(['pg', 'pg#2', 'a#1'])
    expect(names({ eu: store(), us: store(), asia: store() })).toEqual(['eu', 'us', 'asia'])
  })

  it('R40: an even number is warned of', () => {
    expect(status({ voters: [store(), store()] }).warnings.join()).toContain('one or three do better')
    const four = [store(), store(), store(), store()]
    expect(status({ voters: four }).warnings.join()).toContain('4 voters survive no more failures than 3')
  })

  const refused: [string, Given, RegExp][] = (() => {
    const one = store()
    const mixed = { a: 'h:1', b: 'h:2', tie: one }
    return [
      ['the same store twice', { voters: [one, one] }, /memory is there twice; one record has one vote/],
      [
        'an array of both',
        { voters: ['a', one] },
        /ids or stores, not both \(1 stores of 2\).*tie: postgres/,
      ],
      [
        'a bare CasStore',
        { voters: { read() {}, write() {} } },
        /give storeVoter\(store\), from conclave\/store/,
      ],
      [
        'a transport that nobody uses',
        { voters: one, transport: noTransport() },
        /only stores vote .*leave it out/,
      ],
      ['a mix without a transport', { voters: mixed, dataDir: 'd' }, /transport: 2 voters need one/],
      ['a mix that keeps nothing', { voters: mixed, ...peers }, /memory\(\) beside tie: .*give dataDir/],
      ['a mix without storage', { voters: mixed, transport: noTransport() }, /dataDir or storage/],
      [
        'a process that is no voter of a mix',
        { voters: { b: 'h:2', tie: one }, id: 'x' },
        /"x" is not among the voters b/,
      ],
      ['a store named like the process', { voters: { a: one, b: store() } }, /"a" is the name of a store/],
      ['a long id', { voters: one, id: 'x'.repeat(32) }, /has 32 characters: with stores it may have 31/],
      ['dataDir and storage', { voters: one, dataDir: 'd', storage: memory() }, /give one of them/],
      [
        'a volatile store in a majority',
        { voters: [store('redis', 1_000, 'volatile'), one, store()] },
        /redis is declared volatile and has no place in a majority of 3/,
      ],
      [
        'D below four time-outs',
        { voters: one, timing: { promiseMs: 3_000 } },
        /promiseMs 3000 is below four time-outs of memory \(timeoutMs 1000\).*4000 or more.*750 or less/,
      ],
      [
        'a campaign below one time-out',
        { voters: one, timing: { promiseMs: 4_000, campaignMs: 500 } },
        /campaignMs 500 is below one time-out of memory \(timeoutMs 1000\)/,
      ],
      ['nothing', { voters: [] }, /give at least one: .*postgres\(pool\)/],
      ['a number as address', { voters: { a: 1 }, ...peers }, /a is neither an address like .* nor a store/],
      [
        'a move to another address',
        { voters: { a: 'h:1' }, movingTo: { a: 'h:2' }, ...peers },
        /disagree about "a": h:1 and h:2/,
      ],
      [
        'a move that turns a process into a store',
        {
          voters: { a: 'h:1', b: 'h:2' },
          movingTo: { b: store(), c: store() },
          transport: noTransport(),
          dataDir: 'd',
        },
        /"b" is a process in one and a store in the other/,
      ],
      [
        'a move of a mix that keeps nothing',
        { voters: ['a'], movingTo: one, storage: memory() },
        /memory\(\) beside memory/,
      ],
    ]
  })()
  it.each(refused)('%s is refused', (_what, options, sentence) => {
    expect(refusal(options)).toMatch(sentence)
  })

  it('a move says where it goes, and votes with both sets', () => {
    const moving = status({
      voters: { a: 'h:1', b: 'h:2' },
      movingTo: store(),
      transport: noTransport(),
      dataDir: 'd',
    })
    expect(moving.movingTo).toEqual(['memory'])
    expect(moving.members.map(({ id }) => id)).toEqual(['a', 'b', 'memory'])
    expect(status({ voters: store() }).movingTo).toBeNull()
  })
})
