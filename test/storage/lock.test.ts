/**
 * Goal: one directory never has two holders, and a dead one is no obstacle (A4, B.12). Method: real processes that are
 * killed, stopped and raced; a stale lock is a real socket whose owner is gone.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { file } from '../../src/storage'
import { lockDirectory } from '../../src/storage/lock'
import { untilStopped } from '../servers/process'
import { close, open, temporary } from './helpers'

/** What happens right after a contender has called at a socket. */
const called = vi.hoisted(() => ({ andThen: (): void => undefined }))
vi.mock('node:net', async (load) => {
  const net = await load<typeof import('node:net')>()
  const connectThen = (path: string) => {
    const socket = net.connect(path)
    called.andThen()
    return socket
  }
  return { ...net, connect: connectThen }
})

/** A child and the lines that it said. */
interface Child {
  readonly pid: number
  readonly process: ChildProcessWithoutNullStreams
  ask(order: string): Promise<string>
  next(): Promise<string>
  kill(signal: NodeJS.Signals): Promise<void>
}

function run(script: string, dir: string): ChildProcessWithoutNullStreams {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', path, dir])
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return child
}

async function start(dir: string): Promise<Child> {
  const child = run('child.ts', dir)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => (await lines.next()).value as string
  expect(await next()).toBe('ready')
  return {
    pid: child.pid!,
    process: child,
    next,
    ask(order) {
      child.stdin.write(`${order}\n`)
      return next()
    },
    async kill(signal) {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill(signal)
      await gone
    },
  }
}

/** Leaves what a killed holder leaves: a socket file that nobody listens on. */
async function leaveStaleLock(dir: string, id: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(join(dir, 'stale'), resolve))
  renameSync(join(dir, 'stale'), join(dir, `lock-1-${id}`))
  await new Promise((resolve) => server.close(resolve))
}

function locksIn(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.includes('lock-'))
}

describe('the lock of a directory', () => {
  it('A4: names the directory and the pid of the holder, and what to do', async () => {
    const dir = temporary()
    const holder = await start(dir)
    expect(await holder.ask('open')).toBe('open 0')
    await expect(open(file({ dir }))).rejects.toMatchObject({
      code: 'ELECTION_STORAGE_LOCKED',
      message: expect.stringMatching(
        new RegExp(`"${dir}" is in use by process ${holder.pid}\\. .*stop the other`),
      ),
      details: {
        dir,
        pid: holder.pid,
        holder: { pid: holder.pid, host: expect.any(String), bootId: expect.any(String) },
      },
    })
    expect(await holder.ask('close')).toBe('closed')
    const storage = file({ dir })
    await open(storage)
    await close(storage)
  })

  it('B.12: of a killed holder is free at once, and what it was told is kept, kill after kill', async () => {
    const dir = temporary()
    let acknowledged = 0
    for (let round = 0; round < 3; round++) {
      const holder = await start(dir)
      const [said, found] = (await holder.ask('open')).split(' ')
      expect(said).toBe('open')
      expect(Number(found)).toBeGreaterThanOrEqual(acknowledged)
      holder.process.stdin.write(`write ${Number(found) + 1}\n`)
      for (let i = 0; i < 150; i++) acknowledged = Number((await holder.next()).split(' ')[1])
      await holder.kill('SIGKILL')
      expect(locksIn(dir)).toHaveLength(1)
    }
    const storage = file({ dir })
    const state = await open(storage)
    expect(state.terms.get('e')).toBeGreaterThanOrEqual(acknowledged)
    expect(locksIn(dir)).toHaveLength(1)
    await close(storage)
  })

  it('A4: of a stopped holder is not free, even when its queue of callers is full', async () => {
    const dir = temporary()
    const holder = await start(dir)
    await holder.ask('open')
    process.kill(holder.pid, 'SIGSTOP')
    untilStopped(holder.pid)
    await expect(open(file({ dir }))).rejects.toMatchObject({ code: 'ELECTION_STORAGE_LOCKED' })
    const callers = Array.from({ length: 520 }, () => connect(join(dir, locksIn(dir)[0]!)))
    onTestFinished(() => {
      for (const caller of callers) caller.destroy()
    })
    const answers = await Promise.all(
      callers.map(
        (caller) =>
          new Promise((resolve) => {
            caller.once('connect', () => resolve('connected'))
            caller.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
          }),
      ),
    )
    expect(new Set(answers)).toEqual(new Set(['connected', 'EAGAIN']))
    await expect(open(file({ dir }))).rejects.toMatchObject({ code: 'ELECTION_STORAGE_LOCKED' })
  })

  it('A4: when stale goes to exactly one of two processes that race for it, thirty times', async () => {
    const dir = temporary()
    const children = await Promise.all([start(dir), start(dir)])
    for (let round = 0; round < 30; round++) {
      await leaveStaleLock(dir, round % 2 === 0 ? '0'.repeat(16) : 'f'.repeat(16))
      const answers = await Promise.all(children.map((child) => child.ask('open')))
      const winners = children.filter((_child, i) => answers[i]!.startsWith('open'))
      expect(winners, answers.join()).toHaveLength(1)
      expect(answers.filter((answer) => answer.startsWith('ELECTION_STORAGE_LOCKED'))).toHaveLength(1)
      for (const winner of winners) expect(await winner.ask('close')).toBe('closed')
      expect(locksIn(dir)).toEqual([])
    }
  })

  it('A4: goes to exactly one of many contenders in one process, whatever remains lie about', async () => {
    for (let round = 0; round < 20; round++) {
      const dir = temporary()
      for (let i = 0; i < round % 4; i++) await leaveStaleLock(dir, String(i).repeat(16))
      const results = await Promise.allSettled(Array.from({ length: 6 }, () => lockDirectory(dir)))
      const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      expect(won).toHaveLength(1)
      const again = await lockDirectory(dir).catch((error: { code: string }) => error.code)
      expect(again).toBe('ELECTION_STORAGE_LOCKED')
      for (const lock of won) await lock.release()
      expect(readdirSync(dir)).toEqual([])
    }
  })

  it('A4: is free when the one that was met closes with the caller still in its queue', async () => {
    const dir = temporary()
    const rival = createServer()
    await new Promise<void>((resolve) => rival.listen(join(dir, 'stale'), resolve))
    renameSync(join(dir, 'stale'), join(dir, `lock-1-${'0'.repeat(16)}`))
    let calls = 0
    called.andThen = () => {
      calls++
      rival.close()
    }
    onTestFinished(() => {
      called.andThen = () => undefined
    })
    const lock = await lockDirectory(dir)
    expect(calls).toBe(2)
    await lock.release()
  })

  it('B.12: clears away what a crash in the middle of taking it left', async () => {
    const dir = temporary()
    await leaveStaleLock(dir, 'a'.repeat(16))
    renameSync(join(dir, `lock-1-${'a'.repeat(16)}`), join(dir, `new-lock-1-${'a'.repeat(16)}`))
    writeFileSync(join(dir, 'holder.json'), 'half a rec')
    const lock = await lockDirectory(dir)
    expect(locksIn(dir)).toHaveLength(1)
    expect(statSync(join(dir, 'holder.json')).mode & 0o777).toBe(0o600)
    await lock.release()
    expect(readdirSync(dir)).toEqual([])
  })

  it('touches nothing that is not its own', async () => {
    const dir = temporary()
    writeFileSync(join(dir, 'lock-notes.txt'), '')
    mkdirSync(join(dir, 'lock-1'))
    await (await lockDirectory(dir)).release()
    expect(readdirSync(dir).sort()).toEqual(['lock-1', 'lock-notes.txt'])
  })

  it('B.12: is held and told without the record for people, and no older record passes for it', async () => {
    const dir = temporary()
    mkdirSync(join(dir, 'holder.json'))
    const lock = await lockDirectory(dir)
    const refused = { code: 'ELECTION_STORAGE_LOCKED', details: { dir, pid: process.pid, holder: null } }
    await expect(lockDirectory(dir)).rejects.toMatchObject(refused)
    rmdirSync(join(dir, 'holder.json'))
    writeFileSync(
      join(dir, 'holder.json'),
      JSON.stringify({ pid: process.pid, lock: `lock-1-${'0'.repeat(16)}` }),
    )
    await expect(lockDirectory(dir)).rejects.toMatchObject(refused)
    await lock.release()
  })

  it('does not keep its process alive', async () => {
    const dir = temporary()
    const child = await start(dir)
    expect(await child.ask('open')).toBe('open 0')
    const code = new Promise((resolve) => child.process.once('exit', resolve))
    child.process.stdin.write('leave\n')
    expect(await code).toBe(0)
  })

  it('B.18: belongs to a cluster worker, and outlives its primary', async () => {
    const dir = temporary()
    const primary = run('primary.ts', dir)
    const lines = createInterface({ input: primary.stdout })[Symbol.asyncIterator]()
    const [outcome, pid] = String((await lines.next()).value).split(' ')
    expect(outcome).toBe('null')
    onTestFinished(() => killIfThere(Number(pid)))
    process.kill(Number(pid), 'SIGSTOP')
    primary.kill('SIGKILL')
    await new Promise((resolve) => primary.once('exit', resolve))
    const storage = file({ dir })
    await expect(open(storage)).rejects.toMatchObject({
      code: 'ELECTION_STORAGE_LOCKED',
      details: { pid: Number(pid) },
    })
    process.kill(Number(pid), 'SIGKILL')
    // Nobody waits for that orphan here, so its death can only be watched.
    await vi.waitFor(() => open(storage), { timeout: 5000, interval: 20 })
    await close(storage)
  })
})

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone, as it should be.
  }
}
