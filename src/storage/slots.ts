/**
 * The two slot files: made once, opened, judged. No writes of the protocol happen here.
 *
 * Creation is one atomic step: `slot-b` first, then `slot-a` complete with the first snapshot under another name, then
 * the rename. No `slot-a` means that nothing was ever acknowledged, and a crash half-way leaves just that; from then on
 * a file that is missing or unlike itself is damage. Everything here runs under the lock of the directory.
 * Read next: `recover.ts` (the judgement on the content), `file.ts` (the writes).
 */
import { close, constants, fstat, open } from 'node:fs'
import { lstat, open as openHandle, readFile as readPath, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ElectionError } from '../errors'
import type { StorageIdentity } from '../ports/storage'
import { type Flush, syncDirectory } from './directory'
import { BLOCK_BYTES, encodeFrame, readEvidence } from './frame'
import { decodeLabel, encodeLabel, type Label } from './label'
import { encodeBody, faultOfChange, newRecord } from './record'
import { FRAMES_AT, type Recovery, recover } from './recover'
import { quote, storageCorrupt, storageFailed, storageForeign } from './refusals'

/** Room for changes in a new slot: 64 blocks. */
export const ROOM_BYTES = 64 * BLOCK_BYTES

/** An open slot file. */
export interface Slot {
  readonly path: string
  readonly fd: number
  /** Bytes that are allocated on the disk. */
  size: number
}

/** How a slot is read: a seam for tests whose disk fails. `read` of Node.js fits. */
export type ReadOperation = (
  fd: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
  done: (error: Error | null, taken: number) => void,
) => void

/** Both slots and what they hold. */
export interface OpenSlots {
  readonly slots: readonly [Slot, Slot]
  readonly found: Extract<Recovery, { ok: true }>
}

/**
 * Opens the slots of a directory, after making them if it has none.
 *
 * @throws ELECTION_STORAGE_FOREIGN, ELECTION_STORAGE_CORRUPT, ELECTION_STORAGE_FAILED, ELECTION_CONFIG_INVALID (ids that
 * no record can name). Whatever is thrown, what the
 * directory holds was not changed.
 */
export async function openSlots(
  dir: string,
  identity: StorageIdentity,
  flush: Flush,
  read: ReadOperation,
): Promise<OpenSlots> {
  if (await isUnborn(dir)) await createSlots(dir, identity)
  const slots: Slot[] = []
  try {
    const images: Buffer[] = []
    for (const letter of ['a', 'b']) {
      const { slot, image } = await openSlot(dir, join(dir, `slot-${letter}`), flush, read)
      slots.push(slot)
      images.push(image)
    }
    const found = judge(dir, identity, [images[0]!, images[1]!])
    return { slots: [slots[0]!, slots[1]!], found }
  } catch (error) {
    await closeSlots(slots)
    throw error
  }
}

/** Never throws: what was acknowledged is on the disk already. */
export async function closeSlots(slots: readonly Slot[]): Promise<void> {
  for (const { fd } of slots) await promisify(close)(fd).catch(() => undefined)
}

/** No `slot-a`, and a `slot-b`, if any, in which nothing was ever written. */
async function isUnborn(dir: string): Promise<boolean> {
  const hasA = await orNull(lstat(join(dir, 'slot-a')))
  if (hasA !== null) return false
  const b = await orNull(readPath(join(dir, 'slot-b'), { flag: constants.O_RDONLY | noFollow() }))
  if (b !== null && readEvidence(b, FRAMES_AT).begun > 0) throw storageCorrupt(dir, 'slot-a is missing')
  return true
}

async function orNull<T>(found: Promise<T>): Promise<T | null> {
  return found.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
}

async function createSlots(dir: string, identity: StorageIdentity): Promise<void> {
  const record = newRecord(identity, 0)
  const { clusterId, nodeId, storageId } = record
  const first = { process: record, terms: new Map() }
  const fault = faultOfChange(first)
  if (fault !== null) throw new ElectionError('ELECTION_CONFIG_INVALID', fault)
  const body = encodeBody(first)
  const snapshot = encodeFrame({ kind: 'snapshot', sequence: 1, after: 0, body })
  const temporary = join(dir, 'slot-a.new')
  await rm(temporary, { force: true })
  await rm(join(dir, 'slot-b'), { force: true })
  const label = (slot: 'a' | 'b'): Buffer => encodeLabel({ clusterId, nodeId, storageId, slot })
  await create(join(dir, 'slot-b'), Buffer.concat([label('b'), Buffer.alloc(ROOM_BYTES)]))
  await create(temporary, Buffer.concat([label('a'), snapshot, Buffer.alloc(ROOM_BYTES - snapshot.length)]))
  await rename(temporary, join(dir, 'slot-a'))
  await syncDirectory(dir)
}

/** A new file, private, refused if anything of that name exists (E11), written and flushed. */
async function create(path: string, content: Buffer): Promise<void> {
  const { O_CREAT, O_EXCL, O_WRONLY } = constants
  const handle = await openHandle(path, O_CREAT | O_EXCL | O_WRONLY | noFollow(), 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function openSlot(
  dir: string,
  path: string,
  flush: Flush,
  read: ReadOperation,
): Promise<{ slot: Slot; image: Buffer }> {
  const flags = constants.O_RDWR | noFollow() | (flush === 'dsync' ? constants.O_DSYNC : 0)
  const fd = await promisify(open)(path, flags).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw storageCorrupt(dir, `${path} is missing`)
    if (error.code === 'ELOOP')
      throw storageFailed(`${quote(path)} is a symbolic link, which is refused`, { path }, error)
    throw error
  })
  try {
    const found = await promisify(fstat)(fd)
    if (!found.isFile()) throw storageFailed(`${quote(path)} is no file`, { path })
    const image = await readAll(read, fd, found.size)
    return { slot: { path, fd, size: image.length }, image }
  } catch (error) {
    await closeSlots([{ path, fd, size: 0 }])
    throw error
  }
}

/**
 * The whole file. Not with `readFile` of a descriptor, which takes a read that failed for the end of the file: a record
 * that lacks its newest writes would pass for an older one.
 */
async function readAll(read: ReadOperation, fd: number, size: number): Promise<Buffer> {
  const image = Buffer.alloc(size)
  for (let at = 0; at < size; ) {
    const taken = await new Promise<number>((resolve, reject) => {
      read(fd, image, at, size - at, at, (error, count) => (error === null ? resolve(count) : reject(error)))
    })
    if (taken <= 0) return image.subarray(0, at)
    at += taken
  }
  return image
}

/** Whose data it is first, then whether it is whole, then what it says. */
function judge(
  dir: string,
  identity: StorageIdentity,
  images: readonly [Buffer, Buffer],
): Extract<Recovery, { ok: true }> {
  const labels = images.map(decodeLabel)
  for (const label of labels) {
    if (typeof label !== 'string' && !isOf(label, identity)) throw storageForeign(dir, label, identity)
  }
  labels.forEach((label, index) => {
    const letter = index === 0 ? 'a' : 'b'
    if (typeof label === 'string') throw storageCorrupt(dir, `slot-${letter}: ${label}`)
    if (label.slot !== letter) throw storageCorrupt(dir, `slot-${letter} is a copy of slot-${label.slot}`)
    // A slot never shrinks. A cut that took the last write and left no trace of it would pass for an older state.
    if (images[index]!.length < FRAMES_AT + ROOM_BYTES)
      throw storageCorrupt(dir, `slot-${letter} has lost its end`)
  })
  const [a, b] = labels as [Label, Label]
  if (a.storageId !== b.storageId) throw storageCorrupt(dir, 'its two slots are of different storages')
  const found = recover(images)
  if (!found.ok) throw storageCorrupt(dir, found.reason)
  const { process } = found.state
  if (!isOf(process, identity) || process.storageId !== a.storageId) {
    throw storageCorrupt(dir, 'its record does not agree with its label')
  }
  return found
}

function isOf(
  owner: { readonly clusterId: string; readonly nodeId: string },
  identity: Pick<StorageIdentity, 'clusterId' | 'nodeId'>,
): boolean {
  return owner.clusterId === identity.clusterId && owner.nodeId === identity.nodeId
}

/** Windows has no such flag and no such links by default. */
function noFollow(): number {
  return constants.O_NOFOLLOW ?? 0
}
