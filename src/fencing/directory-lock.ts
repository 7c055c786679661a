/**
 * One process per directory, without a time-out and without a stale lock (B.12).
 *
 * The lock is a listening Unix socket in the directory: the kernel ends it with the process, however that ends, and a
 * connection tells whether somebody is still behind it. Who wants the lock first listens on a name of its own and only
 * then looks for others: of two that come at the same time at least one sees the other, so never do both succeed (both
 * may fail). Must not decide anything by time. Read next: `file.ts`.
 */
import { randomBytes } from 'node:crypto'
import { lstat, readdir, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { ElectionError, isElectionError } from '../errors'
import { codeOf } from './file-ops'

const LOCK_NAME = /^lock\.[0-9a-f]{16}$/
/** What fits into the socket address of every supported system, terminator excluded. */
const LONGEST_PATH_BYTES = 103

/** A lock that is held until it is released or the process ends. */
export interface DirectoryLock {
  release(): Promise<void>
}

/**
 * Takes the lock or refuses at once.
 *
 * @throws ELECTION_STORAGE_LOCKED: somebody holds it, or wants it at the same moment.
 * @throws ELECTION_CONFIG_INVALID: the path is too long for a socket (about 80 bytes for the directory), or Windows.
 * @throws ELECTION_STORAGE_FAILED: the directory does not take a socket.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = join(directory, `lock.${randomBytes(8).toString('hex')}`)
  if (process.platform === 'win32' || Buffer.byteLength(path) > LONGEST_PATH_BYTES) {
    throw new ElectionError(
      'ELECTION_CONFIG_INVALID',
      'the directory of a fence cannot hold a lock: path too long, or Windows',
      {
        details: { directory, longestPathBytes: LONGEST_PATH_BYTES },
      },
    )
  }
  let server: Server | undefined
  const release = async (): Promise<void> => {
    await new Promise((resolve) => (server === undefined ? resolve(null) : server.close(resolve)))
    await rm(path, { force: true })
  }
  try {
    server = await listen(path)
    for (const name of await readdir(directory)) {
      if (LOCK_NAME.test(name) && join(directory, name) !== path) await refuseOrRemove(join(directory, name))
    }
    // Somebody who found this socket before it listened may have removed it. Then that one listens, and was seen above,
    // or has given up; either way nobody would see this lock.
    await lstat(path).catch(() => {
      throw locked()
    })
  } catch (error) {
    await release().catch(() => undefined)
    if (isElectionError(error)) throw error
    throw new ElectionError('ELECTION_STORAGE_FAILED', 'the directory of the fence could not be locked', {
      cause: error,
      details: { directory, errno: codeOf(error) ?? null },
    })
  }
  return { release }
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.unref()
    server.once('error', reject)
    // `exclusive`: in a worker of node:cluster the socket must die with the worker, not with its parent.
    server.listen({ path, exclusive: true }, () => {
      server.off('error', reject)
      // A connection that cannot be accepted still proves to the other end that this one lives.
      server.on('error', () => undefined)
      resolve(server)
    })
  })
}

/** A socket without a listener is what a dead process left; whatever else happens counts as alive. */
function refuseOrRemove(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path })
    const alive = (): void => {
      socket.destroy()
      reject(locked())
    }
    socket.once('connect', alive)
    socket.once('error', (error) => {
      const code = codeOf(error)
      if (code === 'ENOENT') resolve()
      else if (code === 'ECONNREFUSED') resolve(rm(path, { force: true }))
      else alive()
    })
  })
}

function locked(): ElectionError {
  return new ElectionError('ELECTION_STORAGE_LOCKED', 'another fence is open on the same directory')
}
