/**
 * Goal 5, second half: three real members restarted one after the other, as a roll-out does it. SIGTERM lets the library stop:
 * work ends, the leadership is handed over, the process goes; then it is started again on the same data. Reported per round:
 * for how long, all in all, nobody led; beside it what as many hand-overs of the floor (`floor.mjs`) take in the same round.
 *
 * `npm run bench -- rolling-restart --n=12`: that many rounds, of some ten seconds each.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, type Reign } from '../real/cluster'
import { optionOf } from './elections-cluster'
import { Floor } from './floor'
import { flushes, roundTrips } from './machine'
import { head, line, ratio, say, value } from './stats'

const SIZE = 3
/** How long a restarted member has no vote (R19) at D = 2,000 ms, with room: what a readiness probe waits for. */
const READY_MS = 2_600

/** From the last instruction of the old leader's work to the next leadership: nobody led. */
function gap(before: Reign, next: Reign): number {
  return next.electedAt - (before.revoked[0]?.idleAt || before.to)
}

/** Restarts one member in order. */
async function restart(cluster: Cluster, id: string): Promise<void> {
  const wasLeader = cluster.leader === id
  const count = cluster.reigns.length
  const member = cluster.member(id)
  cluster.signal(id, 'SIGTERM')
  await cluster.until(() => !member.alive, 10_000, `${id} stops`)
  if (wasLeader) await cluster.reignNumber(count + 1, 10_000)
  await cluster.startMember(id)
  await sleep(READY_MS)
}

/** `npm run bench -- rolling-restart`. */
export async function benchRollingRestart(flags: readonly string[]): Promise<void> {
  head(`rolling restart of ${SIZE} processes on loopback, votes on disk, timing 'default'`)
  const rounds = Number(optionOf(flags, 'n', '12'))
  line('this disk: 64 bytes + fdatasync', flushes(), 'ms')
  line('this machine: 64 bytes there and back', await roundTrips(), 'ms')
  const floor = new Floor()
  const settings = { handleSignals: true }
  const cluster = new Cluster({ size: SIZE, timing: 'default', writeMs: null, sampleMs: 20, settings })
  const bare: number[] = []
  const total: number[] = []
  const single: number[] = []
  try {
    await Promise.all([floor.start(), cluster.start()])
    await cluster.reignNumber(1)
    await sleep(READY_MS)
    for (let round = 0; round < rounds; round++) {
      const first = cluster.reigns.length - 1
      for (const id of cluster.ids) await restart(cluster, id)
      const gaps = cluster.reigns
        .slice(first + 1)
        .map((next, i) => gap(cluster.reigns[first + i] as Reign, next))
      single.push(...gaps)
      total.push(gaps.reduce((sum, ms) => sum + ms, 0))
      let least = 0
      for (const _ of gaps) {
        least += await floor.handOver()
        await sleep(20)
      }
      bare.push(least)
    }
  } finally {
    floor.stop()
    cluster.stop()
  }
  line('each change of leader: work stopped -> elected', single, 'ms')
  const a = line('a round, floor: as many bare hand-overs', bare, 'ms')
  const b = line('a round, conclave: nobody leads', total, 'ms', 'p50 <= 10')
  ratio('rolling restart / floor, p50', b.p50 / a.p50, '<= 2')
  const found = cluster.violations()
  const changes = cluster.reigns.length - 1
  value('rolling restart: violations', found.length, `(changes of leader: ${changes})`, '0')
  for (const each of found) say(`VIOLATION: ${each}`)
  if (found.length > 0) process.exitCode = 1
}
