/**
 * Goal: what the file fence does with a disk: how often it writes, what it refuses, how it recovers. Method: a real
 * directory, and a layer in front of it that counts and fails on demand.
 */
import { lstat, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type FileOps, fileFence } from 'conclave/fencing'
import { describe, expect, it } from 'vitest'
import { failingFiles, type Operation, outcome, scratch } from './helpers'

const claim = (token: number, holder = 'a') => ({ token, holder, election: 'invoices' })

describe('writing', () => {
  it('claims that come together share one sync; a claim that is known costs none', async () => {
    const counts: Partial<Record<Operation, number>> = {}
    const fence = await fileFence(
      { dir: await scratch() },
      failingFiles(() => null, counts),
    )
    expect(counts).toMatchObject({ sync: 1, rename: 1, syncDirectory: 1 })
    await Promise.all(Array.from({ length: 500 }, (_, n) => fence.check(`r${n}`, claim(7))))
    expect(counts).toMatchObject({ append: 2, sync: 2 })
    await Promise.all(Array.from({ length: 500 }, (_, n) => fence.check(`r${n}`, claim(7))))
    for (let n = 0; n < 500; n += 1)
      expect(await outcome(fence.check(`r${n}`, claim(6)))).not.toBe('accepted')
    expect(counts).toMatchObject({ append: 2, sync: 2 })
    expect(fence.stats()).toMatchObject({ resources: 500, floors: 0, appends: 1, rewrites: 1 })
    await fence.close()
  })

  it('P5: work runs only after the claim is durable', async () => {
    const order: string[] = []
    const files = failingFiles((operation) => {
      if (operation === 'sync' || operation === 'rename') order.push(operation)
      return null
    })
    const fence = await fileFence({ dir: await scratch() }, files)
    order.length = 0
    await fence.guard('r', claim(7), () => order.push('work'))
    expect(order).toEqual(['sync', 'work'])
    await fence.close()
  })

  it('P5: nothing is shown before it is durable', async () => {
    let release = (): void => undefined
    let gate: Promise<void> = Promise.resolve()
    const plain = failingFiles(() => null)
    const files: FileOps = {
      ...plain,
      create: async (path) => {
        const file = await plain.create(path)
        return { ...file, sync: () => gate.then(() => file.sync()) }
      },
    }
    const fence = await fileFence({ dir: await scratch() }, files)
    gate = new Promise((resolve) => (release = resolve))
    const events: string[] = []
    const checked = fence.check('r', claim(7)).then(() => events.push('accepted'))
    const shown = fence.highest('r').then((mark) => events.push(`shown ${mark?.token}`))
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(events).toEqual([])
    release()
    await Promise.all([checked, shown])
    expect(events.sort()).toEqual(['accepted', 'shown 7'])
    await fence.close()
  })

  it('the journal does not grow with the number of claims, and many resources survive its rewriting', async () => {
    const dir = await scratch()
    let fence = await fileFence({ dir })
    for (let token = 1; token <= 60; token += 1) {
      await Promise.all(Array.from({ length: 100 }, (_, n) => fence.check(`resource ${n}`, claim(token))))
    }
    const { appends, rewrites, journalBytes } = fence.stats()
    expect(appends + rewrites - 1).toBe(60)
    expect(rewrites).toBeGreaterThan(2)
    expect((await stat(join(dir, 'fence.journal'))).size).toBe(journalBytes)
    expect(journalBytes).toBeLessThan(70_000)
    await Promise.all(Array.from({ length: 5_000 }, (_, n) => fence.check(`one of many ${n}`, claim(n + 1))))
    await fence.close()
    fence = await fileFence({ dir })
    expect(fence.stats().resources).toBe(5_100)
    for (let n = 0; n < 5_000; n += 97) {
      expect(await fence.highest(`one of many ${n}`)).toEqual(claim(n + 1))
    }
    expect(await fence.highest('resource 99')).toEqual(claim(60))
    await fence.close()
  })

  it('P5: memory and journal are bounded by maxResources, and folding survives a restart', async () => {
    const dir = await scratch()
    let fence = await fileFence({ dir, maxResources: 10 })
    for (let n = 1; n <= 100; n += 1) await fence.check(`r${n}`, claim(n))
    expect(fence.stats()).toMatchObject({ resources: 10, floors: 1 })
    await fence.close()
    fence = await fileFence({ dir, maxResources: 5 })
    expect(fence.stats()).toMatchObject({ resources: 5, floors: 1 })
    expect(await outcome(fence.check('r1', claim(94)))).toBe('ELECTION_STALE_TOKEN')
    expect(await outcome(fence.check('r1', claim(95, 'b')))).toBe('ELECTION_STALE_TOKEN')
    expect(await outcome(fence.check('r1', claim(100)))).toBe('accepted')
    await fence.close()
  })
})

describe('a disk that fails', () => {
  for (const [errno, failing] of [
    ['ENOSPC', 'append'],
    ['EIO', 'sync'],
  ] as const) {
    it(`P5: ${errno} in ${failing}: nothing is accepted until a new file is written, then everything is`, async () => {
      const dir = await scratch()
      let broken = false
      const files = failingFiles((operation) => (broken && operation === failing ? errno : null))
      const fence = await fileFence({ dir }, files)
      await fence.check('r', claim(7))
      broken = true
      await expect(fence.check('r', claim(8, 'b'))).rejects.toMatchObject({
        code: 'ELECTION_STORAGE_FAILED',
        details: { errno },
        cause: { code: errno },
      })
      // The token was seen: it is not undercut, and not even repeated while it may not be durable.
      expect(await outcome(fence.check('r', claim(7)))).toBe('ELECTION_STALE_TOKEN')
      expect(await outcome(fence.check('r', claim(8, 'b')))).toBe('ELECTION_STORAGE_FAILED')
      expect(await outcome(fence.check('s', claim(7)))).toBe('ELECTION_STORAGE_FAILED')
      expect(await outcome(fence.highest('r'))).toBe('ELECTION_STORAGE_FAILED')
      broken = false
      await fence.check('r', claim(8, 'b'))
      expect(fence.stats()).toMatchObject({ rewrites: 2, appends: 1 })
      await fence.check('s', claim(9))
      await fence.close()
      const again = await fileFence({ dir })
      expect(await again.highest('r')).toEqual(claim(8, 'b'))
      expect(await again.highest('s')).toEqual(claim(9))
      await again.close()
    })
  }

  it('P5: whichever step of a rewrite fails, the former journal or the new one is whole', async () => {
    for (const failing of ['remove', 'create', 'append', 'sync', 'rename', 'syncDirectory'] as const) {
      const dir = await scratch()
      let broken: Operation[] = []
      const files = failingFiles((operation) => (broken.includes(operation) ? 'EIO' : null))
      const fence = await fileFence({ dir }, files)
      await fence.check('r', claim(7))
      broken = ['append']
      expect(await outcome(fence.check('r', claim(8)))).toBe('ELECTION_STORAGE_FAILED')
      broken = [failing]
      expect(await outcome(fence.check('r', claim(9))), failing).toBe('ELECTION_STORAGE_FAILED')
      await fence.close()
      const again = await fileFence({ dir })
      expect((await again.highest('r'))!.token, failing).toBeGreaterThanOrEqual(7)
      expect(await outcome(again.check('r', claim(6))), failing).toBe('ELECTION_STALE_TOKEN')
      expect((await readdir(dir)).filter((name) => name.endsWith('.new'))).toEqual([])
      await again.close()
    }
  })

  it('P5: whichever step fails when the journal has grown, nothing is appended to a file that lost its name', async () => {
    for (const failing of ['create', 'append', 'sync', 'rename', 'syncDirectory'] as const) {
      const dir = await scratch()
      let broken = false
      const files = failingFiles((op, path) =>
        broken && op === failing && (op === 'syncDirectory' || path.endsWith('.new')) ? 'EIO' : null,
      )
      const fence = await fileFence({ dir }, files)
      await fence.check('r', claim(7))
      broken = true
      const many = Array.from({ length: 2_000 }, (_, n) => outcome(fence.check(`resource ${n}`, claim(1))))
      expect(new Set(await Promise.all(many)), failing).toEqual(new Set(['ELECTION_STORAGE_FAILED']))
      broken = false
      expect(await outcome(fence.check('r', claim(8))), failing).toBe('accepted')
      await fence.close()
      const again = await fileFence({ dir })
      expect(await again.highest('r'), failing).toEqual(claim(8))
      await again.close()
    }
  })

  it('a claim that is known is accepted while the journal is rewritten', async () => {
    let hold: Promise<void> | null = null
    let release = (): void => undefined
    const plain = failingFiles(() => null)
    const files: FileOps = {
      ...plain,
      create: async (path) => {
        await hold
        return plain.create(path)
      },
    }
    const fence = await fileFence({ dir: await scratch() }, files)
    await fence.check('r', claim(7))
    hold = new Promise((resolve) => (release = resolve))
    const large = Promise.all(Array.from({ length: 2_000 }, (_, n) => fence.check(`resource ${n}`, claim(1))))
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    expect(await outcome(fence.check('r', claim(7)))).toBe('accepted')
    expect(fence.stats().rewrites).toBe(1)
    release()
    await large
    expect(fence.stats().rewrites).toBe(2)
    await fence.close()
  })

  it('opening fails with a typed error and leaves the directory free', async () => {
    for (const failing of [
      'makeDirectory',
      'read',
      'remove',
      'create',
      'append',
      'sync',
      'rename',
    ] as const) {
      const dir = await scratch()
      const files = failingFiles((operation) => (operation === failing ? 'EACCES' : null))
      expect(await outcome(fileFence({ dir }, files)), failing).toBe('ELECTION_STORAGE_FAILED')
      await (await fileFence({ dir })).close()
    }
  })
})

describe('the directory', () => {
  it('E11: is private, and so is everything in it', async () => {
    const dir = join(await scratch(), 'made', 'by', 'the fence')
    const fence = await fileFence({ dir })
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
    expect((await stat(join(dir, 'fence.journal'))).mode & 0o777).toBe(0o600)
    await fence.close()
    expect(await readdir(dir)).toEqual(['fence.journal'])
  })

  it('E11: symbolic links are refused, and what they point to is not touched', async () => {
    const dir = await scratch()
    const real = join(dir, 'real')
    await (await fileFence({ dir: real })).close()
    await symlink(real, join(dir, 'link'))
    expect(await outcome(fileFence({ dir: join(dir, 'link') }))).toBe('ELECTION_STORAGE_FAILED')

    const other = join(dir, 'other')
    await mkdir(other)
    await symlink(join(real, 'fence.journal'), join(other, 'fence.journal'))
    await expect(fileFence({ dir: other })).rejects.toMatchObject({ details: { errno: 'ELOOP' } })

    const third = join(dir, 'third')
    const victim = join(dir, 'victim')
    await mkdir(third)
    await writeFile(victim, 'precious')
    await symlink(victim, join(third, 'fence.journal.new'))
    await (await fileFence({ dir: third })).close()
    expect(await readFile(victim, 'utf8')).toBe('precious')
    expect((await lstat(join(third, 'fence.journal'))).isFile()).toBe(true)
  })

  it('what is not a directory, or not a journal, is refused', async () => {
    const dir = await scratch()
    await writeFile(join(dir, 'file'), '')
    expect(await outcome(fileFence({ dir: join(dir, 'file') }))).toBe('ELECTION_STORAGE_FAILED')
    for (const text of ['', '\n', 'hello\n', '{"conclave":"fence","format":1}\n']) {
      await writeFile(join(dir, 'fence.journal'), text)
      expect(await outcome(fileFence({ dir }))).toBe('ELECTION_STORAGE_CORRUPT')
    }
  })

  it('A4: a second fence on the same directory is refused while the first lives, and at once welcome after', async () => {
    const dir = await scratch()
    const first = await fileFence({ dir })
    expect(await outcome(fileFence({ dir }))).toBe('ELECTION_STORAGE_LOCKED')
    expect(await outcome(first.check('r', claim(7)))).toBe('accepted')
    await first.close()
    const second = await fileFence({ dir })
    expect(await second.highest('r')).toEqual(claim(7))
    await second.close()
  })

  it('A4: of many that open at the same time exactly one succeeds', async () => {
    const dir = await scratch()
    await (await fileFence({ dir })).close()
    for (let round = 0; round < 10; round += 1) {
      const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => fileFence({ dir })))
      const open = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []))
      expect(open).toHaveLength(1)
      for (const attempt of attempts) {
        if (attempt.status === 'rejected') expect(attempt.reason.code).toBe('ELECTION_STORAGE_LOCKED')
      }
      for (const fence of open) await fence.close()
    }
    expect(await readdir(dir)).toEqual(['fence.journal'])
  })

  it('A4: a path that is longer than the address of a socket excludes as well', async () => {
    const dir = join(await scratch(), 'x'.repeat(100))
    const fence = await fileFence({ dir })
    expect(await outcome(fileFence({ dir }))).toBe('ELECTION_STORAGE_LOCKED')
    await fence.close()
  })

  it('a directory that was moved away is noticed at the next rewrite, not papered over', async () => {
    const parent = await scratch()
    const dir = join(parent, 'a')
    let broken = false
    const fence = await fileFence(
      { dir },
      failingFiles((op) => (broken && op === 'append' ? 'EIO' : null)),
    )
    await rename(dir, join(parent, 'b'))
    broken = true
    expect(await outcome(fence.check('r', claim(7)))).toBe('ELECTION_STORAGE_FAILED')
    broken = false
    expect(await outcome(fence.check('r', claim(7)))).toBe('ELECTION_STORAGE_FAILED')
    await fence.close()
  })

  it('wrong options are refused before anything is touched', async () => {
    for (const options of [
      {},
      { dir: '' },
      { dir: 7 },
      { dir: 'a\0b' },
      { dir: '/x', waitMs: 0 },
      { dir: '/x', d: 1 },
    ]) {
      expect(await outcome(fileFence(options as { dir: string }))).toBe('ELECTION_CONFIG_INVALID')
    }
  })
})

describe('closing', () => {
  it('waits for guarded work and for the disk, then refuses', async () => {
    const dir = await scratch()
    const fence = await fileFence({ dir })
    let finish = (): void => undefined
    let work: Promise<void> = Promise.resolve()
    const started = new Promise<void>((begun) => {
      work = fence.guard('r', claim(7), () => {
        begun()
        return new Promise<void>((resolve) => (finish = resolve))
      })
    })
    const waiting = outcome(fence.check('r', claim(8)))
    const writing = fence.check('s', claim(7))
    await new Promise((resolve) => setImmediate(resolve))
    const closed = fence.close()
    expect(await outcome(fileFence({ dir }))).toBe('ELECTION_STORAGE_LOCKED')
    await writing
    await started
    finish()
    await Promise.all([work, closed, fence.close()])
    expect(await waiting).toBe('ELECTION_STOPPED')
    for (const late of [fence.check('r', claim(9)), fence.highest('r'), fence.forget('r')]) {
      expect(await outcome(late)).toBe('ELECTION_STOPPED')
    }
    const again = await fileFence({ dir })
    expect(await again.highest('r')).toEqual(claim(7))
    await again.close()
  })

  it('A4: the directory is not free before the last write under way has ended', async () => {
    const dir = await scratch()
    let broken = false
    let release = (): void => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    const plain = failingFiles((op) => (broken && op === 'append' ? 'EIO' : null))
    const files: FileOps = {
      ...plain,
      create: (path) => (broken ? gate : Promise.resolve()).then(() => plain.create(path)),
    }
    const first = await fileFence({ dir }, files)
    await first.check('r', claim(7))
    broken = true
    expect(await outcome(first.check('r', claim(8)))).toBe('ELECTION_STORAGE_FAILED')
    const late = outcome(first.highest('r')) // has the journal written anew, which now waits at the gate
    const closing = first.close()
    for (let turn = 0; turn < 20; turn += 1) {
      expect(await outcome(fileFence({ dir }))).toBe('ELECTION_STORAGE_LOCKED')
    }
    release()
    await closing
    expect(await late).toBe('ELECTION_STORAGE_FAILED')
    const second = await fileFence({ dir })
    expect(await second.highest('r')).toMatchObject({ holder: 'a' })
    await second.close()
  })

  it('is what `await using` calls', async () => {
    const dir = await scratch()
    const fence = await fileFence({ dir })
    await fence[Symbol.asyncDispose]()
    expect(await outcome(fence.check('r', claim(7)))).toBe('ELECTION_STOPPED')
  })
})
