/**
 * Small tools of the fencing tests: directories that vanish, a disk that fails on demand, outcomes as data.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AppendFile, type FileOps, nodeFileOps } from 'conclave/fencing'
import { onTestFinished } from 'vitest'
import { isElectionError } from '../../src/errors'

/** A new directory; it is removed when the test is over. */
export async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'fence-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** `accepted`, or the code of the refusal; anything else is rethrown. */
export async function outcome(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'accepted'
  } catch (error) {
    if (isElectionError(error)) return error.code
    throw error
  }
}

export type Operation = keyof FileOps | keyof AppendFile

/** A file system in which `fail` decides, before each operation, whether it fails and with which `errno`. */
export function failingFiles(
  fail: (operation: Operation, path: string) => string | null,
  counts: Partial<Record<Operation, number>> = {},
): FileOps {
  const before = (operation: Operation, path: string): void => {
    counts[operation] = (counts[operation] ?? 0) + 1
    const code = fail(operation, path)
    if (code !== null) throw Object.assign(new Error(`${code}: ${operation}`), { code })
  }
  return {
    async read(path) {
      before('read', path)
      return nodeFileOps.read(path)
    },
    async create(path) {
      before('create', path)
      const file = await nodeFileOps.create(path)
      return {
        async append(bytes) {
          try {
            before('append', path)
          } catch (error) {
            await file.append(bytes.subarray(0, bytes.length / 2)) // what a full disk does
            throw error
          }
          await file.append(bytes)
        },
        async sync() {
          before('sync', path)
          await file.sync()
        },
        async close() {
          await file.close()
          before('close', path)
        },
      }
    },
    async rename(from, to) {
      before('rename', from)
      await nodeFileOps.rename(from, to)
    },
    async remove(path) {
      before('remove', path)
      await nodeFileOps.remove(path)
    },
    async makeDirectory(path) {
      before('makeDirectory', path)
      await nodeFileOps.makeDirectory(path)
    },
    async syncDirectory(path) {
      before('syncDirectory', path)
      await nodeFileOps.syncDirectory(path)
    },
  }
}
