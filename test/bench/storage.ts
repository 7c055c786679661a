/**
 * What one durable write costs, beside what the disk asks for it: `npm run bench -- storage [--dir=directory] [--n=2000]`.
 *
 * Floor: 64 bytes over old ones in a preallocated file, then fdatasync, without the thread pool. Trials of all rows
 * alternate, so that all see the same disk. Figures are microseconds.
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  write,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { DurableChange } from '../../src/core/types'
import { file } from '../../src/storage'
import { head, line } from './stats'

const warmUp = 100
const identity = { clusterId: 'bench', nodeId: 'a', config: { term: 0, version: 1, termFloor: 0 } }

type Storage = ReturnType<typeof file>

function open(storage: Storage): Promise<void> {
  return new Promise((resolve, reject) =>
    storage.open(identity, (error) => (error ? reject(error) : resolve())),
  )
}

function put(storage: Storage, change: DurableChange): Promise<void> {
  return new Promise((resolve, reject) =>
    storage.write(change, (error) => (error ? reject(error) : resolve())),
  )
}

function changeOf(elections: number, term: number): DurableChange {
  return { terms: new Map(Array.from({ length: elections }, (_, i) => [`election-${i}`, term] as const)) }
}

function row(name: string, samples: readonly number[]): void {
  line(
    name,
    samples.map((ms) => ms * 1_000),
    'us',
  )
}

async function timed(samples: number[], work: () => void | Promise<void>): Promise<void> {
  const from = performance.now()
  await work()
  samples.push(performance.now() - from)
}

/** Runs the bench with the flags of the command line. */
export async function benchStorage(flags: readonly string[]): Promise<void> {
  const flag = (name: string) => flags.find((each) => each.startsWith(`--${name}=`))?.slice(name.length + 3)
  const place = flag('dir') ?? tmpdir()
  const n = Number(flag('n') ?? 2000)
  const dir = mkdtempSync(join(place, 'conclave-bench-'))
  const raw = join(dir, 'raw')
  writeFileSync(raw, Buffer.alloc(1 << 20))
  const fd = openSync(raw, 'r+')
  fdatasyncSync(fd)
  const bytes = Buffer.alloc(64, 1)
  const small = file({ dir: join(dir, 'small') })
  const large = file({ dir: join(dir, 'large') })
  await open(small)
  await open(large)
  const all = changeOf(100_000, 1)
  const first: number[] = []
  await timed(first, () => put(large, all))

  const samples: number[][] = [[], [], [], [], []]
  for (let i = 0; i < n + warmUp; i++) {
    if (i === warmUp) for (const each of samples) each.length = 0
    const at = (i % 1000) * 1024
    await timed(samples[0]!, () => {
      writeSync(fd, bytes, 0, 64, at)
      fdatasyncSync(fd)
    })
    await timed(samples[1]!, async () => {
      await promisify(write)(fd, bytes, 0, 64, at)
      await promisify(fdatasync)(fd)
    })
    await timed(samples[2]!, () => put(small, changeOf(1, i)))
    const hundred = changeOf(100, i)
    await timed(samples[3]!, () => put(small, hundred))
    await timed(samples[4]!, () => put(large, changeOf(1, i)))
  }
  head('durable writes, beside what the disk asks for them')
  row('floor: 64 bytes + fdatasync, synchronous', samples[0]!)
  row('floor: 64 bytes + fdatasync, thread pool', samples[1]!)
  row('write of 1 term', samples[2]!)
  row('write of 100 terms', samples[3]!)
  row('write of 1 term, with 100,000 elections', samples[4]!)
  row('first write of 100,000 terms (grows the slot)', first)

  const close = (storage: Storage) => new Promise<void>((resolve) => storage.close(resolve))
  await close(small)
  await close(large)
  for (const [name, storage] of [
    ['few elections', small],
    ['100,000 elections', large],
  ] as const) {
    const opening: number[] = []
    const firsts: number[] = []
    for (let i = 0; i < 10; i++) {
      await timed(opening, () => open(storage))
      await timed(firsts, () => put(storage, changeOf(1, n * 2 + i)))
      await close(storage)
    }
    row(`open, ${name}`, opening)
    row(`first write of a life, ${name}`, firsts)
  }
  closeSync(fd)
  rmSync(dir, { recursive: true })
}
