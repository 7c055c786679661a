/**
 * The first block of each slot file: whose data this is, in which format, as text that a person can read. Pure.
 *
 * Written once, at creation, never again: no crash of a later write can damage it. It is judged before anything else of
 * the file is read, so data of another process, cluster or format is refused untouched (E11).
 */
import { createHash } from 'node:crypto'
import { BLOCK_BYTES } from './frame'
import { FORMAT } from './record'

/** Whose slot a file is. */
export interface Label {
  readonly clusterId: string
  readonly nodeId: string
  readonly storageId: string
  readonly slot: 'a' | 'b'
}

/** One block. Throws a `RangeError` when the names are too long for it. */
export function encodeLabel(label: Label): Buffer {
  const { clusterId, nodeId, storageId, slot } = label
  const text = `conclave-storage ${FORMAT}\n${JSON.stringify({ clusterId, nodeId, storageId, slot })}\n`
  const bytes = Buffer.from(`${text}${digest(text)}\n`)
  if (bytes.length > BLOCK_BYTES)
    throw new RangeError(`the id of the cluster is too long (${clusterId.length})`)
  return Buffer.concat([bytes, Buffer.alloc(BLOCK_BYTES - bytes.length)])
}

/** Reads a label, or says what is wrong with it. */
export function decodeLabel(image: Buffer): Label | string {
  const text = image.toString('utf8', 0, Math.min(BLOCK_BYTES, image.length))
  const [head = '', json = '', sum = ''] = text.split('\n', 3)
  const format = /^conclave-storage (\d{1,9})$/.exec(head)?.[1]
  if (format === undefined) return 'its label is unreadable'
  if (format !== String(FORMAT))
    return `it has format ${format}, this version of the library reads format ${FORMAT}`
  if (sum !== digest(`${head}\n${json}\n`)) return 'the digest of its label is wrong'
  const { clusterId, nodeId, storageId, slot } = (JSON.parse(json) ?? {}) as { [key: string]: unknown }
  if (typeof clusterId !== 'string' || typeof nodeId !== 'string' || typeof storageId !== 'string') {
    return 'its label names no owner'
  }
  return { clusterId, nodeId, storageId, slot: slot === 'a' ? 'a' : 'b' }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
