/**
 * The entry of the worker thread that `worker: true` starts: makes transport and storage anew, and serves a driver.
 *
 * Built as a file of its own, `dist/worker.js`, which the other entry points find beside themselves. Not for import.
 * Read next: `../runtime/remote/far-side.ts`.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { Portable } from '../ports/portable'
import type { Storage } from '../ports/storage'
import type { Transport } from '../ports/transport'
import { serve } from '../runtime/remote/far-side'
import type { FarData } from '../runtime/remote/messages'
import { type FileOptions, file, memory } from '../storage'
import { tcp } from '../transports/tcp'
import type { TcpOptions } from '../transports/tcp-options'

function transportOf(portable: Portable | null): Transport | null {
  return portable === null ? null : tcp(portable.options as TcpOptions)
}

function storageOf({ make, options }: Portable): Storage {
  return make === 'memory' ? memory() : file(options as FileOptions)
}

if (parentPort !== null) {
  const data = workerData as FarData
  serve({
    port: parentPort as never,
    data,
    transport: transportOf(data.transport),
    storage: storageOf(data.storage),
  })
}
