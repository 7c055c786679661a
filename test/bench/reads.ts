/**
 * "Am I the leader?" against the clock reads that a right answer needs (one monotonic, one wall): trials alternate in one
 * process, so the ratio holds whatever the machine does. Goal: <= 1.15 x, no allocation.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createElection, systemClock } from 'conclave'
import { head, line, ratio, say } from './stats'

const ROUNDS = 15
const CALLS = 300_000

export async function benchReads(): Promise<void> {
  head('isLeader() beside the clock reads that it needs')
  const dataDir = mkdtempSync(join(tmpdir(), 'conclave-reads-'))
  const election = createElection({
    cluster: 'bench',
    name: 'job',
    id: 'a',
    voters: ['a'],
    dataDir,
    timing: 'relaxed', // a trial must not outlast the lease: then the answer would be an early no
  })
  await election.start()
  await election.waitForLeader({ timeoutMs: 30_000 })
  const leadership = election.leadership
  if (leadership === null) throw new Error('not leading')
  const clock = systemClock()
  let sink = 0
  const rows: [string, () => boolean][] = [
    ['clock reads alone (now, wall)', () => clock.now() + clock.wall() > 0],
    ['election.isLeader()', () => election.isLeader()],
    ['leadership.isValid()', () => leadership.isValid()],
    ['leadership.isValid() and token', () => leadership.isValid() && leadership.token > 0],
  ]
  const at = election.now()
  rows.push(['election.isLeaderAt(t)', () => election.isLeaderAt(at)])
  const series = rows.map((): number[] => [])
  const bytes = rows.map(() => 0)
  for (let round = -2; round < ROUNDS; round++) {
    for (const [i, [, read]] of rows.entries()) {
      const heap = process.memoryUsage().heapUsed
      const begin = process.hrtime.bigint()
      for (let call = 0; call < CALLS; call++) if (read()) sink += 1
      const ns = Number(process.hrtime.bigint() - begin) / CALLS
      if (!election.isLeader()) throw new Error('the lease ran out while it was measured')
      if (round < 0) continue
      series[i]?.push(ns)
      bytes[i] = Math.max(bytes[i] ?? 0, (process.memoryUsage().heapUsed - heap) / CALLS)
    }
    await new Promise((resolve) => setTimeout(resolve, 20)) // heartbeats go on
  }
  const results = rows.map(([label], i) => line(label, series[i] ?? [], 'ns'))
  const floor = results[0]?.p50 ?? 1
  ratio('isLeader() / clock reads', (results[1]?.p50 ?? 0) / floor, '<= 1.15')
  ratio('leadership.isValid() / clock reads', (results[2]?.p50 ?? 0) / floor, '<= 1.15')
  const [alone, ...own] = bytes.map((each) => Math.max(0, each).toFixed(1))
  say(`allocated per call: ${own.join(', ')} bytes; by the clock reads alone ${alone} (goal: nothing on top)`)
  if (sink === 0) throw new Error('nothing was measured')
  await election.stop()
  rmSync(dataDir, { recursive: true })
}
