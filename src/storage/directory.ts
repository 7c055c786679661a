/**
 * The directory of a file storage: made private and durable, refused where the lock or the flush would lie.
 *
 * Decides whether a directory may be used and how writes to it are flushed. Never changes a directory that exists.
 * Read next: `lock.ts`, `slots.ts`.
 */
import { constants } from 'node:fs'
import { lstat, mkdir, open, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { quote, storageFailed } from './refusals'

/**
 * How a write is made durable. `dsync`: the write itself returns when the data is on the disk (one trip to the thread
 * pool instead of two). `fdatasync`: a call of its own, where we do not know the file system well enough.
 */
export type Flush = 'dsync' | 'fdatasync'

/** Linux magic numbers of file systems that live on another machine, where a socket file excludes nobody (B.12). */
const NETWORK = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB2'],
  [0xff534d42, 'CIFS'],
  [0x564c, 'NCP'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
])

/** ext2/3/4, XFS, Btrfs: a write with O_DSYNC does what write and fdatasync do. */
const DSYNC = new Set([0xef53, 0x58465342, 0x9123683e])

/**
 * Makes the directory (mode 0700) with its missing parents, each entry durable (B.14), or judges the one that is there.
 *
 * @throws ELECTION_STORAGE_FAILED: a symbolic link, no directory, a network file system, or the system refused (E11).
 */
export async function prepareDirectory(dir: string): Promise<Flush> {
  for (const made of await makePath(dir)) await syncDirectory(dirname(made))
  const found = await lstat(dir)
  if (!found.isDirectory()) {
    const what = found.isSymbolicLink()
      ? 'a symbolic link: give the directory that it leads to'
      : 'no directory'
    throw storageFailed(`${quote(dir)} is ${what}`, { dir })
  }
  return judgeFileSystem(dir, process.platform, Number((await statfs(dir)).type))
}

/**
 * The directories that were made (mode 0700), from the outermost. Not by `recursive` of Node.js, which never comes back where
 * a system says ENOENT of a parent that is there: /proc, or a mount point that is filled on demand.
 */
async function makePath(path: string): Promise<readonly string[]> {
  try {
    return await make(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
    return [...(await makePath(dirname(path))), ...(await make(path))]
  }
}

async function make(path: string): Promise<readonly string[]> {
  try {
    await mkdir(path, { mode: 0o700 })
    return [path]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return []
  }
}

/** Separate from the look at the disk, so that every file system can be judged in a test. */
export function judgeFileSystem(dir: string, platform: NodeJS.Platform, type: number): Flush {
  const network =
    platform === 'win32' ? (dir.startsWith('\\\\') ? 'a network share' : null) : networkOf(platform, type)
  if (network !== null) {
    throw storageFailed(
      `${quote(dir)} is on ${network}. Nothing there tells two machines apart that open it at once: use a local disk`,
      { dir, fileSystem: network },
    )
  }
  return platform === 'linux' && DSYNC.has(type >>> 0) ? 'dsync' : 'fdatasync'
}

/** Makes the entries of a directory durable. Windows has no such thing and needs none. */
export async function syncDirectory(dir: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(dir, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function networkOf(platform: NodeJS.Platform, type: number): string | null {
  return platform === 'linux' ? (NETWORK.get(type >>> 0) ?? null) : null
}
