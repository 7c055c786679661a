/**
 * Goals 3, 4 and 5: fail-over and hand-over of five real processes, votes on disk, beside the floor (`floor.mjs`) on the same
 * machine in the same run, trials in turn. Instants are readings of the one monotonic clock of the host.
 *
 * `npm run bench -- failover --n=100 --handovers=300 --ways=kill,abort,segfault,oom,kill+1024,kill+4096 --witness=sentinel,supervisor`.
 * `--witness=none` waits for the lease, as without a witness. A way with `+` first fills the leader's memory with that many
 * megabytes; `oom` is a real kill of the kernel, by a control group of the leader's own, where those may be made.
 */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, clockMs } from '../real/cluster'
import { Floor, SIZE, type Victim } from './floor'
import { flushes, roundTrips } from './machine'
import { head, line, ratio, type Summary, say, value } from './stats'

type Witness = 'none' | 'sentinel' | 'supervisor'

/** D of `default`, and how long a restarted member has no vote (R19), with room. */
const BOOT_MS = 2_600
const GROUP = '/sys/fs/cgroup/memory'
const ROOM_BYTES = 16 << 20

/** Fills the memory of a process, if that way says so. */
async function fill(victim: Victim, way: string): Promise<void> {
  const megabytes = way.split('+')[1]
  if (megabytes === undefined) return
  victim.order({ kind: 'hold', megabytes: Number(megabytes) })
  await victim.held()
  await sleep(500)
}

/** Ends a process in that way; gives the instant just before. */
async function kill(victim: Victim, way: string): Promise<number> {
  const [how] = way.split('+')
  if (how === 'abort' || how === 'segfault') {
    const at = clockMs()
    victim.order({ kind: how })
    return at
  }
  if (how !== 'oom') {
    const at = clockMs()
    process.kill(victim.pid, 'SIGKILL')
    return at
  }
  const group = join(GROUP, `conclave-${victim.pid}`)
  mkdirSync(group)
  writeFileSync(join(group, 'memory.limit_in_bytes'), String(ROOM_BYTES))
  writeFileSync(join(group, 'cgroup.procs'), String(victim.pid))
  const at = clockMs()
  victim.order({ kind: 'hold', megabytes: 64 })
  setTimeout(() => rmdirSync(group), 2_000).unref()
  return at
}

function canLimitMemory(): boolean {
  const group = join(GROUP, `conclave-try-${process.pid}`)
  try {
    mkdirSync(group)
    rmdirSync(group)
    return true
  } catch {
    return false
  }
}

/** The leader, with its memory filled: while a machine is busy that can cost it its leadership, and then it is another's turn. */
async function victimOf(
  cluster: Cluster,
  way: string,
): Promise<{ readonly id: string; readonly victim: Victim }> {
  for (let tries = 0; tries < 5; tries++) {
    await cluster.until(() => cluster.leader !== null, 30_000, 'somebody leads')
    const id = cluster.leader as string
    const member = cluster.member(id)
    const seen = member.reports.length
    const isFull = () => member.reports.slice(seen).some(({ kind }) => kind === 'ready')
    const victim: Victim = {
      pid: member.pid,
      order: (order) => cluster.order(id, order),
      held: () => cluster.until(isFull, 60_000, 'memory is held'),
    }
    await fill(victim, way)
    if (cluster.leader === id) return { id, victim }
  }
  throw new Error('this machine is too busy: nobody led for as long as it takes to fill its memory')
}

/** Ends the leader of a cluster, gives how long it took until another one led, and takes it back. */
async function crash(cluster: Cluster, way: string): Promise<number> {
  const { id, victim } = await victimOf(cluster, way)
  const count = cluster.reigns.length
  const member = cluster.member(id)
  const at = await kill(victim, way)
  const next = await cluster.reignNumber(count + 1, 30_000)
  await cluster.until(() => !member.alive, 10_000, 'it is gone')
  await cluster.startMember(id)
  return next.electedAt - at
}

/** From the last instruction of the old leader's work to the beginning of the next leadership, by one clock. */
async function handOver(cluster: Cluster): Promise<number> {
  const old = cluster.leader as string
  const count = cluster.reigns.length
  const to = cluster.ids[(cluster.ids.indexOf(old) + 1) % SIZE] as string
  cluster.order(old, { kind: 'resign', to })
  const next = await cluster.reignNumber(count + 1, 10_000)
  const before = cluster.reigns[count - 1]
  await cluster.until(() => before?.revoked.length === 1, 5_000, 'the old leader tells its end')
  if (next.id !== to) throw new Error(`handed to ${to}, taken by ${next.id}`)
  return next.electedAt - (before?.revoked[0]?.idleAt ?? 0)
}

async function benchHandOver(floor: Floor, cluster: Cluster, trials: number, write: Summary, trip: Summary) {
  const bare: number[] = []
  const ours: number[] = []
  let failed = 0
  for (let trial = 0; trial < trials; trial++) {
    await sleep(20)
    bare.push(await floor.handOver())
    await sleep(20)
    try {
      ours.push(await handOver(cluster))
    } catch {
      failed += 1
      await cluster.until(() => cluster.leader !== null, 30_000, 'somebody leads')
    }
  }
  const a = line('hand-over, floor: renounced -> leads', bare, 'ms')
  const budget = 1.5 * trip.p50 + 2 * write.p50 + 0.5
  const b = line('hand-over, conclave: work stopped -> elected', ours, 'ms', `p50 <= ${budget.toFixed(2)}`)
  ratio('hand-over / floor, p50', b.p50 / a.p50, '<= 2')
  value('hand-overs that failed', failed, `of ${trials}`, '0')
}

async function benchCrashes(
  floor: Floor,
  clusters: ReadonlyMap<Witness, Cluster>,
  ways: readonly string[],
  trials: number,
): Promise<void> {
  const bare = new Map<string, number[]>()
  const ours = new Map<string, number[]>()
  const add = (map: Map<string, number[]>, key: string, value: number) =>
    map.set(key, [...(map.get(key) ?? []), value])
  for (let trial = 0; trial < trials; trial++) {
    for (const way of ways) {
      const bareCrash = await floor.crash(async (victim) => {
        await fill(victim, way)
        return await kill(victim, way)
      })
      add(bare, way, bareCrash)
      for (const [witness, cluster] of clusters) {
        // a new leader's sentinel has to be there, and a member that came back to vote again
        await sleep(BOOT_MS / clusters.size)
        add(ours, `${way} ${witness}`, await crash(cluster, way))
      }
    }
  }
  for (const way of ways) {
    const a = line(`${way}, floor (no lease): dies -> leads`, bare.get(way) ?? [], 'ms')
    for (const witness of clusters.keys()) {
      const b = line(`${way}, conclave, witness: ${witness}`, ours.get(`${way} ${witness}`) ?? [], 'ms')
      const isFast = witness !== 'none'
      ratio(
        `${way}, ${witness} / floor, p50`,
        b.p50 / a.p50,
        isFast ? '<= 1.5' : 'none: the lease has to run out',
      )
      if (isFast) ratio(`${way}, ${witness} / floor, p99`, b.p99 / a.p99, '<= 2')
    }
  }
}

/** Value of `--name=value`, or a default. */
function optionOf(flags: readonly string[], name: string, otherwise: string): string {
  return flags.find((flag) => flag.startsWith(`--${name}=`))?.slice(name.length + 3) ?? otherwise
}

export async function benchFailover(flags: readonly string[] = []): Promise<void> {
  head(`five processes on loopback, votes on disk, timing 'default' (D = 2,000 ms)`)
  const trials = Number(optionOf(flags, 'n', '12'))
  const handOvers = Number(optionOf(flags, 'handovers', '60'))
  const witnesses = optionOf(flags, 'witness', 'sentinel,supervisor').split(',') as Witness[]
  const asked = optionOf(flags, 'ways', 'kill,abort,segfault,oom').split(',')
  const ways = asked.filter((way) => way !== 'oom' || canLimitMemory())
  if (ways.length < asked.length) say('no OOM kill: control groups cannot be made here')
  const write = line('this disk: 64 bytes + fdatasync', flushes(), 'ms')
  const trip = line('this machine: 64 bytes there and back', await roundTrips(), 'ms')
  const floor = new Floor()
  const clusters = new Map<Witness, Cluster>()
  for (const witness of witnesses) {
    const options = { size: SIZE, timing: 'default', writeMs: null, sampleMs: 50 } as const
    const settings = { sentinel: witness === 'sentinel' }
    clusters.set(witness, new Cluster({ ...options, settings, supervised: witness === 'supervisor' }))
  }
  const all = [...clusters.values()]
  try {
    await Promise.all([floor.start(), ...all.map((cluster) => cluster.start())])
    await Promise.all(all.map((cluster) => cluster.reignNumber(1)))
    await sleep(BOOT_MS)
    if (handOvers > 0) await benchHandOver(floor, all[0] as Cluster, handOvers, write, trip)
    if (trials > 0) await benchCrashes(floor, clusters, ways, trials)
  } finally {
    floor.stop()
    for (const cluster of all) cluster.stop()
  }
  const found = all.flatMap((cluster) => cluster.violations())
  const crashes = trials * ways.length * clusters.size
  const what = crashes > 0 ? 'crashes' : 'hand-overs'
  value(`${what}: violations`, found.length, `(overlap, tokens that do not rise; ${crashes} crashes)`, '0')
  for (const each of found) say(`VIOLATION: ${each}`)
  if (found.length > 0) process.exitCode = 1
}
