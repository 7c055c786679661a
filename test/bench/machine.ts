/**
 * What the machine costs without us, measured in the run of a bench so that it stands beside the figures: a small durable write
 * and a small frame there and back.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { clockMs } from '../real/cluster'

/** One small durable write, ms: what "votes on disk" costs here. */
export function flushes(): number[] {
  const dir = mkdtempSync(join(tmpdir(), 'conclave-flush-'))
  const file = openSync(join(dir, 'f'), 'w+')
  const series: number[] = []
  for (let i = 0; i < 200; i++) {
    const at = clockMs()
    writeSync(file, Buffer.alloc(64), 0, 64, 0)
    fdatasyncSync(file)
    series.push(clockMs() - at)
  }
  closeSync(file)
  rmSync(dir, { recursive: true })
  return series
}

/** A small frame there and back over loopback, ms, each time after a pause: both ends asleep, as before an election. */
export async function roundTrips(): Promise<number[]> {
  const server = createServer((socket) => socket.setNoDelay(true).on('data', (chunk) => socket.write(chunk)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay(true)
  const series: number[] = []
  for (let i = 0; i < 100; i++) {
    await sleep(10)
    const at = clockMs()
    socket.write('x'.repeat(64))
    await new Promise((resolve) => socket.once('data', resolve))
    series.push(clockMs() - at)
  }
  socket.destroy()
  server.close()
  return series
}
