/**
 * Goal: the file storage refuses what it must refuse, names the way out, and never touches what it refuses; a failed
 * write is final. Method: real directories; file operations that fail on demand in place of the system's.
 */

import * as fs from 'node:fs'
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ElectionError } from '../../src/errors'
import type { Storage, StorageIdentity } from '../../src/ports/storage'
import { file } from '../../src/storage'
import { createFileStorage, type FileOperations } from '../../src/storage/file'
import { encodeLabel } from '../../src/storage/label'
import {
  close,
  identity,
  nextLife,
  open,
  plain,
  recording,
  temporary,
  terms,
  type Written,
  write,
} from './helpers'

/** Opens, writes each change, closes. */
async function fill(dir: string, ...changes: Parameters<typeof write>[1][]): Promise<void> {
  const storage = file({ dir })
  await open(storage)
  for (const change of changes) await write(storage, change)
  await close(storage)
}

/** The error of an `open` that has to fail; the directory is let go. */
async function refusal(dir: string, owner: StorageIdentity = identity): Promise<ElectionError> {
  const storage = file({ dir })
  const error = await open(storage, owner).then(
    () => null,
    (error: ElectionError) => error,
  )
  await close(storage)
  if (error === null) throw new Error('the directory was opened')
  return error
}

async function read(dir: string, owner: StorageIdentity = identity) {
  const storage = file({ dir })
  const state = await open(storage, owner)
  await close(storage)
  return state
}

/** Content of the slots, to tell whether anything was changed. */
function slotsOf(dir: string): string[] {
  return ['slot-a', 'slot-b'].map((name) => {
    const path = join(dir, name)
    return existsSync(path) ? readFileSync(path, 'latin1') : 'missing'
  })
}

describe('a data directory', () => {
  it('E11: is made with its parents, for the owner only, as are its files', async () => {
    const dir = join(temporary(), 'deep', 'er')
    const storage = file({ dir })
    await open(storage)
    const modes = readdirSync(dir).map((name) => [
      name.replace(/\d+-[0-9a-f]+/, '*'),
      lstatSync(join(dir, name)).mode & 0o777,
    ])
    expect(modes).toEqual([
      ['holder.json', 0o600],
      ['lock-*', 0o600],
      ['slot-a', 0o600],
      ['slot-b', 0o600],
    ])
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    expect(statSync(join(dir, '..')).mode & 0o777).toBe(0o700)
    await close(storage)
    expect(readdirSync(dir)).toEqual(['slot-a', 'slot-b'])
  })

  it('is opened, not created or touched, by the constructor', () => {
    const dir = join(temporary(), 'x')
    file({ dir })
    expect(existsSync(dir)).toBe(false)
  })

  it.each([[''], ['a\0b'], [undefined], [7]])('is no %j', (dir) => {
    expect(() => file({ dir: dir as string })).toThrow(
      expect.objectContaining({
        code: 'ELECTION_CONFIG_INVALID',
        message: expect.stringContaining('dir has to be'),
      }),
    )
  })

  it('E11: that is a symbolic link is refused', async () => {
    const dir = temporary()
    mkdirSync(join(dir, 'real'))
    symlinkSync(join(dir, 'real'), join(dir, 'link'))
    expect(await refusal(`${join(dir, 'link')}/`)).toMatchObject({
      code: 'ELECTION_STORAGE_FAILED',
      message: expect.stringContaining('symbolic link'),
    })
    expect(readdirSync(join(dir, 'real'))).toEqual([])
  })

  it('E11: with a slot that is a symbolic link, or no file, is refused', async () => {
    for (const spoil of [
      (dir: string) => {
        renameSync(join(dir, 'slot-b'), join(dir, 'elsewhere'))
        symlinkSync('elsewhere', join(dir, 'slot-b'))
      },
      (dir: string) => {
        rmSync(join(dir, 'slot-b'))
        mkdirSync(join(dir, 'slot-b'))
      },
    ]) {
      const dir = temporary()
      await fill(dir, terms({ e: 1 }))
      spoil(dir)
      expect((await refusal(dir)).code).toBe('ELECTION_STORAGE_FAILED')
    }
  })

  it('E11: a link in place of a new slot is not followed at creation', async () => {
    const dir = temporary()
    const victim = join(dir, 'victim')
    writeFileSync(victim, 'precious')
    mkdirSync(join(dir, 'data'))
    symlinkSync(victim, join(dir, 'data', 'slot-a.new'))
    await fill(join(dir, 'data'), terms({ e: 1 }))
    expect(readFileSync(victim, 'utf8')).toBe('precious')
  })

  it('where the system says that a parent is missing which is there is refused', async () => {
    if (process.platform !== 'linux') return
    expect(await refusal('/proc/conclave/data')).toMatchObject({
      code: 'ELECTION_STORAGE_FAILED',
      details: { code: 'ENOENT' },
    })
  })

  it('that is a file is refused', async () => {
    const path = join(temporary(), 'x')
    writeFileSync(path, '')
    expect((await refusal(path)).code).toBe('ELECTION_STORAGE_FAILED')
  })

  it('R24: keeps its record over restarts, with the incarnation that was written', async () => {
    const dir = temporary()
    const { process } = await read(dir)
    await fill(dir, { process: nextLife(process), terms: new Map([['e', 4]]) })
    expect(plain(await read(dir))).toEqual(plain({ process: nextLife(process), terms: new Map([['e', 4]]) }))
  })

  it('works with a path longer than a socket address, with any bytes in it', async () => {
    const dir = join(temporary(), 'd'.repeat(200), 'ü \n'.repeat(20), 'x')
    const storage = file({ dir })
    await open(storage)
    await write(storage, terms({ e: 1 }))
    const second = file({ dir })
    await expect(open(second)).rejects.toMatchObject({ code: 'ELECTION_STORAGE_LOCKED' })
    await close(storage)
    expect((await read(dir)).terms.get('e')).toBe(1)
  })
})

describe('creation', () => {
  it('B.14: a crash at any point before the first record is in place starts again from nothing', async () => {
    const made = temporary()
    await read(made)
    const [a, b] = ['slot-a', 'slot-b'].map((name) => readFileSync(join(made, name)))
    const leftovers: Record<string, Buffer>[] = [
      { 'slot-b': b!.subarray(0, 100) },
      { 'slot-b': Buffer.alloc(0) },
      { 'slot-b': b! },
      { 'slot-b': b!, 'slot-a.new': a!.subarray(0, 5000) },
      { 'slot-b': b!, 'slot-a.new': a! },
      { 'slot-a.new': a! },
    ]
    for (const files of leftovers) {
      const dir = temporary()
      for (const [name, bytes] of Object.entries(files)) writeFileSync(join(dir, name), bytes)
      await fill(dir, terms({ e: 1 }))
      expect((await read(dir)).terms.get('e')).toBe(1)
      expect(readdirSync(dir)).toEqual(['slot-a', 'slot-b'])
    }
  })

  it('refuses ids that no record can name, and leaves no record', async () => {
    const dir = temporary()
    for (const owner of [
      { ...identity, nodeId: 'no spaces' },
      { ...identity, clusterId: '' },
      { ...identity, config: { term: -1, version: 0, termFloor: 0 } },
    ]) {
      expect((await refusal(dir, owner)).code).toBe('ELECTION_CONFIG_INVALID')
    }
    expect((await refusal(dir, { ...identity, clusterId: 'x'.repeat(5000) })).code).toBe(
      'ELECTION_STORAGE_FAILED',
    )
    expect(slotsOf(dir)).toEqual(['missing', 'missing'])
  })
})

describe('a directory of somebody else', () => {
  it('E11: names both owners and the way out, and stays as it was', async () => {
    const dir = temporary()
    await fill(dir, terms({ e: 1 }))
    const before = slotsOf(dir)
    for (const owner of [
      { ...identity, clusterId: 'shipping' },
      { ...identity, nodeId: 'b' },
    ]) {
      const error = await refusal(dir, owner)
      expect(error.code).toBe('ELECTION_STORAGE_FOREIGN')
      for (const part of [
        '"billing"',
        '"a"',
        `"${owner.clusterId}"`,
        `"${owner.nodeId}"`,
        dir,
        'of its own',
      ]) {
        expect(error.message).toContain(part)
      }
    }
    expect(slotsOf(dir)).toEqual(before)
  })

  it('E11: one slot copied from another storage of the same process is refused', async () => {
    const [dir, other] = [temporary(), temporary()]
    await fill(dir, terms({ e: 1 }))
    await fill(other, terms({ e: 1 }))
    copyFileSync(join(other, 'slot-b'), join(dir, 'slot-b'))
    expect(await refusal(dir)).toMatchObject({
      code: 'ELECTION_STORAGE_CORRUPT',
      details: { reason: 'its two slots are of different storages' },
    })
  })
})

describe('damage', () => {
  const spoiled: [string, (dir: string) => void, RegExp][] = [
    ['slot-a is gone', (dir) => rmSync(join(dir, 'slot-a')), /slot-a is missing/],
    ['slot-b is gone', (dir) => rmSync(join(dir, 'slot-b')), /slot-b is missing/],
    ['a slot is empty', (dir) => truncateSync(join(dir, 'slot-b'), 0), /slot-b: its label is unreadable/],
    [
      'a label is damaged',
      (dir) => patch(dir, 'slot-a', 60, 'X'),
      /slot-a: the digest of its label is wrong/,
    ],
    ['one slot is a copy of the other', copyB, /slot-a is a copy of slot-b/],
    ['a newer format', (dir) => patch(dir, 'slot-a', 0, 'conclave-storage 2\n'), /format 2.*reads format 1/],
    [
      'the newest slot lost its frames',
      (dir) => patch(dir, 'slot-b', 4096, '\0'.repeat(40)),
      /cannot be trusted/,
    ],
    ['neither slot has a frame', zeroFrames, /neither slot holds a readable snapshot/],
  ]

  it.each(spoiled)(
    'A3: %s: refused with the reason and the way out, untouched',
    async (_name, spoil, reason) => {
      const dir = temporary()
      await fill(dir, terms({ e: 1 }), terms({ f: 2 }))
      spoil(dir)
      const before = slotsOf(dir)
      const error = await refusal(dir)
      expect(error.code).toBe('ELECTION_STORAGE_CORRUPT')
      expect(error.message).toMatch(reason)
      expect(error.message).toContain('(R26)')
      expect(error.message).toContain(dir)
      expect(slotsOf(dir)).toEqual(before)
    },
  )

  it('a record that does not agree with its label is refused', async () => {
    const dir = temporary()
    const { process } = await read(dir)
    for (const slot of ['a', 'b'] as const) {
      const label = encodeLabel({ clusterId: 'shipping', nodeId: 'a', storageId: process.storageId, slot })
      patch(dir, `slot-${slot}`, 0, label.toString('latin1'))
    }
    expect(await refusal(dir, { ...identity, clusterId: 'shipping' })).toMatchObject({
      code: 'ELECTION_STORAGE_CORRUPT',
      details: { reason: 'its record does not agree with its label' },
    })
  })
})

describe('a write', () => {
  it('R70: of a hundred elections is one write and one flush', async () => {
    const log: Written[] = []
    const flushes = { count: 0 }
    const storage = createFileStorage({ dir: temporary() }, recording(log, flushes), 'fdatasync')
    await open(storage)
    await write(storage, terms({ e: 1 }))
    log.length = 0
    flushes.count = 0
    await write(storage, { terms: new Map(Array.from({ length: 100 }, (_, i) => [`e${i}`, i] as const)) })
    expect([log.length, flushes.count]).toEqual([1, 1])
    await close(storage)
  })

  it('stays small whatever the number of elections', async () => {
    const log: Written[] = []
    const dir = temporary()
    const storage = createFileStorage({ dir }, recording(log))
    await open(storage)
    const all = new Map(Array.from({ length: 20_000 }, (_, i) => [`election-${i}`, i] as const))
    await write(storage, { terms: all })
    await write(storage, terms({ 'election-7': 9 }))
    expect(log.at(-1)!.bytes.length).toBe(4096)
    await close(storage)
    const { terms: found } = await read(dir)
    expect(found).toEqual(all.set('election-7', 9))
  })

  it('never goes behind what was read back: the first one of a life goes to the other slot', async () => {
    const dir = temporary()
    const slots: string[] = []
    for (let life = 0; life < 4; life++) {
      const log: Written[] = []
      const storage = createFileStorage({ dir }, recording(log))
      await open(storage)
      await write(storage, terms({ e: life }))
      await write(storage, terms({ f: life }))
      await close(storage)
      slots.push(...log.map(({ slot, position }) => `${slot} ${position}`))
    }
    expect(slots).toEqual([
      'slot-b 4096',
      'slot-b 8192',
      'slot-a 4096',
      'slot-a 8192',
      'slot-b 4096',
      'slot-b 8192',
      'slot-a 4096',
      'slot-a 8192',
    ])
  })

  it('holds what was handed over, not what the caller made of it later', async () => {
    const dir = temporary()
    const storage = file({ dir })
    const { process } = await open(storage)
    const pins: Record<string, { storageId: string; incarnation: number }> = {}
    await write(storage, { process: { ...process, pins }, terms: new Map() })
    pins['b'] = { storageId: 's', incarnation: 1 }
    for (let i = 0; i < 70; i++) await write(storage, terms({ e: i }))
    await close(storage)
    expect(Object.keys((await read(dir)).process.pins)).toEqual([])
  })

  it('is completed when the system takes it in pieces', async () => {
    const dir = temporary()
    const pieces: FileOperations = {
      ...fs,
      write: (fd, buffer, offset, length, position, done) =>
        fs.write(fd, buffer, offset, Math.min(length, 1000), position, done),
    }
    const storage = createFileStorage({ dir }, pieces)
    await open(storage)
    await write(storage, terms({ e: 1 }))
    await close(storage)
    expect((await read(dir)).terms.get('e')).toBe(1)
  })

  it.each([
    ['the name of an election', terms({ 'no spaces': 1 })],
    ['a term', terms({ e: 2 ** 53 - 1 })],
    ['a term', terms({ e: -1 })],
    ['a term', terms({ e: 1.5 })],
  ])(
    'R44: of %s that could not be read back is refused, and the record stays readable',
    async (_what, change) => {
      const dir = temporary()
      const storage = file({ dir })
      await open(storage)
      await write(storage, terms({ e: 1 }))
      await expect(write(storage, change)).rejects.toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
      await close(storage)
      expect((await read(dir)).terms).toEqual(new Map([['e', 1]]))
    },
  )

  it('of a record of another storage is refused', async () => {
    const dir = temporary()
    const storage = file({ dir })
    const { process } = await open(storage)
    const other = { ...process, storageId: 'f'.repeat(32) }
    await expect(write(storage, { process: other, terms: new Map() })).rejects.toMatchObject({
      code: 'ELECTION_STORAGE_FAILED',
    })
    await close(storage)
    expect((await read(dir)).process.storageId).toBe(process.storageId)
  })
})

describe('a failed write', () => {
  const failures: [string, (code: string) => FileOperations][] = [
    ['write', (code) => ({ ...fs, write: (_fd, _b, _o, _l, _p, done) => done(system(code), 0) })],
    ['fdatasync', (code) => ({ ...fs, fdatasync: (_fd, done) => done(system(code)) })],
    ['write of nothing', () => ({ ...fs, write: (_fd, _b, _o, _l, _p, done) => done(null, 0) })],
  ]
  it.each(failures)('R1: %s: is reported with its cause and is final', async (_name, make) => {
    for (const code of ['EIO', 'ENOSPC']) {
      const dir = temporary()
      let broken = false
      const operations: FileOperations = {
        ...fs,
        write: (...args) => (broken ? make(code) : fs).write(...args),
        fdatasync: (...args) => (broken ? make(code) : fs).fdatasync(...args),
      }
      const storage = createFileStorage({ dir }, operations, 'fdatasync')
      await open(storage)
      await write(storage, terms({ e: 1 }))
      broken = true
      await expect(write(storage, terms({ e: 2 }))).rejects.toMatchObject({
        code: 'ELECTION_STORAGE_FAILED',
        cause: expect.any(Error),
      })
      broken = false
      await expect(write(storage, terms({ e: 3 }))).rejects.toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
      await close(storage)
      expect([1, 2]).toContain((await read(dir)).terms.get('e'))
    }
  })

  it('R1: a disk that is full in the middle of a write loses nothing acknowledged', async () => {
    const dir = temporary()
    let left = 4 * 4096 + 1000
    const full: FileOperations = {
      ...fs,
      write(fd, buffer, offset, length, position, done) {
        const taken = Math.min(length, left)
        left -= taken
        if (taken === 0) done(system('ENOSPC'), 0)
        else fs.write(fd, buffer, offset, taken, position, done)
      },
    }
    const storage = createFileStorage({ dir }, full)
    await open(storage)
    let acknowledged = 0
    const failed = await (async () => {
      for (let term = 1; ; term++) {
        const change = { terms: new Map(Array.from({ length: 100 }, (_, i) => [`e${i}`, term] as const)) }
        try {
          await write(storage, change)
          acknowledged = term
        } catch (error) {
          return error
        }
      }
    })()
    expect(failed).toMatchObject({ code: 'ELECTION_STORAGE_FAILED', details: { code: 'ENOSPC' } })
    expect(acknowledged).toBe(4)
    await close(storage)
    expect(new Set((await read(dir)).terms.values())).toEqual(new Set([acknowledged]))
  })
})

describe('a read', () => {
  /** Reads in small pieces, of which the one of that number fails. */
  const failingAt = (failing: number): { operations: FileOperations; reads: () => number } => {
    let reads = 0
    return {
      operations: {
        ...fs,
        read(fd, buffer, offset, length, position, done) {
          if (++reads === failing) done(system('EIO'), 0)
          else fs.read(fd, buffer, offset, Math.min(length, 64 * 1024), position, done)
        },
      },
      reads: () => reads,
    }
  }

  it('A3: that fails anywhere refuses to open, and never passes for the end of the file', async () => {
    const dir = temporary()
    const names = Array.from({ length: 300 }, (_, i) => `${i}-${'x'.repeat(80)}`)
    await fill(dir, terms(Object.fromEntries(names.map((name) => [name, 1]))), terms({ [names[0]!]: 2 }))
    const whole = failingAt(0)
    const storage = createFileStorage({ dir }, whole.operations)
    expect((await open(storage)).terms.get(names[0]!)).toBe(2)
    await close(storage)
    expect(whole.reads()).toBeGreaterThan(6)
    for (let failing = 1; failing <= whole.reads(); failing++) {
      const { operations } = failingAt(failing)
      const broken = createFileStorage({ dir }, operations)
      await expect(open(broken)).rejects.toMatchObject({
        code: 'ELECTION_STORAGE_FAILED',
        details: { code: 'EIO' },
      })
      await close(broken)
    }
    expect((await read(dir)).terms.get(names[0]!)).toBe(2)
  })
})

describe('the life of a storage', () => {
  it('open, write and close out of order are answered, never thrown', async () => {
    const storage = file({ dir: temporary() })
    await expect(write(storage, terms({ e: 1 }))).rejects.toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
    const first = open(storage)
    await expect(open(storage)).rejects.toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
    await first
    const one = write(storage, terms({ e: 1 }))
    await expect(write(storage, terms({ e: 2 }))).rejects.toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
    await one
    await close(storage)
    await expect(write(storage, terms({ e: 3 }))).rejects.toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
    expect((await open(storage)).terms.get('e')).toBe(1)
    await close(storage)
  })

  it('close waits for the write under way, and for open', async () => {
    const dir = temporary()
    const order: string[] = []
    const storage = file({ dir })
    const opened = open(storage).then(() => order.push('open'))
    await close(storage).then(() => order.push('close'))
    await opened
    await open(storage)
    const written = write(storage, terms({ e: 1 })).then(() => order.push('write'))
    await Promise.all([close(storage), close(storage)]).then(() => order.push('closed'))
    await written
    expect(order).toEqual(['open', 'close', 'write', 'closed'])
    expect((await read(dir)).terms.get('e')).toBe(1)
  })

  it('a refused open lets go of everything', async () => {
    const dir = temporary()
    await fill(dir, terms({ e: 1 }))
    const storage: Storage = file({ dir })
    await expect(open(storage, { ...identity, nodeId: 'b' })).rejects.toThrow()
    expect(readdirSync(dir)).toEqual(['slot-a', 'slot-b'])
    expect((await open(storage)).terms.get('e')).toBe(1)
    await close(storage)
  })
})

function system(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code })
}

function patch(dir: string, name: string, at: number, text: string): void {
  const bytes = readFileSync(join(dir, name))
  bytes.write(text, at, 'latin1')
  writeFileSync(join(dir, name), bytes)
}

function copyB(dir: string): void {
  copyFileSync(join(dir, 'slot-b'), join(dir, 'slot-a'))
}

function zeroFrames(dir: string): void {
  for (const name of ['slot-a', 'slot-b']) patch(dir, name, 4096, '\0'.repeat(100_000))
}
