/**
 * `npm run bench -- cost`: what correctness costs. Counts from the simulator (writes, frames and campaigns of an election at 3, 5
 * and 7 voters; delays and instants are random), and CPU of real processes with authenticated frames and with TLS.
 *
 *   --failovers=10000   simulated fail-overs per size     --seconds=10   window of the idle clusters
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { SimCluster } from 'conclave/simulation'
import { ElectionsCluster, optionOf, type Security } from './elections-cluster'
import { head, line, say, value } from './stats'

const SIZES = [3, 5, 7] as const
const ELECTION = 'jobs'

/** What one kind of change of leader took, one entry each. */
interface Tally {
  /** Pre-votes that began, campaigns that began. One of each is the least; more are rounds that failed, or rivals. */
  readonly preVotes: number[]
  readonly campaigns: number[]
  /** Writes of the whole cluster. */
  readonly writes: number[]
  /** Frames of the whole cluster that carried more than heartbeats and their answers. */
  readonly frames: number[]
  /** From the old leader's end to the new one's win, simulated ms. */
  readonly ms: number[]
}

/** A simulated cluster whose changes of leader are counted. */
class Counted {
  readonly cluster: SimCluster
  private preVotes = 0
  private campaigns = 0
  private writes = 0
  private frames = 0

  constructor(size: number, seed: number) {
    const nodes = [...'abcdefg'].slice(0, size)
    this.cluster = new SimCluster({
      seed,
      nodes,
      elections: [ELECTION],
      // a network and disks that are never twice alike: 0.2 to 5 ms one way, 0.1 to 5 ms a write; late timers
      quality: { latencyMs: 0.2, jitterMs: 4.8 },
      writeTime: { leastMs: 0.1, mostMs: 5 },
      accuracy: { early: 0.05, lateMs: 2 },
    })
    this.cluster.observers.add({
      noticed: (_node, effect) => {
        if (effect.type !== 'roleChanged') return
        if (effect.role === 'preCandidate') this.preVotes += 1
        if (effect.role === 'candidate') this.campaigns += 1
      },
      durable: (_node, _storage, { terms }) => {
        if (terms.size > 0) this.writes += 1
      },
      sent: (_node, { parts }) => {
        if (parts.some(({ kind }) => kind !== 'heartbeat' && kind !== 'ack')) this.frames += 1
      },
    })
    this.cluster.start()
    this.settle()
  }

  private settle(): void {
    if (!this.cluster.runUntil(() => this.cluster.leaderOf(ELECTION) !== null, 60_000))
      throw new Error('nobody leads')
    this.cluster.run(3_000)
  }

  /** One change of leader; `end` ends the old leadership. */
  change(tally: Tally, end: (leader: string) => void): void {
    const { cluster } = this
    cluster.run(cluster.random.unit() * 500)
    const leader = cluster.leaderOf(ELECTION) as string
    Object.assign(this, { preVotes: 0, campaigns: 0, writes: 0, frames: 0 })
    const at = cluster.now
    end(leader)
    const led = cluster.runUntil(() => {
      const now = cluster.leaderOf(ELECTION)
      return now !== null && now !== leader
    }, 60_000)
    const [violation] = cluster.violations
    if (violation !== undefined) throw new Error(`${violation.property}: ${violation.text}`)
    if (!led) throw new Error('nobody leads')
    tally.ms.push(cluster.now - at)
    cluster.run(60)
    tally.preVotes.push(this.preVotes)
    tally.campaigns.push(this.campaigns)
    tally.writes.push(this.writes)
    tally.frames.push(this.frames)
  }

  /** Brings a killed member back. */
  revive(id: string): void {
    this.cluster.restart(id)
    this.settle()
  }
}

function empty(): Tally {
  return { preVotes: [], campaigns: [], writes: [], frames: [], ms: [] }
}

function report(what: string, tally: Tally): void {
  line(`${what}: to the new leader`, tally.ms, 'simulated ms')
  line(`${what}: campaigns`, tally.campaigns, 'campaigns', '1')
  const repeated = tally.campaigns.filter((campaigns) => campaigns > 1).length
  value(`${what}: more than one campaign`, (100 * repeated) / tally.campaigns.length, '%', '0')
  line(`${what}: pre-votes begun`, tally.preVotes, 'pre-votes')
  line(`${what}: writes of all voters`, tally.writes, 'writes')
  line(`${what}: frames of all, without heartbeats`, tally.frames, 'frames')
}

export function benchCounts(failovers: number): void {
  for (const size of SIZES) {
    head(`cost of an election, ${size} voters, simulated: rounds, writes, frames`)
    const killed = empty()
    const handed = empty()
    const perCluster = 50
    for (let seed = 1; killed.ms.length < failovers; seed++) {
      const counted = new Counted(size, seed)
      for (let i = 0; i < perCluster && killed.ms.length < failovers; i++) {
        // what `resign()` and `stop()` do: to the best contender
        counted.change(handed, () => counted.cluster.handOver(ELECTION, 2_000))
        counted.cluster.run(3_000)
        let victim = ''
        counted.change(killed, (leader) => {
          victim = leader
          counted.cluster.crash(leader)
        })
        counted.revive(victim)
      }
    }
    report('killed', killed)
    report('resigned', handed)
  }
}

async function benchSecurity(security: Security, size: number, seconds: number): Promise<void> {
  const cluster = new ElectionsCluster({ size, elections: 1, timing: { preset: 'default' }, security })
  try {
    await cluster.fork()
    await Promise.all([cluster.untilLed(1, 60_000), cluster.askAll('start')])
    await sleep(3_000)
    const before = await cluster.askAll('watch')
    await sleep(seconds * 1000)
    const after = await cluster.askAll('watch')
    const rate = (key: 'cpuMs' | 'framesSent' | 'bytesSent') =>
      after.map((report, i) => {
        const former = before[i] ?? report
        return (report[key] - former[key]) / ((report.atMs - former.atMs) / 1000)
      })
    const what = `${size} processes, ${security === 'tls' ? 'TLS' : 'HMAC'}`
    line(
      `${what}: CPU of a core, idle`,
      rate('cpuMs').map((ms) => ms / 10),
      '%',
    )
    line(`${what}: frames out`, rate('framesSent'), 'frames per s')
    line(`${what}: bytes out`, rate('bytesSent'), 'bytes per s')
  } finally {
    cluster.close()
  }
}

export async function benchCost(flags: readonly string[]): Promise<void> {
  benchCounts(Number(optionOf(flags, 'failovers', '10000')))
  const seconds = Number(optionOf(flags, 'seconds', '10'))
  head('cost of keeping one election, real processes, preset default')
  for (const size of SIZES)
    for (const security of ['hmac', 'tls'] as const) await benchSecurity(security, size, seconds)
  say('(per process; n is the number of processes)')
}
