/**
 * The few operations on files that a file fence needs, behind an interface so that tests can make a disk fail.
 *
 * Decides the flags: created files are new, private (0600) and no symbolic links (E11).
 * Read next: `journal.ts` (the order in which they must happen).
 */
import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { prepareDirectory, syncDirectory } from '../storage/directory'

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
  /** Makes the directory and its parents if needed, durably. Refuses symbolic links and file systems of other machines. */
  makeDirectory(path: string): Promise<void>
  /** Resolves when creations and renames in the directory survive a crash of the machine (B.14). */
  syncDirectory(path: string): Promise<void>
}

/** The file system of this machine. */
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

  makeDirectory: async (path) => void (await prepareDirectory(path)),

  syncDirectory,
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
