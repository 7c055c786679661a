/**
 * What the storage tests share: directories that vanish with the test, promises for callbacks, records, and file
 * operations that write only a part.
 */
import * as fs from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { DurableChange, DurableState, ProcessRecord } from '../../src/core/types'
import type { Storage, StorageIdentity } from '../../src/ports/storage'
import type { FileOperations } from '../../src/storage/file'
import { SECTOR_BYTES } from '../../src/storage/frame'

export const identity: StorageIdentity = {
  clusterId: 'billing',
  nodeId: 'a',
  config: { term: 0, version: 1, termFloor: 0 },
}

/** A directory of this test; removed when it is over. */
export function temporary(): string {
  const dir = mkdtempSync(join(tmpdir(), 'conclave-storage-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export function open(storage: Storage, owner: StorageIdentity = identity): Promise<DurableState> {
  return new Promise((resolve, reject) => {
    storage.open(owner, (error, state) => (error !== null ? reject(error) : resolve(state!)))
  })
}

export function write(storage: Storage, change: DurableChange): Promise<void> {
  return new Promise((resolve, reject) => {
    storage.write(change, (error) => (error !== null ? reject(error) : resolve()))
  })
}

export function close(storage: Storage): Promise<void> {
  return new Promise((resolve) => storage.close(resolve))
}

/** A change of terms only. */
export function terms(entries: Record<string, number>): DurableChange {
  return { terms: new Map(Object.entries(entries)) }
}

/** The next life of a record (R24). */
export function nextLife(record: ProcessRecord): ProcessRecord {
  return { ...record, incarnation: record.incarnation + 1 }
}

/** Comparable: prototypes and the order of entries do not count. */
export function plain(state: DurableState): unknown {
  return JSON.parse(JSON.stringify({ process: state.process, terms: [...state.terms].sort() }))
}

/** One write as it went to the system. */
export interface Written {
  readonly slot: 'slot-a' | 'slot-b'
  readonly position: number
  readonly bytes: Buffer
}

/** Passes everything on and keeps a list of it. */
export function recording(log: Written[], flushes: { count: number } = { count: 0 }): FileOperations {
  return {
    read: fs.read,
    write(fd, buffer, offset, length, position, done) {
      log.push({ slot: slotOf(fd), position, bytes: Buffer.from(buffer.subarray(offset, offset + length)) })
      fs.write(fd, buffer, offset, length, position, done)
    },
    fdatasync(fd, done) {
      flushes.count++
      fs.fdatasync(fd, done)
    },
  }
}

/** Which slot a descriptor is of. */
export function slotOf(fd: number): 'slot-a' | 'slot-b' {
  return fs.readlinkSync(`/proc/self/fd/${fd}`).endsWith('slot-a') ? 'slot-a' : 'slot-b'
}

/** The image with a part of a write on it: the sectors for which `lands` is true. */
export function landSectors(
  image: Buffer,
  { position, bytes }: { position: number; bytes: Buffer },
  lands: (sector: number) => boolean,
): Buffer {
  const after = Buffer.concat([image, Buffer.alloc(Math.max(0, position + bytes.length - image.length))])
  for (let sector = 0; sector * SECTOR_BYTES < bytes.length; sector++) {
    const from = sector * SECTOR_BYTES
    if (lands(sector)) bytes.copy(after, position + from, from, from + SECTOR_BYTES)
  }
  return after
}

/** A fixed stream of numbers below `limit`: the same garbage in each run. */
export function stream(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}
