/**
 * Goal: no crash at any point of any write leads to anything but the state before or after it, and no damage to what was
 * acknowledged goes unnoticed (A3, B.14, B.15). Method: the shipped storage writes into a real directory while its
 * writes are recorded; each write is then applied to the bytes before it in part, in every way that we can think of, and
 * read back by the shipped recovery.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DurableChange, DurableState } from '../../src/core/types'
import { createFileStorage } from '../../src/storage/file'
import { BLOCK_BYTES, SECTOR_BYTES } from '../../src/storage/frame'
import { FRAMES_AT, recover } from '../../src/storage/recover'
import {
  close,
  identity,
  landSectors,
  open,
  plain,
  recording,
  stream,
  temporary,
  terms,
  type Written,
  write,
} from './helpers'

type Images = readonly [Buffer, Buffer]

/** One write: the bytes before it, what it wrote, and the states that a reader may find. */
interface Step {
  readonly images: Images
  readonly written: Written
  readonly before: unknown
  readonly after: unknown
}

const many = (count: number, term: number): DurableChange => ({
  terms: new Map(Array.from({ length: count }, (_, i) => [`election-${i}`, term] as const)),
})

/** Writes each life's changes with the shipped storage and returns every write that reached the disk. */
async function trace(lives: readonly (readonly DurableChange[])[]): Promise<Step[]> {
  const dir = temporary()
  const steps: Step[] = []
  for (const changes of lives) {
    const log: Written[] = []
    const storage = createFileStorage({ dir }, recording(log))
    const found = await open(storage, identity)
    let state: DurableState = { process: found.process, terms: new Map(found.terms) }
    let images: Images = [readFileSync(join(dir, 'slot-a')), readFileSync(join(dir, 'slot-b'))]
    for (const change of changes) {
      const before = plain(state)
      await write(storage, change)
      const merged = new Map(state.terms)
      for (const [name, term] of change.terms) merged.set(name, Math.max(term, merged.get(name) ?? 0))
      state = { process: change.process ?? state.process, terms: merged }
      const written = log.at(-1)!
      steps.push({ images, written, before, after: plain(state) })
      images = land(images, written, () => true)
    }
    await close(storage)
    expect(images[0].equals(readFileSync(join(dir, 'slot-a')))).toBe(true)
    expect(images[1].equals(readFileSync(join(dir, 'slot-b')))).toBe(true)
  }
  return steps
}

/** The images with some sectors of a write on them. */
function land(images: Images, written: Written, lands: (sector: number) => boolean): Images {
  return replaced(images, written, (image) => landSectors(image, written, lands))
}

function replaced(images: Images, { slot }: Written, change: (image: Buffer) => Buffer): Images {
  return slot === 'slot-a' ? [change(images[0]), images[1]] : [images[0], change(images[1])]
}

/** `before`, `after`, the reason why it was refused, or a state that must never be. */
function read(images: Images, step: Step): string {
  const found = recover(images)
  if (!found.ok) return `refused: ${found.reason}`
  const state = JSON.stringify(plain(found.state))
  if (state === JSON.stringify(step.after)) return 'after'
  return state === JSON.stringify(step.before) ? 'before' : `wrong: ${state}`
}

/** Counts of the outcomes of a row of crashes. */
function outcomes(step: Step, images: Iterable<Images>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const each of images) {
    const outcome = read(each, step)
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}

/** Crash after `k` bytes of the write, for each k: what follows is what was there, nothing, zeros, or garbage. */
function* torn(step: Step, bytesToCut: number): Generator<Images> {
  const { images, written } = step
  const random = stream(7)
  for (let k = 0; k < bytesToCut; k++) {
    const at = written.position + k
    const prefix = replaced(images, written, (image) => {
      const next = Buffer.from(image)
      written.bytes.copy(next, written.position, 0, k)
      return next
    })
    yield prefix
    yield replaced(prefix, written, (image) => image.subarray(0, at))
    const end = written.position + written.bytes.length
    yield replaced(prefix, written, (image) => Buffer.from(image).fill(0, at, end))
    yield replaced(prefix, written, (image) => {
      const next = Buffer.from(image)
      for (let i = at; i < end; i++) next[i] = random(256)
      return next
    })
  }
}

/** Any set of sectors arrived: all sets if they are few, else a fixed draw of them. */
function* reordered(step: Step, sectors: number): Generator<Images> {
  const random = stream(11)
  const draws = sectors <= 8 ? 2 ** sectors : 400
  for (let draw = 0; draw < draws; draw++) {
    yield land(step.images, step.written, (sector) =>
      sectors <= 8 ? (draw & (1 << sector)) !== 0 : random(draw % 2 === 0 ? 2 : sectors) !== 0,
    )
  }
}

/** Slots without the unused room, so that thousands of readings stay fast. */
function trimmed(step: Step): Step {
  const used = (image: Buffer) => Math.ceil(lastByte(image) / BLOCK_BYTES) * BLOCK_BYTES + 2 * BLOCK_BYTES
  const cut = (image: Buffer) =>
    image.subarray(0, Math.max(used(image), step.written.position + 2 * BLOCK_BYTES))
  return { ...step, images: [cut(step.images[0]), cut(step.images[1])] }
}

function lastByte(image: Buffer): number {
  let at = image.length
  while (at > 0 && image[at - 1] === 0) at--
  return at
}

/** The part of a write that is a frame, not zeros behind it. */
function frameBytes({ bytes }: Written): number {
  return Math.ceil(lastByte(bytes) / SECTOR_BYTES) * SECTOR_BYTES
}

const small = [terms({ a: 1 }), terms({ b: 1 }), terms({ a: 2, c: 5 })]
const later = [terms({ a: 3 }), terms({ b: 2 })]
const latest = [terms({ a: 4 }), many(60, 3)]

describe('a crash in a write', () => {
  it('B.15: after any number of bytes of a change leaves the state before it, or after it', async () => {
    const step = trimmed((await trace([small]))[1]!)
    const counts = outcomes(step, torn(step, step.written.bytes.length))
    expect(Object.keys(counts).sort()).toEqual(['after', 'before'])
    expect(counts['before']).toBeGreaterThan(500)
  })

  it('B.14: after any number of bytes of the first write of a life leaves the state before it, or after it', async () => {
    const steps = await trace([small, later, latest])
    for (const step of [steps[0]!, steps[3]!, steps[5]!].map(trimmed)) {
      expect(step.written.position).toBe(FRAMES_AT)
      const counts = outcomes(step, torn(step, frameBytes(step.written)))
      expect(Object.keys(counts).sort()).toEqual(['after', 'before'])
    }
  })

  it('B.14: at any point of the change to the other slot, when one is full, leaves one of both states', async () => {
    const steps = await trace([Array.from({ length: 70 }, (_, i) => terms({ [`e${i}`]: i }))])
    const switches = steps.filter(({ written }, i) => i > 0 && written.position === FRAMES_AT)
    expect(switches).toHaveLength(1)
    const step = switches[0]!
    const counts = outcomes(step, [
      ...sampled(torn(step, frameBytes(step.written)), 37),
      ...reordered(step, 8),
    ])
    expect(Object.keys(counts).sort()).toEqual(['after', 'before'])
  })

  it('B.15: with sectors of a long change in any order leaves the state before it, or after it', async () => {
    const steps = await trace([[terms({ a: 1 }), many(60, 3), many(500, 4)]])
    for (const step of steps.slice(1)) {
      const sectors = frameBytes(step.written) / SECTOR_BYTES
      expect(sectors).toBeGreaterThan(2)
      const counts = outcomes(step, reordered(step, sectors))
      expect(Object.keys(counts).sort()).toEqual(['after', 'before'])
    }
  })

  it('R24: twice in a row, in the write of one life and in the first of the next, loses nothing acknowledged', async () => {
    const random = stream(3)
    const [, step] = await trace([[terms({ a: 1 }), many(60, 3)]])
    for (let round = 0; round < 40; round++) {
      const dir = temporary()
      const mask = random(256)
      let images = land(step!.images, step!.written, (sector) => (mask & (1 << sector)) !== 0)
      const wanted = read(images, step!)
      expect(['before', 'after']).toContain(wanted)
      for (let life = 0; life < 3; life++) {
        writeFileSync(join(dir, 'slot-a'), images[0])
        writeFileSync(join(dir, 'slot-b'), images[1])
        const log: Written[] = []
        const storage = createFileStorage({ dir }, recording(log))
        await open(storage)
        await write(storage, many(60, 7 + life))
        await close(storage)
        const lost = random(6)
        if (lost * SECTOR_BYTES >= frameBytes(log[0]!)) break
        images = land(images, log[0]!, (sector) => sector !== lost)
        expect(read(images, step!)).toBe(wanted)
      }
    }
  })
})

describe('damage to what was acknowledged', () => {
  it('A3: one flipped bit in any write but the last is refused, or harms nothing', async () => {
    const steps = await trace([small, [terms({ z: 9 }), terms({ y: 1 })]])
    const last = trimmed(steps.at(-1)!)
    const images = land(last.images, last.written, () => true)
    const counts: Record<string, number> = {}
    for (const { written } of steps.slice(0, -1)) {
      for (const outcome of Object.keys(outcomes(last, flips(images, written)))) counts[outcome] = 1
    }
    const expected = [
      'after',
      expect.stringMatching(/^refused: write \d+ was acknowledged, but only \d+ can be read$/),
    ]
    expect(Object.keys(counts).sort()).toEqual(expected)
    // The snapshot of the slot in use: nearly every byte counts. The former slot: none does.
    const newest = outcomes(last, flips(images, steps.at(-2)!.written))
    expect(newest['after'] ?? 0).toBeLessThan(300)
    expect(outcomes(last, flips(images, steps[1]!.written))).toEqual({ after: SECTOR_BYTES })
  })

  it('A3: one flipped bit in the very last write is refused, or harms nothing', async () => {
    for (const change of [terms({ b: 1 }), many(60, 3)]) {
      const steps = await trace([[terms({ a: 1 }), change]])
      const last = trimmed(steps[1]!)
      const images = land(last.images, last.written, () => true)
      const counts = outcomes(last, flips(images, last.written))
      expect(Object.keys(counts).sort()).toEqual([
        'after',
        expect.stringMatching(/^refused: write 3 is complete/),
      ])
    }
  })

  it('A3: a lost or zeroed sector of a write before the last is refused', async () => {
    const steps = await trace([[terms({ a: 1 }), many(60, 3), terms({ b: 1 })]])
    const last = trimmed(steps[2]!)
    const images = land(last.images, last.written, () => true)
    const { position, slot } = steps[1]!.written
    expect(frameBytes(steps[1]!.written)).toBeGreaterThan(2 * SECTOR_BYTES)
    for (let sector = 0; sector < frameBytes(steps[1]!.written) / SECTOR_BYTES; sector++) {
      const from = position + sector * SECTOR_BYTES
      const zeroed = replaced(images, { ...last.written, slot }, (image) =>
        Buffer.from(image).fill(0, from, from + SECTOR_BYTES),
      )
      expect(read(zeroed, last)).toBe('refused: write 3 was acknowledged, but only 2 can be read')
    }
  })

  it('A3: an old copy of the slot in use is refused when a sector of a later write is left anywhere', async () => {
    const steps = await trace([small, later, [many(60, 3)]])
    const [old, torn] = [steps[4]!.images[0], steps[5]!]
    expect([steps[4]!.written.slot, torn.written.slot]).toEqual(['slot-a', 'slot-b'])
    const images = land(torn.images, torn.written, (sector) => sector === 2)
    expect(read(images, torn)).toBe('before')
    expect(read([old, images[1]], torn)).toBe('refused: write 6 was acknowledged, but only 5 can be read')
  })

  it('both slots broken is refused', async () => {
    const [step] = await trace([small])
    const blank = (image: Buffer) => Buffer.from(image).fill(0, FRAMES_AT)
    expect(read([blank(step!.images[0]), blank(step!.images[1])], step!)).toBe(
      'refused: neither slot holds a readable snapshot',
    )
  })

  it('E6: no bytes make the recovery throw', async () => {
    const steps = await trace([small])
    const { images } = trimmed(steps[2]!)
    const edits = fc.array(
      fc.tuple(fc.nat(images[1].length - 1), fc.uint8Array({ minLength: 1, maxLength: 40 })),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9000 }), edits, fc.boolean(), (noise, list, cut) => {
        const b = Buffer.from(images[1])
        for (const [at, bytes] of list) b.set(bytes.subarray(0, b.length - at), at)
        const found = recover([cut ? Buffer.from(noise) : images[0], b])
        return typeof found.ok === 'boolean'
      }),
      { numRuns: 300 },
    )
  })
})

/** Every byte of a frame with one bit changed. */
function* flips(images: Images, written: Written): Generator<Images> {
  for (let at = 0; at < frameBytes(written); at++) {
    yield replaced(images, written, (image) => {
      const next = Buffer.from(image)
      next[written.position + at]! ^= 1 << (at % 8)
      return next
    })
  }
}

function* sampled(images: Iterable<Images>, each: number): Generator<Images> {
  let index = 0
  for (const image of images) if (index++ % each === 0) yield image
}
