/**
 * The few operations on files that a file fence needs, behind an interface so that tests can make a disk fail.
 *
 * Decides the flags: created files are new, private (0600) and no symbolic links (E11).
 * Read next: `journal.ts` (the order in which they must happen).
 */
import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A file that only grows. */
export interface AppendFile {
  /** Appends all the bytes or rejects; then an unknown part of them may be there. */
  append(bytes: Uint8Array): Promise<void>
  /** Resolves when everything that was appended survives a crash of the machine. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** What a file fence needs of a file system. Rejections are errors of Node.js with a `code`. */
export interface FileOps {
  /** The whole file; `null` if it does not exist. Rejects with ELOOP for a symbolic link. */
  read(path: string): Promise<Uint8Array | null>
  /** Creates a file that must not exist yet. */
  create(path: string): Promise<AppendFile>
  /** Replaces `to` atomically. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file; fine if it does not exist. */
  remove(path: string): Promise<void>
  /** Makes the directory and its parents if needed, durably. Rejects with ENOTDIR for anything else, a symbolic link too. */
  makeDirectory(path: string): Promise<void>
  /** Resolves when creations and renames in the directory survive a crash of the machine (B.14). */
  syncDirectory(path: string): Promise<void>
}

/** The file system of this machine. Network file systems are not fit: their locks and syncs promise less. */
export const nodeFileOps: FileOps = {
  async read(path) {
    let file: FileHandle
    try {
      file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null
      throw error
    }
    try {
      return await file.readFile()
    } finally {
      await file.close()
    }
  },

  async create(path) {
    const flags =
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND | constants.O_NOFOLLOW
    return appendFile(await open(path, flags, 0o600))
  },

  rename,

  remove: (path) => rm(path, { force: true }),

  async makeDirectory(path) {
    const first = await mkdir(path, { recursive: true, mode: 0o700 })
    if (!(await lstat(path)).isDirectory()) {
      throw Object.assign(new Error(`not a directory: ${path}`), { code: 'ENOTDIR' })
    }
    if (first === undefined) return
    // Each new directory is an entry in its parent, from the innermost to the first one that was missing.
    for (let made = path; ; made = dirname(made)) {
      await nodeFileOps.syncDirectory(dirname(made))
      if (made === first || made === dirname(made)) return
    }
  },

  async syncDirectory(path) {
    const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
}

function appendFile(file: FileHandle): AppendFile {
  return {
    async append(bytes) {
      for (let done = 0; done < bytes.length; ) {
        done += (await file.write(bytes, done, bytes.length - done)).bytesWritten
      }
    },
    sync: () => file.datasync(),
    close: () => file.close(),
  }
}

/** The `code` of an error of Node.js, such as `ENOSPC`. */
export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code
}
