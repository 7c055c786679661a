/**
 * Starts the worker thread and waits until a driver lives in it: `beginLife`, one thread away.
 *
 * Decides where the file of the worker is: beside the built package, or in the sources (then it has to be compiled on the
 * way). Read next: `remote-driver.ts`, `../../worker/main.ts` (what runs there).
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { MessageChannel, Worker } from 'node:worker_threads'
import { ElectionError } from '../../errors'
import { silentLogger } from '../../ports/logger'
import type { DriverListener } from '../driver-options'
import type { DriverPort } from '../driver-port'
import type { ElectorConfig, WorkerConfig } from '../options'
import { LeaseBoard } from './lease-board'
import type { FarData } from './messages'
import { RemoteDriver } from './remote-driver'

/** The two clocks may be apart by that much: below the resolution that every lease is shortened by (A2). */
const CLOCK_GAP_MS = 0.5

/** This file as a URL, in both module systems. */
const here =
  typeof __filename === 'string' && !__filename.startsWith('file:')
    ? pathToFileURL(__filename).href
    : import.meta.url

/** Calls back once: with an error, or with a driver whose other end owns the lock from now on. */
export function beginRemote(
  config: ElectorConfig,
  settings: WorkerConfig,
  listener: DriverListener,
  done: (error: ElectionError | null, driver: DriverPort | null) => void,
): void {
  const board = new LeaseBoard(config.maxElections)
  const { port1, port2 } = new MessageChannel()
  let worker: Worker
  try {
    worker = startThread(dataOf(config, settings, board, port2))
  } catch (error) {
    return done(noWorker((error as Error).message), null)
  }
  if (settings.unref) worker.unref()
  const driver: RemoteDriver = new RemoteDriver({
    config,
    listener,
    worker,
    board,
    asks: port1,
    born: (error) => {
      if (error !== null) return done(error, null)
      const gapMs = driver.clockGapMs()
      if (gapMs > CLOCK_GAP_MS) {
        driver.abandon()
        return done(
          noWorker(`two threads of this process read clocks that differ by ${gapMs.toFixed(1)} ms (B.5)`),
          null,
        )
      }
      settings.transport?.relay?.((method, argument) =>
        worker.postMessage({ type: 'relay', method, argument }),
      )
      done(null, driver)
    },
  })
}

function dataOf(
  config: ElectorConfig,
  { transport, storage, unref, mainThreadLimitMs }: WorkerConfig,
  board: LeaseBoard,
  asks: FarData['asks'],
): FarData {
  const { drainMs: _1, stopMs: _2, handleSignals: _3, worker: _4, warnings: _5, ...life } = config
  const { plan, logger, transport: _6, storage: _7, environment: _8, ...copied } = life
  const { stores: _9, ...voters } = plan
  return {
    config: { ...copied, plan: voters },
    transport: transport && { make: transport.make, options: transport.options },
    storage: { make: storage.make, options: storage.options },
    unref,
    isSilent: logger === silentLogger,
    mainThreadLimitMs,
    board: board.memory,
    capacity: board.capacity,
    asks,
  }
}

function startThread(workerData: FarData): Worker {
  const isSource = here.endsWith('.ts')
  const file = new URL(isSource ? '../../worker/main.ts' : './worker.js', here)
  if (!existsSync(fileURLToPath(file))) {
    throw new Error(
      `${fileURLToPath(file)} is missing; a bundler has to leave the package outside, or to put its dist/worker.js beside the bundle`,
    )
  }
  const options = { workerData, transferList: [workerData.asks], name: 'conclave' }
  if (!isSource) return new Worker(file, options)
  const compiler = JSON.stringify(createRequire(here).resolve('tsx/cjs/api'))
  const program = `require(${compiler}).register(); require(${JSON.stringify(fileURLToPath(file))})`
  return new Worker(program, { ...options, eval: true, execArgv: [] })
}

function noWorker(why: string): ElectionError {
  return new ElectionError('ELECTION_CONFIG_INVALID', `worker: no thread could be used: ${why}`)
}
