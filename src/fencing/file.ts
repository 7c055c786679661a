/**
 * A fence that survives restarts: marks in memory, every change in a journal before it counts (P5).
 *
 * Decides how the parts start and stop: directory, lock, journal, marks, rewrite; and back.
 * Read next: `journal.ts` (durability), `../storage/lock.ts` (one process per directory), `local-fence.ts` (order of calls).
 */
import { resolve } from 'node:path'
import { ElectionError, isElectionError } from '../errors'
import { type DirectoryLock, lockDirectory } from '../storage/lock'
import type { FenceStats, ProcessFence } from './fence'
import { codeOf, type FileOps, nodeFileOps } from './file-ops'
import { Journal, type JournalStats } from './journal'
import { LocalFence } from './local-fence'
import { Marks } from './marks'
import { checkOptions, type ProcessFenceOptions } from './options'

/** Options of `fileFence`. */
export interface FileFenceOptions extends ProcessFenceOptions {
  /**
   * Directory of this fence alone, created (0700) if missing. On a local disk: network file systems are refused, and so
   * are symbolic links. One process at a time; nobody else may touch what is in it, the lock included.
   */
  readonly dir: string
}

/** A fence in a directory. */
export interface FileFence extends ProcessFence, AsyncDisposable {
  stats(): FenceStats & JournalStats
  /** Waits for guarded work that runs, then frees the directory. Later calls get ELECTION_STOPPED. Cannot fail. */
  close(): Promise<void>
}

/**
 * Opens a fence in a directory. What `check` accepted there is refused to lower tokens for ever, also after `kill -9`
 * and after power loss, as long as the disk keeps what it confirmed.
 *
 * A claim that is known costs no I/O; a new one costs one `fdatasync`, shared by all that come together. If the disk
 * fails, claims reject with ELECTION_STORAGE_FAILED and the next one tries a new file.
 *
 * Hazard: a directory that was lost or restored from a backup does not know what it forgot. Give `floor` as well (R43) if
 * that can happen. A last record that decays on the disk *and* loses its end looks as if it had never been finished.
 *
 * @param files For tests: the file system.
 * @throws ELECTION_CONFIG_INVALID: an option is wrong.
 * @throws ELECTION_STORAGE_LOCKED: another fence is open on that directory.
 * @throws ELECTION_STORAGE_CORRUPT: the journal is damaged and stays as it is. Tokens were lost: remove it only when no
 *   older leader can be alive, or give `floor`.
 * @throws ELECTION_STORAGE_FOREIGN: the journal is of another format.
 * @throws ELECTION_STORAGE_FAILED: the disk refused, or the directory is a link, on a network, or no directory.
 */
export async function fileFence(options: FileFenceOptions, files: FileOps = nodeFileOps): Promise<FileFence> {
  const checked = checkOptions(options, ['dir'])
  if (typeof options.dir !== 'string' || options.dir === '' || options.dir.includes('\0')) {
    throw new ElectionError('ELECTION_CONFIG_INVALID', 'dir must be the path of a directory')
  }
  const directory = resolve(options.dir)
  const lock = await takeDirectory(directory, files)
  try {
    const marks = new Marks(checked.maxResources)
    const journal = new Journal(directory, files, () => marks.snapshot())
    for (const entry of await journal.read()) marks.apply(entry)
    marks.trim()
    // Always: what was read may not have reached the disk, and a disk that is full or read-only shows itself here.
    await journal.settle()
    const fence = new LocalFence(marks, journal, checked, 'file')
    let closing: Promise<void> | undefined
    const close = (): Promise<void> => {
      closing ??= fence
        .drain()
        .then(() => journal.close())
        .then(() => lock.release())
        .catch(() => undefined)
      return closing
    }
    return {
      check: (resource, claim) => fence.check(resource, claim),
      guard: (resource, claim, work) => fence.guard(resource, claim, work),
      highest: (resource) => fence.highest(resource),
      takeRun: (resource, claim, dueAtMs) => fence.takeRun(resource, claim, dueAtMs),
      lastRun: (resource) => fence.lastRun(resource),
      forget: (resource) => fence.forget(resource),
      stats: () => ({ ...fence.stats(), ...journal.stats() }),
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await lock.release().catch(() => undefined)
    throw error
  }
}

async function takeDirectory(directory: string, files: FileOps): Promise<DirectoryLock> {
  try {
    await files.makeDirectory(directory)
    return await lockDirectory(directory)
  } catch (cause) {
    if (isElectionError(cause)) throw cause
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    throw new ElectionError(
      'ELECTION_STORAGE_FAILED',
      `the directory of the fence could not be taken${why}`,
      {
        cause,
        details: { directory, errno: codeOf(cause) ?? null },
      },
    )
  }
}
