/**
 * Goal: whatever is written, restarted and torn in any order, the storage gives back exactly what a map would. Method:
 * random histories (fast-check) against the shipped storage in a real directory; a torn write lands an arbitrary set of
 * its sectors and is reported as failed, which leaves the same bytes as a crash. At the end single bits are flipped.
 */
import * as fs from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { DurableState } from '../../src/core/types'
import type { Storage } from '../../src/ports/storage'
import { createFileStorage, type FileOperations } from '../../src/storage/file'
import { SECTOR_BYTES } from '../../src/storage/frame'
import { FRAMES_AT, recover } from '../../src/storage/recover'
import { close, nextLife, open, plain, write } from './helpers'

type Act =
  | {
      readonly kind: 'write'
      readonly terms: readonly (readonly [string, number])[]
      readonly record: boolean
    }
  | { readonly kind: 'many'; readonly count: number; readonly term: number }
  | { readonly kind: 'row'; readonly count: number }
  | { readonly kind: 'restart' }
  | { readonly kind: 'torn'; readonly count: number; readonly term: number; readonly lost: readonly number[] }

const name = fc.constantFrom('a', 'b', 'c', 'x:1', 'y'.repeat(128))
const term = fc.nat(1000)
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      terms: fc.array(fc.tuple(name, term), { maxLength: 4 }),
      record: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('many' as const), count: fc.nat(900), term }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('row' as const), count: fc.integer({ min: 1, max: 40 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'restart' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('torn' as const),
      count: fc.nat(120),
      term,
      lost: fc.array(fc.nat(9), { minLength: 1, maxLength: 6 }),
    }),
  },
)

/** The storage under test, the map that it is compared with, and the sectors of the next write that will not land. */
class Twin {
  private lost: ReadonlySet<number> | null = null
  private storage: Storage
  model: DurableState = { process: null!, terms: new Map() }

  constructor(private readonly dir: string) {
    this.storage = this.make()
  }

  private make() {
    const operations: FileOperations = {
      ...fs,
      write: (fd, buffer, offset, length, position, done) => {
        const lost = this.lost
        if (lost === null) return fs.write(fd, buffer, offset, length, position, done)
        for (let sector = 0; sector * SECTOR_BYTES < length; sector++) {
          const from = sector * SECTOR_BYTES
          if (!lost.has(sector)) fs.writeSync(fd, buffer, offset + from, SECTOR_BYTES, position + from)
        }
        done(new Error('the machine crashed'), 0)
      },
    }
    return createFileStorage({ dir: this.dir }, operations)
  }

  async start(): Promise<void> {
    const state = await open(this.storage)
    this.model = { process: state.process, terms: new Map(state.terms) }
  }

  /** Restarts and compares with the only states that may be there. */
  async restart(allowed: readonly DurableState[]): Promise<void> {
    await close(this.storage)
    this.storage = this.make()
    const state = await open(this.storage)
    expect(allowed.map(plain)).toContainEqual(plain(state))
    this.model = { process: state.process, terms: new Map(state.terms) }
  }

  async write(
    entries: readonly (readonly [string, number])[],
    record = false,
    lost: readonly number[] = [],
  ): Promise<void> {
    const process = record || lost.length > 0 ? nextLife(this.model.process) : this.model.process
    const terms = new Map(this.model.terms)
    for (const [key, value] of new Map(entries)) terms.set(key, Math.max(value, terms.get(key) ?? 0))
    const after = { process, terms }
    const change = { terms: new Map(entries), ...(process === this.model.process ? {} : { process }) }
    if (lost.length === 0) {
      await write(this.storage, change)
      this.model = after
      return
    }
    this.lost = new Set(lost)
    await expect(write(this.storage, change)).rejects.toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
    this.lost = null
    await this.restart([this.model, after])
  }

  end(): Promise<void> {
    return close(this.storage)
  }
}

function manyOf(count: number, value: number): [string, number][] {
  return Array.from({ length: count }, (_, i) => [`election-${i}`, value])
}

async function play(twin: Twin, act: Act): Promise<void> {
  if (act.kind === 'write') await twin.write(act.terms, act.record)
  else if (act.kind === 'many') await twin.write(manyOf(act.count, act.term))
  else if (act.kind === 'torn') await twin.write(manyOf(act.count, act.term), true, act.lost)
  else if (act.kind === 'restart') await twin.restart([twin.model])
  else for (let i = 0; i < act.count; i++) await twin.write([['row', i]])
}

/** The rear of a torn snapshot behind an intact one of older times looked like a complete frame. */
const foundOnce: Act[] = [
  { kind: 'many', count: 177, term: 0 },
  { kind: 'restart' },
  { kind: 'torn', count: 0, term: 0, lost: [0] },
  { kind: 'restart' },
]

/** A torn write was completed by a later torn one whose second sector happened to hold the same bytes. */
const foundLater: Act[] = [
  { kind: 'torn', count: 12, term: 0, lost: [2] },
  { kind: 'torn', count: 0, term: 0, lost: [1] },
  { kind: 'torn', count: 13, term: 0, lost: [0] },
  { kind: 'torn', count: 0, term: 0, lost: [0] },
]

/** The storage gives back the model, and nothing older after any one of the bits is flipped: refused, or the same. */
function expectFlipsTold(dir: string, model: DurableState, places: readonly number[]): void {
  const images = ['slot-a', 'slot-b'].map((name) => fs.readFileSync(join(dir, name))) as [Buffer, Buffer]
  for (const place of places) {
    const image = images[place % 2]!
    const used = image.length - FRAMES_AT
    const at = FRAMES_AT + (Math.floor(place / 16) % (place % 3 === 0 ? used : Math.min(used, 20_000)))
    const bit = 1 << (Math.floor(place / 2) % 8)
    image[at]! ^= bit
    const found = recover(images)
    if (found.ok) expect(plain(found.state)).toEqual(plain(model))
    image[at]! ^= bit
  }
}

it('A3, B.15: any history of writes, restarts and torn writes reads back as a map would hold it', async () => {
  const history = fc.array(act, { minLength: 1, maxLength: 25 })
  const places = fc.array(fc.nat(), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(history, places, async (acts, bits) => {
      const dir = mkdtempSync(join(tmpdir(), 'conclave-storage-'))
      const twin = new Twin(dir)
      try {
        await twin.start()
        for (const each of acts) await play(twin, each)
        await twin.restart([twin.model])
        expectFlipsTold(dir, twin.model, bits)
      } finally {
        await twin.end()
        rmSync(dir, { recursive: true, force: true })
      }
    }),
    {
      numRuns: 50,
      examples: [
        [foundOnce, []],
        [foundLater, []],
      ],
    },
  )
})
