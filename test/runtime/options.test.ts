/**
 * Goal: a wrong option is found at construction, with every number that matters in the message (R44, B.7). Method: one
 * good set of options, one change, and what the error says.
 */
import { describe, expect, it } from 'vitest'
import { isElectionError } from '../../src/errors'
import { createElection, createElector } from '../../src/runtime/create'
import { noTransport } from '../../src/runtime/no-transport'
import type { ElectionOptions, ElectorOptions } from '../../src/runtime/options'
import { readElectorOptions } from '../../src/runtime/read-options'
import { memory } from '../../src/storage'
import { TestStorage, World } from './harness'

const good: ElectorOptions = {
  cluster: 'billing',
  id: 'a',
  voters: { a: '10.0.0.1:7400', b: '10.0.0.2:7400', c: '10.0.0.3:7400' },
  transport: noTransport(),
  storage: new TestStorage(new World(), 'a'),
}

/** The message with which these options are refused. */
function refusal(change: object, without: readonly (keyof ElectorOptions)[] = []): string {
  const options: Record<string, unknown> = { ...good, ...change }
  for (const key of without) delete options[key]
  try {
    createElector(options as unknown as ElectorOptions)
  } catch (error) {
    expect(isElectionError(error, 'ELECTION_CONFIG_INVALID')).toBe(true)
    return (error as Error).message
  }
  return 'accepted'
}

describe('options', () => {
  it('defaults are those of the protocol: D 2000, heartbeat 250, campaign 500, step 30, rho 0.1, delta 2, margin 250', () => {
    const { timing, drainMs, stopMs, flushMs, storageTimeoutMs, maxElections } = readElectorOptions(good)
    expect(timing).toEqual({
      promiseMs: 2_000,
      heartbeatMs: 250,
      campaignMs: 500,
      stepMs: 30,
      rho: 0.1,
      deltaMs: 2,
      marginMs: 250,
      backoffMs: 100,
      backoffMaxMs: 1_000,
      minPromiseMs: 400,
      maxPromiseMs: 10_000,
    })
    expect({ drainMs, stopMs, flushMs, storageTimeoutMs, maxElections }).toEqual({
      drainMs: 5_000,
      stopMs: 9_000,
      flushMs: 500,
      storageTimeoutMs: 2_000,
      maxElections: 100_000,
    })
  })

  it('a short promise does not make a slow flush the end of a life: writes have 2 s at least', () => {
    const limit = (timing: object): number => readElectorOptions({ ...good, timing }).storageTimeoutMs
    expect(limit({ promiseMs: 600 })).toBe(2_000)
    expect(limit({ promiseMs: 10_000 })).toBe(10_000)
    expect(readElectorOptions({ ...good, storageTimeoutMs: 100 }).storageTimeoutMs, 'if asked for').toBe(100)
  })

  it.each([
    ['fast', 600, 75, 15],
    ['default', 2_000, 250, 30],
    ['relaxed', 10_000, 1_250, 100],
  ] as const)('preset %s: D %d, heartbeat %d, step %d', (preset, promiseMs, heartbeatMs, stepMs) => {
    expect(readElectorOptions({ ...good, timing: preset }).timing).toMatchObject({
      promiseMs,
      heartbeatMs,
      stepMs,
    })
    expect(readElectorOptions({ ...good, timing: { preset } }).timing.promiseMs).toBe(promiseMs)
  })

  it('every duration follows from promiseMs, and a single one can be given beside a preset', () => {
    const { timing } = readElectorOptions({
      ...good,
      timing: { preset: 'fast', promiseMs: 1_000, stepMs: 7 },
    })
    expect(timing).toMatchObject({
      promiseMs: 1_000,
      heartbeatMs: 125,
      campaignMs: 250,
      marginMs: 125,
      stepMs: 7,
    })
  })

  it('R18: neighbouring presets accept each other, so that one can be rolled out into the other', () => {
    const of = (timing: 'fast' | 'default' | 'relaxed') => readElectorOptions({ ...good, timing }).timing
    expect(of('default').minPromiseMs).toBeLessThanOrEqual(of('fast').promiseMs)
    expect(of('fast').maxPromiseMs).toBeGreaterThanOrEqual(of('default').promiseMs)
    expect(of('relaxed').minPromiseMs).toBeLessThanOrEqual(of('default').promiseMs)
    expect(of('default').maxPromiseMs).toBeGreaterThanOrEqual(of('relaxed').promiseMs)
  })

  it('R28: without a storage the longest promise is the own one, because every start waits for it', () => {
    const { timing } = readElectorOptions({ ...good, storage: memory() })
    expect(timing.maxPromiseMs).toBe(timing.promiseMs)
  })
})

describe('rules between two numbers name both and say what to do', () => {
  it.each([
    [{ heartbeatMs: 700 }, ['heartbeatMs 700', 'promiseMs 2000', '666.66', '2100']],
    [{ campaignMs: 2_000 }, ['campaignMs 2000', 'promiseMs 2000']],
    [{ marginMs: 1_200 }, ['marginMs 1200', '250', '1634.36', 'lower marginMs']],
    [{ rho: 0.5, promiseMs: 1_000 }, ['marginMs 125', '331.33', 'rho 0.5']],
    [{ minPromiseMs: 2_001 }, ['minPromiseMs 2001', 'promiseMs 2000']],
    [{ maxPromiseMs: 1_999 }, ['maxPromiseMs 1999', 'promiseMs 2000']],
    [{ backoffMs: 900, backoffMaxMs: 800 }, ['backoffMs 900', 'backoffMaxMs 800']],
    [{ stepMs: 1_001 }, ['stepMs 1001', 'promiseMs 2000']],
  ])('timing %j', (timing, words) => {
    const message = refusal({ timing })
    for (const word of words) expect(message).toContain(word)
  })

  it('stopMs below drainMs', () => {
    const message = refusal({ drainMs: 3_000, stopMs: 2_000 })
    expect(message).toContain('stopMs 2000')
    expect(message).toContain('drainMs 3000')
  })

  it('the bounds themselves are accepted', () => {
    const timing = {
      heartbeatMs: 600,
      marginMs: 434,
      minPromiseMs: 2_000,
      maxPromiseMs: 2_000,
      stepMs: 1_000,
    }
    expect(refusal({ timing })).toBe('accepted')
    expect(refusal({ drainMs: 2_000, stopMs: 2_000 })).toBe('accepted')
  })

  it('a single value out of its range, and what is missing', () => {
    expect(refusal({ timing: { promiseMs: 10 } })).toContain(
      'timing.promiseMs: Too small: expected number to be >=20, not 10',
    )
    expect(refusal({ timing: 'quick' })).toContain('expected one of "fast"|"default"|"relaxed", not "quick"')
    expect(refusal({}, ['cluster', 'voters'])).toContain('cluster is missing; voters is missing')
  })

  it('several faults are one error', () => {
    const message = refusal({ id: 'z', timing: { heartbeatMs: 700, campaignMs: 3_000 } }, ['storage'])
    for (const word of ['heartbeatMs 700', 'campaignMs 3000', '"z"', 'dataDir'])
      expect(message).toContain(word)
  })
})

describe('single options', () => {
  it.each([
    ['an option that does not exist', { hearbeatMs: 5 }, '"hearbeatMs"'],
    ['a timing that does not exist', { timing: { promise: 5 } }, '"timing.promise"'],
    ['a preset that does not exist', { timing: 'turbo' }, 'timing.preset'],
    ['NaN', { drainMs: Number.NaN }, 'drainMs'],
    ['Infinity', { timing: { promiseMs: Number.POSITIVE_INFINITY } }, 'timing.promiseMs'],
    ['B.7: more than 2^31 - 1 ms', { drainMs: 2 ** 31 }, 'drainMs'],
    ['a negative duration', { flushMs: -1 }, 'flushMs'],
    ['a duration as text', { timing: { promiseMs: '2000' } }, 'timing.promiseMs'],
    ['rho above one half', { timing: { rho: 0.6 } }, 'timing.rho'],
    ['a cluster with a space', { cluster: 'my cluster' }, 'cluster'],
    ['an id with a slash', { id: 'a/b' }, 'id'],
    ['a logger without warn', { logger: { info() {} } }, 'logger'],
    ['a transport that is none', { transport: { send() {} } }, 'transport'],
    ['a storage that is none', { storage: 'memory' }, 'storage'],
  ])('%s is refused by name', (_what, change, word) => {
    expect(refusal(change)).toContain(word)
  })

  it.each([
    ['no voters', {}, 'voters'],
    ['voters that are a text', 'a,b,c', 'voters'],
    ['an id that is no id', ['a', 'b c'], '"b c"'],
    ['the same id twice', ['a', 'b', 'b'], '"b" is there twice'],
    ['the same address twice', { a: 'h:1', b: 'h:1', c: 'h:2' }, '"h:1" is there twice'],
    ['an address that is no text', { a: 'h:1', b: 2, c: 'h:3' }, 'address'],
    [
      'R40: voters without this process',
      { b: 'h:1', c: 'h:2', d: 'h:3' },
      'id "a" is not among the voters b, c, d',
    ],
    ['too many', Array.from({ length: 33 }, (_, i) => (i === 0 ? 'a' : `v${i}`)), '33'],
  ])('%s is refused', (_what, voters, word) => {
    expect(refusal({ voters })).toContain(word)
  })

  it('durable or not is an explicit choice: neither dataDir nor storage is refused, and so are both', () => {
    expect(refusal({}, ['storage'])).toContain('storage: memory()')
    expect(refusal({ dataDir: './data' })).toContain('give one of them')
  })

  it('more than one voter needs a transport, one does not', () => {
    expect(refusal({}, ['transport'])).toContain('3 voters need one')
    expect(refusal({ voters: ['a'] }, ['transport'])).toBe('accepted')
  })

  it('R40: two voters are accepted, with a warning that they cannot fail over', () => {
    const { warnings } = readElectorOptions({ ...good, voters: ['a', 'b'] })
    expect(warnings.join()).toContain('cannot fail over')
    expect(readElectorOptions(good).warnings).toEqual([])
  })

  it('R40: the warning for two voters names both ways out', () => {
    const { warnings } = readElectorOptions({ ...good, voters: ['a', 'b'] })
    expect(warnings.join()).toMatch(/add a witness in a third place, or a store record/)
  })

  it.each([
    ['no list', 'w', 'expected an array of ids'],
    ['no voter', ['w'], '"w" is no process among the voters'],
    ['R37: too many', ['b', 'c'], 'of 3 voters 1 may lead, and a majority, 2, has to'],
  ])('R37: witnesses that are %s are refused', (_what, witnesses, words) => {
    expect(refusal({ witnesses })).toContain(words)
    expect(refusal({ witnesses: ['c'] })).toBe('accepted')
  })

  it('R71: an observer is no voter, keeps nothing unless told to, and lets nobody in', () => {
    const observer = { ...good, id: 'web-1', observer: true }
    const { storage: _, ...bare } = observer
    expect(readElectorOptions(bare as ElectorOptions).plan).toMatchObject({
      isVoter: false,
      memberKind: 'observer',
    })
    expect(refusal({ observer: true })).toContain('"a" is among the voters, and an observer has no vote')
    expect(refusal({ id: 'web-1' })).toContain('say observer: true')
    expect(refusal({ id: 'web-1', observer: true, maxObservers: 3 })).toContain('give it to the voters alone')
    expect(refusal({ id: 'w'.repeat(32), observer: true })).toContain('an observer may have 31')
    expect(refusal({ id: 'web-1', observer: true }, ['transport'])).toContain('an observer needs one')
  })

  it('R34, R37: members that change go with neither witnesses nor observers', () => {
    const experimental = { membership: true }
    expect(refusal({ experimental, witnesses: ['c'] })).toContain('and witnesses: give one of them')
    expect(refusal({ experimental, maxObservers: 2 })).toContain('and observers: give one of them')
  })

  it('R49: no voter is called like a process without a vote', () => {
    expect(refusal({ voters: ['a', `b.${'0'.repeat(32)}`] })).toContain(
      'ends like the name of a process without',
    )
  })

  it('a value from outside never reaches the message unescaped', () => {
    expect(refusal({ 'a\nb': 1 })).toContain('a\\u000ab')
  })
})

describe('createElection', () => {
  const election: ElectionOptions = { ...good, name: 'invoices' }

  it('takes the options of its election beside those of the process', () => {
    const { name, id } = createElection({ ...election, priority: 3, contend: false })
    expect([name, id]).toEqual(['invoices', 'a'])
  })

  it.each([
    [{ name: 'a b' }, 'name'],
    [{ priority: 0.5 }, 'priority'],
    [{ priority: 1_001 }, 'priority'],
    [{ contend: 'yes' }, 'contend'],
    [{ prio: 1 }, '"prio"'],
  ])('%j is refused by name', (change, word) => {
    expect(() => createElection({ ...election, ...change } as ElectionOptions)).toThrow(word)
  })

  it('an elector gives the same election for a name, and takes its settings once', () => {
    const elector = createElector(good)
    const one = elector.election('jobs', { priority: 1 })
    expect(elector.election('jobs')).toBe(one)
    expect(() => elector.election('jobs', { priority: 2 })).toThrow('cannot change')
    expect(() => elector.election('no such name!')).toThrow('name')
    expect(() => elector.election('x', { prio: 2 } as object)).toThrow('"prio"')
  })
})
