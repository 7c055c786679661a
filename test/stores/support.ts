/**
 * Small things that the tests of the stores share. Decides nothing.
 */
import type { CasRecord, CasStore } from '../../src/ports/cas-store'
import type { PostgresServer } from '../servers/postgres'
import type { FaultyProxy } from '../servers/proxy'

/** Polls until it is so; the test's own time-out is the limit of last resort. */
export async function eventually(probe: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await probe())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${probe}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Makes a call whose new connection learns in one read that it is ready and that an administrator has ended it. */
export async function endedWhenReady<T>(
  proxy: FaultyProxy,
  server: PostgresServer,
  call: () => Promise<T>,
): Promise<T> {
  proxy.hold('down')
  const ready = proxy.next('down')
  const result = call()
  await ready
  const ended = proxy.next('down')
  const terminated = server.terminateSessions()
  await ended
  await proxy.heal()
  return (await Promise.all([result, terminated]))[0]
}

/** Rejections that nobody heard while that ran: each of them would have ended the process. */
export async function rejectionsDuring(run: () => Promise<unknown>): Promise<unknown[]> {
  const rejections: unknown[] = []
  const note = (reason: unknown) => void rejections.push(reason)
  process.on('unhandledRejection', note)
  try {
    await run()
    await new Promise((resolve) => setTimeout(resolve, 20))
  } finally {
    process.off('unhandledRejection', note)
  }
  return rejections
}

/** What a call ended with. */
export async function kindOf(result: Promise<{ readonly kind: string }>): Promise<string> {
  return (await result).kind
}

/** One record of a store that has to answer. */
export async function readOne(store: CasStore, key: string): Promise<CasRecord | null> {
  const result = await store.read([key])
  if (result.kind === 'failed') throw result.error
  return result.records[0] ?? null
}

/** The version of a write that has to be applied. */
export async function write(
  store: CasStore,
  key: string,
  version: string | null,
  value: string,
): Promise<string> {
  const result = await store.write(key, version, value)
  if (result.kind === 'ok') return result.version
  throw new Error(`${result.kind}: ${'error' in result ? result.error.message : ''}`)
}
