/**
 * "Am I the leader?" against the clock reads that a right answer needs (one monotonic, one wall): trials alternate in one
 * process, so the ratio holds whatever the machine does. Goal: <= 1.15 x, no allocation.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createElection, memory, systemClock } from 'conclave'
import { tcp } from 'conclave/tcp'
import { freePorts } from '../real/cluster'
import { head, line, ratio, value } from './stats'

const ROUNDS = 15
const CALLS = 300_000
const CLOCKS = 'clock reads alone (now, wall)'
/** Calls here are indirect, so none is compiled into its loop: what one costs by itself. */
const CALL = 'a call that does nothing'

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
    [CLOCKS, () => clock.now() + clock.wall() > 0],
    [CALL, () => true],
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
  const p50 = (label: string): number =>
    results[rows.findIndex(([each]) => each === label)]?.p50 ?? Number.NaN
  const floor = p50(CLOCKS)
  ratio('isLeader() / clock reads', p50('election.isLeader()') / floor, '<= 1.15')
  ratio('leadership.isValid() / clock reads', p50('leadership.isValid()') / floor, '<= 1.15')
  value('isLeaderAt(t), above the call', p50('election.isLeaderAt(t)') - p50(CALL), 'ns', '<= 8')
  const [alone = 0, ...own] = bytes
  value('allocated per call, above the clock reads', Math.max(0, Math.max(...own) - alone), 'bytes', '0')
  if (sink === 0) throw new Error('nothing was measured')
  await election.stop()
  rmSync(dataDir, { recursive: true })
  const verified = line('election.verify(), a quorum of three over loopback', await verifications(), 'ns')
  ratio('verify() / isLeader()', verified.p50 / p50('election.isLeader()'), '>= 300')
}

/** What others make of "am I the leader?": a round trip to a quorum, ns each. Three members in this process. */
async function verifications(): Promise<number[]> {
  const ids = ['a', 'b', 'c']
  const ports = await freePorts(ids.length)
  const voters = Object.fromEntries(ids.map((id, i) => [id, `127.0.0.1:${ports[i]}`]))
  const secret = 'a secret of the benches, long enough'
  const elections = ids.map((id) =>
    createElection({
      ...{ cluster: 'bench', name: 'job', id, voters },
      ...{ transport: tcp({ secret }), storage: memory(), timing: 'relaxed' },
    }),
  )
  const [first] = elections
  if (first === undefined) return []
  await Promise.all(elections.map((each) => each.start()))
  await first.waitForLeader({ timeoutMs: 60_000 })
  const leader = elections.find((each) => each.isLeader()) ?? first
  const series: number[] = []
  for (let i = 0; i < 200; i++) {
    const begin = process.hrtime.bigint()
    if (!(await leader.verify())) throw new Error('not verified')
    series.push(Number(process.hrtime.bigint() - begin))
  }
  await Promise.all(elections.map((each) => each.stop()))
  return series
}
