/**
 * Goal: what `npm run fuzz` found once stays repaired. Method: the smallest input of each finding, by name.
 */
import { mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createElection, createElector, file, memory } from 'conclave'
import { describe, expect, it } from 'vitest'
import { checkResign } from '../../src/runtime/read-calls'
import { readElectionSettings, readElectorOptions } from '../../src/runtime/read-options'
import { createFileStorage } from '../../src/storage/file'
import { close, identity, open, terms, write } from '../storage/helpers'

const good = { cluster: 'c', id: 'a', voters: ['a'], storage: memory() } as const
const invalid = expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' })

describe('found by fuzzing', () => {
  it('a voter that cannot be turned into text is named as such, not thrown at the caller', () => {
    for (const voter of [Object.create(null), { toString: 1 }, Symbol('a')]) {
      expect(() => createElector({ ...good, voters: ['a', voter] })).toThrow(invalid)
    }
  })

  it('the settings of an election may be no object', () => {
    for (const settings of [null, 1, 'x']) {
      expect(() => readElectionSettings('jobs', settings as never)).toThrow(invalid)
    }
  })

  it('the target of a hand-over may be anything; its name is cut in the message', () => {
    const config = readElectorOptions(good)
    for (const to of [Symbol('b'), Object.create(null), [[]], 'x'.repeat(100_000)]) {
      expect(() => checkResign({ to: to as never }, config)).toThrow(
        expect.objectContaining({
          code: 'ELECTION_CONFIG_INVALID',
          message: expect.stringMatching(/^.{1,500}$/),
        }),
      )
    }
    expect(() => checkResign(undefined as never, config)).toThrow(invalid)
  })

  it('options whose properties throw when they are read are refused', () => {
    const options = Object.defineProperty({ ...good, name: 'jobs' }, 'drainMs', {
      enumerable: true,
      get: () => {
        throw new Error('no')
      },
    })
    expect(() => createElection(options)).toThrow(invalid)
  })

  it('a directory that is a bigint or a circle is no path', () => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    for (const dir of [1n, circle, Symbol('d')]) expect(() => file({ dir: dir as never })).toThrow(invalid)
  })

  it('A3: a slot file that lost its end, and with it the last write, is not taken for an older state', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'conclave-found-'))
    try {
      const storage = createFileStorage({ dir }, await import('node:fs'))
      const { process } = await open(storage)
      await write(storage, { process: { ...process, incarnation: 1 }, terms: new Map() })
      await write(storage, terms({ jobs: 5 }))
      await close(storage)
      truncateSync(join(dir, 'slot-b'), 2 * 4096)
      await expect(open(createFileStorage({ dir }, await import('node:fs')), identity)).rejects.toMatchObject(
        {
          code: 'ELECTION_STORAGE_CORRUPT',
        },
      )
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })
})
