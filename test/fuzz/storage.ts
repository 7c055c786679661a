/**
 * Damaged data directories against the storage (A3, E11, B.14, B.15): flipped bits, zeroed and torn sectors, cut and
 * spliced files, slots from other moments, slots swapped.
 *
 * What must hold: reading never throws; what is given back is a state that was written once, as a whole, never a mixture;
 * after a flipped bit or a cut file it is the newest acknowledged one or an error. The storage
 * as a whole answers with a typed error or works, and then keeps what is written next.
 */
import * as fs from 'node:fs'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DurableState } from '../../src/core/types'
import type { Storage, StorageIdentity } from '../../src/ports/storage'
import { createFileStorage, type FileOperations } from '../../src/storage/file'
import { SECTOR_BYTES } from '../../src/storage/frame'
import { recover } from '../../src/storage/recover'
import { joined, Random } from './random'
import { allowedLater, counted, nothing, type Target } from './target'

const IDENTITY: StorageIdentity = {
  clusterId: 'fuzzed',
  nodeId: 'a',
  config: { term: 0, version: 1, termFloor: 0 },
}
const SLOTS = ['slot-a', 'slot-b'] as const

/** One moment of a directory: both files, and what had been acknowledged then. */
interface Moment {
  readonly files: readonly [Buffer, Buffer]
  readonly state: string
}

/** Comparable text of a state. */
function text({ process, terms }: DurableState): string {
  return JSON.stringify([process, [...terms].sort()])
}

const opened = (storage: Storage): Promise<DurableState> =>
  new Promise((resolve, reject) => {
    storage.open(IDENTITY, (error, state) =>
      error === null ? resolve(state as DurableState) : reject(error),
    )
  })
const written = (storage: Storage, state: Parameters<Storage['write']>[0]): Promise<void> =>
  new Promise((resolve, reject) => {
    storage.write(state, (error) => (error === null ? resolve() : reject(error)))
  })
const closed = (storage: Storage): Promise<void> => new Promise((resolve) => storage.close(resolve))

/** No flush: what is tested is what the bytes say, and the directory lives as long as the round. */
const operations: FileOperations = { ...fs, fdatasync: (_fd, done) => done(null) }

const storageIn = (dir: string): Storage => createFileStorage({ dir }, operations)

const imagesOf = (dir: string): [Buffer, Buffer] => [
  readFileSync(join(dir, SLOTS[0])),
  readFileSync(join(dir, SLOTS[1])),
]

/** Writes a history over several lives and keeps every moment of it. */
async function historyIn(dir: string, random: Random): Promise<{ moments: Moment[]; states: Set<string> }> {
  const moments: Moment[] = []
  const states = new Set<string>()
  for (let life = 0; life < 3; life++) {
    const storage = storageIn(dir)
    let { process, terms } = await opened(storage)
    states.add(text({ process, terms }))
    process = { ...process, incarnation: process.incarnation + 1, maxPromiseMs: 1000 * life }
    for (let n = 0; n < 4 + random.below(12); n++) {
      const change = new Map<string, number>()
      const many = random.once(5) ? 120 : 3
      for (let i = random.below(many); i >= 0; i--)
        change.set(`e${random.below(200)}`, random.below(1_000_000))
      const next = new Map(terms)
      for (const [name, term] of change) next.set(name, Math.max(term, next.get(name) ?? 0))
      terms = next
      await written(storage, n === 0 || random.once(4) ? { process, terms: change } : { terms: change })
      const state = text({ process, terms })
      states.add(state)
      moments.push({ files: imagesOf(dir), state })
    }
    await closed(storage)
  }
  return { moments, states }
}

/** Where something is written, mostly; now and then anywhere. */
function placeIn(file: Buffer, random: Random): number {
  let at = random.below(file.length)
  if (random.once(8)) return at
  for (let tries = 0; tries < 40 && file[at] === 0; tries++)
    at = random.below(Math.min(file.length, 64 * SECTOR_BYTES))
  return at
}

type Damage = 'bit' | 'copy' | 'swap' | 'zero' | 'noise' | 'cut' | 'splice' | 'several'

/** Damages in place of a crash: both files after it, and which kind it was. */
function damaged(
  now: Moment,
  moments: readonly Moment[],
  random: Random,
): { files: [Buffer, Buffer]; damage: Damage } {
  const files: [Buffer, Buffer] = [Buffer.from(now.files[0]), Buffer.from(now.files[1])]
  const damage = random.pick([
    'bit',
    'bit',
    'copy',
    'swap',
    'zero',
    'noise',
    'cut',
    'splice',
    'several',
  ] as const)
  const one = (kind: Damage): void => {
    const which = random.below(2) as 0 | 1
    const file = files[which]
    if (file.length === 0) return
    const at = placeIn(file, random)
    const sector = at - (at % SECTOR_BYTES)
    const other = random.pick(moments).files[random.once(4) ? 1 - which : which] as Buffer
    if (kind === 'bit') file[at] = (file[at] as number) ^ (1 << random.below(8))
    else if (kind === 'copy') files[which] = Buffer.from(random.pick(moments).files[which])
    else if (kind === 'swap') files.reverse()
    else if (kind === 'zero')
      file.fill(0, sector, Math.min(file.length, sector + SECTOR_BYTES * (1 + random.below(8))))
    else if (kind === 'noise') file.set(random.bytes(Math.min(40, file.length - at)), at)
    else if (kind === 'cut') files[which] = file.subarray(0, random.once(3) ? at : sector)
    else files[which] = Buffer.from(joined(file.subarray(0, sector), other.subarray(sector)))
  }
  if (damage === 'several')
    for (let i = 0; i < 3; i++) one(random.pick(['bit', 'zero', 'cut', 'splice'] as const))
  else one(damage)
  return { files, damage }
}

/** Images in memory, and now and then the storage itself on a directory. */
export function storageTarget(): Target {
  const count = nothing()
  return {
    name: 'damaged directories -> storage',
    count,
    async round(seed) {
      const random = new Random(seed)
      const dir = mkdtempSync(join(tmpdir(), 'conclave-fuzz-'))
      try {
        const { moments, states } = await historyIn(dir, random)
        for (let n = 0; n < 300; n++) {
          const now = random.pick(moments)
          const { files, damage } = damaged(now, moments, random)
          const found = recover(files)
          if (!counted(count, found.ok) || !found.ok) continue
          const state = text(found.state)
          if (!states.has(state)) throw new Error(`a state that was never written, after ${damage}: ${state}`)
          if (damage === 'bit' && state !== now.state) throw new Error('an older state after a flipped bit')
        }
        for (let n = 0; n < 6; n++) await onDisk(dir, moments, states, random)
      } finally {
        rmSync(dir, { recursive: true, force: true })
      }

      async function onDisk(
        home: string,
        moments: Moment[],
        states: Set<string>,
        random: Random,
      ): Promise<void> {
        const now = random.pick(moments)
        const { files, damage } = damaged(now, moments, random)
        SLOTS.forEach((name, i) => {
          writeFileSync(join(home, name), files[i] as Buffer)
        })
        const storage = storageIn(home)
        let found: DurableState | null = null
        const codes = ['ELECTION_STORAGE_CORRUPT', 'ELECTION_STORAGE_FOREIGN', 'ELECTION_STORAGE_FAILED']
        const good = await allowedLater(
          async () => {
            found = await opened(storage)
          },
          ...codes,
        )
        counted(count, good)
        if (found !== null) {
          const { process, terms } = found as DurableState
          const state = text({ process, terms })
          if (!states.has(state)) throw new Error(`a state that was never written, after ${damage}`)
          if (state !== now.state && (damage === 'bit' || damage === 'cut'))
            throw new Error(`an older state after ${damage}`)
          const next = { ...process, incarnation: process.incarnation + 1 }
          await written(storage, { process: next, terms: new Map([['new', 7]]) })
          await closed(storage)
          const again = await opened(storage)
          const expected = text({ process: next, terms: new Map([...terms, ['new', 7]]) })
          if (text(again) !== expected) throw new Error(`what was written after ${damage} is not there`)
        }
        await closed(storage)
      }
    },
  }
}
