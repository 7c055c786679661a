/**
 * The journal of a file fence: what it confirmed survives `kill -9` and power loss (P5).
 *
 * Decides what is written when. Calls that fall together share one append and one sync (group commit). When the file has
 * doubled, or anything has failed, it is written anew from the marks: temporary file, sync, rename, sync of the directory
 * (B.14). A file that failed once is never trusted again (a sync that failed may claim success the next time), and a
 * file that was found is written anew before anything else: its last record may never have reached the disk.
 * Must not know what an entry means. Read next: `journal-format.ts` (the bytes), `file.ts` (who calls).
 */
import { join } from 'node:path'
import { ElectionError } from '../errors'
import { type AppendFile, codeOf, type FileOps } from './file-ops'
import { decodeJournal, encodeEntries, encodeHeader } from './journal-format'
import type { Keeper } from './local-fence'
import type { MarkEntry } from './marks'

const NAME = 'fence.journal'
const NEW_NAME = 'fence.journal.new'
/** Below this size a rewrite is not worth its syncs. */
const SMALL_BYTES = 64 * 1024
/** Entries per record of a rewrite: bounds how long the event loop is held at once. */
const CHUNK = 1_000

interface Waiting {
  readonly entries: readonly MarkEntry[]
  readonly done: () => void
  readonly failed: (error: ElectionError) => void
}

/** Counts for `FileFence.stats()`. */
export interface JournalStats {
  /** Bytes of the present file. */
  readonly journalBytes: number
  /** Appends that were synced since the start; each stands for all the claims that came together. */
  readonly appends: number
  /** Times the file was written anew since the start, the one of the start included. */
  readonly rewrites: number
}

/** Keeps the entries of one directory. One journal per directory at a time: the caller holds the lock. */
export class Journal implements Keeper {
  readonly #directory: string
  readonly #files: FileOps
  readonly #snapshot: () => readonly MarkEntry[]
  #waiting: Waiting[] = []
  /** The commits under way; `null` while there is nothing to do. */
  #draining: Promise<void> | null = null
  #closed = false
  /** `null`: there is no file that could be trusted; the next commit writes one. */
  #file: AppendFile | null = null
  #check = ''
  #bytes = 0
  #rewriteAbove = 0
  #appends = 0
  #rewrites = 0

  /** `snapshot` gives everything that is to be kept, entries under way included. */
  constructor(directory: string, files: FileOps, snapshot: () => readonly MarkEntry[]) {
    this.#directory = directory
    this.#files = files
    this.#snapshot = snapshot
  }

  /**
   * What the last process left; nothing in a new directory. Nothing may be kept before it was read.
   *
   * @throws ELECTION_STORAGE_CORRUPT, ELECTION_STORAGE_FOREIGN, ELECTION_STORAGE_FAILED; nothing was changed then.
   */
  async read(): Promise<readonly MarkEntry[]> {
    let bytes: Uint8Array | null
    try {
      bytes = await this.#files.read(join(this.#directory, NAME))
    } catch (error) {
      throw failed('read', error)
    }
    return bytes === null ? [] : decodeJournal(bytes).entries
  }

  keep(entries: readonly MarkEntry[]): Promise<void> | null {
    return entries.length === 0 && this.#file !== null ? null : this.#enqueue(entries)
  }

  settle(): Promise<void> | null {
    return this.#draining !== null || this.#file === null ? this.#enqueue([]) : null
  }

  stats(): JournalStats {
    return { journalBytes: this.#bytes, appends: this.#appends, rewrites: this.#rewrites }
  }

  /** Ends what is under way and writes nothing more; later calls get ELECTION_STOPPED. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#draining
    await this.#abandon()
  }

  #enqueue(entries: readonly MarkEntry[]): Promise<void> {
    if (this.#closed) return Promise.reject(new ElectionError('ELECTION_STOPPED', 'the fence is closed'))
    return new Promise((done, failed) => {
      this.#waiting.push({ entries, done, failed })
      // Later, so that everything that this turn of the loop produced shares the first sync.
      this.#draining ??= new Promise((start) => setImmediate(start)).then(() => this.#drain())
    })
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        await this.#commit(batch.flatMap((waiting) => waiting.entries))
        for (const waiting of batch) waiting.done()
      } catch (error) {
        for (const waiting of batch) waiting.failed(failed('written', error))
      }
    }
    this.#draining = null
  }

  /** Lets go of the file. Everything was synced before it was confirmed: a failing close can lose nothing. */
  async #abandon(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close().catch(() => undefined)
  }

  async #commit(entries: readonly MarkEntry[]): Promise<void> {
    if (this.#file === null) return this.#rewrite()
    if (entries.length === 0) return
    const record = encodeEntries(this.#check, entries)
    if (this.#bytes + record.bytes.length > this.#rewriteAbove) return this.#rewrite()
    try {
      await this.#file.append(record.bytes)
      await this.#file.sync()
    } catch (error) {
      await this.#abandon()
      throw error
    }
    this.#check = record.check
    this.#bytes += record.bytes.length
    this.#appends += 1
  }

  /** Writes everything into a new file and puts it in the old one's place. The old one is whole until the rename. */
  async #rewrite(): Promise<void> {
    const entries = this.#snapshot() // now: what changes from here on is appended later
    let file: AppendFile | null = null
    try {
      const path = join(this.#directory, NEW_NAME)
      await this.#files.remove(path)
      file = await this.#files.create(path)
      const written = await writeAll(file, entries)
      await file.sync()
      await this.#files.rename(path, join(this.#directory, NAME))
      await this.#files.syncDirectory(this.#directory)
      await this.#abandon()
      this.#file = file
      this.#check = written.check
      this.#bytes = written.bytes
      this.#rewriteAbove = Math.max(SMALL_BYTES, 2 * written.bytes)
      this.#rewrites += 1
    } catch (error) {
      await file?.close().catch(() => undefined)
      await this.#abandon() // perhaps renamed over: the old file is no place to append to any more
      throw error
    }
  }
}

async function writeAll(
  file: AppendFile,
  entries: readonly MarkEntry[],
): Promise<{ bytes: number; check: string }> {
  let record = encodeHeader()
  let bytes = 0
  for (let next = 0; ; next += CHUNK) {
    await file.append(record.bytes)
    bytes += record.bytes.length
    if (next >= entries.length) return { bytes, check: record.check }
    record = encodeEntries(record.check, entries.slice(next, next + CHUNK))
  }
}

function failed(verb: string, cause: unknown): ElectionError {
  const code = codeOf(cause)
  const why = code === 'ELOOP' ? 'it is a symbolic link' : (code ?? 'unknown error')
  return new ElectionError('ELECTION_STORAGE_FAILED', `the fence journal could not be ${verb}: ${why}`, {
    cause,
    details: { errno: code ?? null },
  })
}
