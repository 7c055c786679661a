/**
 * One process per directory (A4, B.12): a listening Unix socket that the kernel closes when its process dies.
 *
 * Each contender brings a socket of its own, under a random name that is never used again:
 *   1. bind and listen as `new-lock-*`, then rename to `lock-*`: what is called `lock-*` has been listening;
 *   2. look at all other `lock-*` by connecting. Refused: its process is dead, for ever; the file is removed;
 *   3. nobody alive: the lock is won. Somebody alive: withdraw (or wait a little, when both may have come together).
 * Why two can never hold it: of two holders, let Q be the one whose rename came later. Q looked after its own rename,
 * hence after P's, so P's file was in the listing: nobody removes a name that answers, and P's answers from before the
 * rename until P lets go or dies. So Q met P alive and did not win. No name is ever taken over, so removing a dead one
 * twice, or late, harms nobody; a `new-lock-*` that is removed by mistake makes the rename fail, and its owner starts again.
 * A stalled or stopped holder answers too: the kernel accepts for it. And a killed one holds on until its last write has
 * left the kernel, because threads share the table of open files.
 *
 * Not covered, because sockets do not reach there: directories shared between two kernels (network file systems are
 * refused by `directory.ts`; folders shared into virtual machines cannot be told); and, on macOS, a stopped holder whose
 * queue of 128 callers is full, which refuses like a dead one. R27 watches for those.
 * On Windows a named pipe of the directory's name is exclusive by itself.
 */
import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, mkdtemp, open, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { quote, storageFailed, storageLocked } from './refusals'

/** A lock that is held. */
export interface DirectoryLock {
  /** Lets go. Never throws. */
  release(): Promise<void>
}

const NAME = /^(?:new-)?lock-(\d+)-([0-9a-f]{16})$/
/** Who holds the lock, for people (since when: the time of the file). The truth is the socket. */
const HOLDER = 'holder.json'
/** Room for a path in a socket address: 104 bytes on macOS, 108 on Linux, with the closing zero. */
const SOCKET_PATH_BYTES = 103
const ATTEMPTS = 10
const PATIENCE_MS = 1_000
const PAUSE_MS = 10

/**
 * Takes the lock of a directory, at once or never: a dead holder costs nothing, a living one is final.
 *
 * The socket does not keep the process alive and is never handed to a child or to a `cluster` primary (B.18).
 * @throws ELECTION_STORAGE_LOCKED naming the directory and the holder's pid; ELECTION_STORAGE_FAILED where no socket
 * can be made.
 */
export async function lockDirectory(dir: string): Promise<DirectoryLock> {
  if (process.platform === 'win32') return lockByPipe(dir)
  const reach = await shorten(dir, process.platform)
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const lock = await contend(dir, reach.path)
      if (lock !== null) return lock
    }
    throw storageFailed(`the lock files of ${quote(dir)} vanish as soon as they are made`, { dir })
  } finally {
    await reach.forget()
  }
}

/** One attempt. Null: somebody removed the socket before it was listening, try again. */
async function contend(dir: string, reach: string): Promise<DirectoryLock | null> {
  const id = randomBytes(8).toString('hex')
  const name = `lock-${process.pid}-${id}`
  const server = await listen(join(reach, `new-${name}`))
  const letGo = async (): Promise<void> => {
    await rm(join(dir, name), { force: true }).catch(() => undefined)
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  try {
    await chmod(join(dir, `new-${name}`), 0o600)
    await rename(join(dir, `new-${name}`), join(dir, name))
  } catch (error) {
    await letGo()
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
  try {
    await outlive(dir, reach, name, id)
    await writeHolder(dir, name)
  } catch (error) {
    await letGo()
    throw error
  }
  return {
    async release() {
      await rm(join(dir, HOLDER), { force: true }).catch(() => undefined)
      await letGo()
    },
  }
}

/**
 * Returns when nobody else is alive in the directory. Of several that came together the one with the smallest id stays
 * and the others withdraw at once; it waits for them a moment, unless what it met has recorded itself as the holder.
 */
async function outlive(dir: string, reach: string, name: string, id: string): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += PAUSE_MS) {
    const rivals = await findRivals(dir, reach, name)
    const first = rivals[0]
    if (first === undefined) return
    const record = await readHolder(dir)
    const holder = rivals.find((rival) => rival.name === record?.['lock'])
    if (holder !== undefined) throw storageLocked(dir, holder.pid, record)
    if (rivals.some((rival) => rival.id < id) || waitedMs >= PATIENCE_MS)
      throw storageLocked(dir, first.pid, null)
    await pause(PAUSE_MS)
  }
}

interface Rival {
  readonly name: string
  readonly pid: number
  readonly id: string
}

/** All other sockets in place that answer. Removes those that never will. */
async function findRivals(dir: string, reach: string, own: string): Promise<Rival[]> {
  const rivals: Rival[] = []
  for (const entry of await readdir(dir)) {
    const [, pid, id] = NAME.exec(entry) ?? []
    if (pid === undefined || id === undefined || entry === own) continue
    const alive = await isAlive(join(reach, entry))
    if (!alive) await rm(join(dir, entry), { force: true })
    else if (!entry.startsWith('new-')) rivals.push({ name: entry, pid: Number(pid), id })
  }
  return rivals
}

/**
 * Whether somebody listens there. In doubt yes: a full queue or a missing permission is no death. Who closes while the
 * caller is in its queue resets the call: the next one finds nobody.
 */
async function isAlive(path: string): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const code = await knock(path)
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return false
    if (code === null || code === 'EAGAIN' || code === 'EACCES' || code === 'EPERM') return true
    if (code !== 'ECONNRESET' || attempt === ATTEMPTS)
      throw storageFailed(`cannot find out who holds ${quote(path)}: ${code}`, { path, code })
  }
}

/** Connects and leaves. Null: somebody answered. */
function knock(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(null)
    })
    socket.once('error', (error) => resolve(codeOf(error) ?? 'unknown'))
  })
}

/** `exclusive`: in a `cluster` worker the socket would otherwise belong to the primary and outlive the worker. */
async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path, exclusive: true }, () => {
      server.removeListener('error', reject)
      // Accepting may fail for want of descriptors; the kernel has connected the caller all the same.
      server.on('error', () => undefined)
      resolve()
    })
  })
  return server.unref()
}

/** A way to the directory that fits into a socket address. Exported for the tests of the platforms. */
export async function shorten(
  dir: string,
  platform: NodeJS.Platform,
): Promise<{ readonly path: string; forget(): Promise<void> }> {
  const longest = join(dir, `new-lock-${process.pid}-0123456789abcdef`)
  if (Buffer.byteLength(longest) <= SOCKET_PATH_BYTES) return { path: dir, forget: async () => undefined }
  if (platform === 'linux') {
    const handle = await open(dir, constants.O_RDONLY | constants.O_DIRECTORY)
    return { path: `/proc/self/fd/${handle.fd}`, forget: () => handle.close() }
  }
  const aside = await mkdtemp(join(tmpdir(), 'conclave-'))
  await symlink(dir, join(aside, 'd'))
  return { path: join(aside, 'd'), forget: () => rm(aside, { recursive: true, force: true }) }
}

/** The pipe's first instance is exclusive in the kernel, and gone with its process. */
async function lockByPipe(dir: string): Promise<DirectoryLock> {
  const key = createHash('sha256').update(dir.toLowerCase()).digest('hex')
  const server = await listen(`\\\\.\\pipe\\conclave-${key}`).catch(async (error: unknown) => {
    if (codeOf(error) !== 'EADDRINUSE' && codeOf(error) !== 'EACCES') throw error
    const holder = await readHolder(dir)
    throw storageLocked(dir, typeof holder?.['pid'] === 'number' ? holder['pid'] : null, holder)
  })
  await writeHolder(dir, null)
  return {
    async release() {
      await rm(join(dir, HOLDER), { force: true }).catch(() => undefined)
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** As well as it goes: a disk that is full keeps nobody from starting. */
async function writeHolder(dir: string, lock: string | null): Promise<void> {
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  const holder = { pid: process.pid, host: hostname(), bootId: bootId.trim() || null, lock }
  try {
    await rm(join(dir, HOLDER), { force: true })
    await writeFile(join(dir, HOLDER), `${JSON.stringify(holder)}\n`, { mode: 0o600, flag: 'wx' })
  } catch {
    // It is for people, and spares contenders a moment; the socket decides.
  }
}

async function readHolder(dir: string): Promise<Record<string, unknown> | null> {
  try {
    return JSON.parse(await readFile(join(dir, HOLDER), 'utf8')) as Record<string, unknown>
  } catch {
    return null
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code
}
