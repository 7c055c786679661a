/**
 * Chaos over real processes (PROTOCOL D.2, A.8): faults one after the other and several at once, each fail-over measured by
 * its cause, everything judged on one host clock. For `npm run chaos` and its short share in the tests.
 *
 * The order of faults follows from the seed; what they meet does not, as the machine decides that. Decides nothing about
 * what is right: that is `Cluster.violations`. Read next: `cluster.ts`, `chaos.ts` (the command).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TimingOptions, TimingPreset } from 'conclave'
import { Random } from '../fuzz/random'
import { Cluster, clockMs, endOf, type Member, type Reign } from './cluster'

export interface ChaosOptions {
  readonly seed: number
  readonly minutes: number
  readonly processes: number
  readonly timing?: TimingPreset | TimingOptions
  /** Gets a line now and then. */
  readonly say?: (line: string) => void
  /** Between two of these lines, ms. */
  readonly sayEveryMs?: number
}

/** What befalls a leader, and the rows of the table of fail-overs. */
export const CAUSES = [
  'kill -9',
  'freeze (SIGSTOP)',
  'cut off',
  'one way: deaf',
  'one way: mute',
  'blocked loop',
  'graceful stop',
  'exit',
  'hand-over',
  'resignation',
  'rolling restart',
  'storm, after it',
] as const
export type Cause = (typeof CAUSES)[number]

export interface ChaosReport {
  readonly seed: number
  readonly processes: number
  readonly seconds: number
  readonly faults: Readonly<Record<string, number>>
  readonly leaderships: number
  /** Leaderships that changed although nothing was done to the leader: the machine was too slow for the timing. */
  readonly spontaneous: number
  readonly overlapMs: number
  readonly maxToken: number
  readonly writes: { readonly accepted: number; readonly refused: number }
  /** From the fault to the first instant of the next leadership, ms. */
  readonly failovers: Readonly<Record<Cause, readonly number[]>>
  readonly violations: readonly string[]
  readonly events: readonly string[]
}

/** Longest time without a leader when nothing is wrong any more. */
const LIVENESS_MS = 30_000

/** One run. */
class Chaos {
  readonly faults = new Map<string, number>()
  readonly failovers = new Map<Cause, number[]>(CAUSES.map((cause) => [cause, []]))
  readonly events: string[] = []
  spontaneous = 0
  private readonly random: Random
  private readonly began = clockMs()
  private seenReigns = 0
  /** Told to end, or killed. */
  private readonly ending = new Set<Member>()

  constructor(
    readonly cluster: Cluster,
    readonly options: ChaosOptions,
  ) {
    this.random = new Random(options.seed)
  }

  async run(): Promise<void> {
    const until = this.began + this.options.minutes * 60_000
    let said = clockMs()
    await this.leader('the first leader')
    for (let n = 0; clockMs() < until; n++) {
      await this.calm(100 + this.random.below(700))
      if (this.random.once(12)) await this.storm()
      else if (this.random.once(15)) await this.rollingRestart()
      else await this.episode()
      if (this.cluster.violations().length > 0) return
      if (clockMs() - said > (this.options.sayEveryMs ?? 30_000)) {
        said = clockMs()
        const left = Math.max(0, Math.round((until - said) / 1000))
        this.options.say?.(
          `${n + 1} episodes, ${this.cluster.reigns.length} leaderships, token ${this.cluster.reigns.at(-1)?.term}, ` +
            `${this.cluster.violations().length} violations, ${left} s to go`,
        )
      }
    }
    await this.mend()
    await this.leader('the last leader')
  }

  /** One fault for the leader, or for a follower, with other troubles in the background or without. */
  private async episode(): Promise<void> {
    const { random, cluster } = this
    const background = random.once(2) ? this.trouble() : null
    const leader = await this.leader('a leader before the fault')
    if (random.once(5)) await this.follower(leader)
    else await this.strike(leader)
    background?.()
    await this.mend()
    await this.leader('a leader after the fault')
    if (random.once(3)) cluster.links?.slow(0)
  }

  /** Something that slows everything and must harm nothing; returns how it ends. */
  private trouble(): () => void {
    const { random, cluster } = this
    if (random.once(2)) {
      this.count('latency')
      cluster.links?.slow(1 + random.below(40))
      return () => cluster.links?.slow(0)
    }
    const id = random.pick(cluster.ids)
    // Slower than that, and no campaign of the preset `fast` (150 ms, two writes one after the other) could ever be won.
    this.count('slow disk')
    cluster.order(id, { kind: 'disk', delayMs: 5 + random.below(45) })
    return () => cluster.order(id, { kind: 'disk', delayMs: 0 })
  }

  /** A fault of the leader, and how long it takes until there is another leadership. */
  private async strike(leader: string): Promise<void> {
    const { random, cluster } = this
    const others = cluster.ids.filter((id) => id !== leader)
    const cause = random.pick(CAUSES.slice(0, 10))
    this.count(cause)
    const count = cluster.reigns.length
    const since = clockMs()
    if (cluster.leader !== leader) return
    if (cause === 'kill -9') this.kill(leader)
    else if (cause === 'freeze (SIGSTOP)') cluster.signal(leader, 'SIGSTOP')
    else if (cause === 'cut off') cluster.links?.isolate(leader, cluster.ids)
    else if (cause === 'one way: deaf') for (const id of others) cluster.links?.cutOneWay(id, leader)
    else if (cause === 'one way: mute') for (const id of others) cluster.links?.cutOneWay(leader, id)
    else if (cause === 'blocked loop') cluster.order(leader, { kind: 'block', forMs: 2_000 })
    else if (cause === 'graceful stop') this.end(leader, 'stop')
    else if (cause === 'exit') this.end(leader, random.once(2) ? 'exit' : 'throw')
    else cluster.order(leader, { kind: 'resign', to: cause === 'hand-over' ? random.pick(others) : null })
    const next = await this.reign(count, `a leadership after ${cause} of ${leader}`)
    if (next.id === leader && cause !== 'hand-over') return // it was too quick, or its lease had been lost before
    this.failovers.get(cause)?.push(next.from - since)
    await this.calm(100 + random.below(400))
  }

  /** A fault of one that does not lead: nothing should come of it. */
  private async follower(leader: string): Promise<void> {
    const { random, cluster } = this
    const id = random.pick(cluster.ids.filter((each) => each !== leader))
    const how = random.pick(['kill', 'freeze', 'cut', 'one way', 'link'] as const)
    this.count(`of a follower: ${how}`)
    const other = random.pick(cluster.ids.filter((each) => each !== id))
    if (how === 'kill') this.kill(id)
    else if (how === 'freeze') cluster.signal(id, 'SIGSTOP')
    else if (how === 'cut') cluster.links?.isolate(id, cluster.ids)
    else if (how === 'one way')
      cluster.links?.cutOneWay(...(random.once(2) ? ([id, other] as const) : ([other, id] as const)))
    else cluster.links?.cut(id, other)
    await this.calm(500 + random.below(2_000))
  }

  /** Several faults at once, of anybody, without waiting; then all is well, and somebody has to lead. */
  private async storm(): Promise<void> {
    const { random, cluster } = this
    this.count('storm')
    for (let n = 3 + random.below(6); n > 0; n--) {
      const id = random.pick(cluster.ids)
      const other = random.pick(cluster.ids.filter((each) => each !== id))
      const what = random.pick([
        'kill',
        'freeze',
        'thaw',
        'cut',
        'one way',
        'mend',
        'disk',
        'latency',
        'resign',
        'block',
        'restart',
      ] as const)
      this.count(`in storms: ${what}`)
      if (what === 'kill') this.kill(id)
      else if (what === 'freeze') cluster.signal(id, 'SIGSTOP')
      else if (what === 'thaw') cluster.signal(id, 'SIGCONT')
      else if (what === 'cut') cluster.links?.cut(id, other)
      else if (what === 'one way') cluster.links?.cutOneWay(id, other)
      else if (what === 'mend') cluster.links?.mend(id, other)
      else if (what === 'disk') cluster.order(id, { kind: 'disk', delayMs: random.below(400) })
      else if (what === 'latency') cluster.links?.slow(random.below(80))
      else if (what === 'resign') cluster.order(id, { kind: 'resign', to: null })
      else if (what === 'block') cluster.order(id, { kind: 'block', forMs: 300 + random.below(1_500) })
      else if (!cluster.member(id).alive) await this.start(id)
      await this.calm(random.below(900))
    }
    // With a disk or a network as slow as that nobody could ever win a campaign of 150 ms: it is over, too.
    for (const id of cluster.ids) cluster.order(id, { kind: 'disk', delayMs: 0 })
    cluster.links?.slow(0)
    const count = cluster.reigns.length
    const since = clockMs()
    await this.mend()
    if (cluster.leader === null) {
      const next = await this.reign(count, 'a leadership after a storm')
      this.failovers.get('storm, after it')?.push(next.from - since)
    }
  }

  /** Every process once, as a deployment does it. */
  private async rollingRestart(): Promise<void> {
    const { cluster } = this
    this.count('rolling restart')
    for (const id of cluster.ids) {
      const leader = await this.leader('a leader during the rolling restart')
      const count = cluster.reigns.length
      const since = clockMs()
      cluster.signal(id, 'SIGTERM')
      await cluster.until(() => !cluster.member(id).alive, 15_000, `${id} stops`)
      if (id === leader) {
        const next = await this.reign(count, 'a leadership in the rolling restart')
        this.failovers.get('rolling restart')?.push(next.from - since)
      }
      await this.start(id)
      await this.calm(200)
    }
  }

  /** Everything that was broken works again. */
  private async mend(): Promise<void> {
    const { cluster } = this
    cluster.links?.heal()
    for (const id of cluster.ids) if (cluster.member(id).alive) cluster.signal(id, 'SIGCONT')
    // A process that was told to stop or to exit may still be on its way out.
    await this.calm(100)
    for (const id of cluster.ids) {
      const member = cluster.member(id)
      if (!member.alive || this.ending.has(member)) await this.start(id)
    }
  }

  private kill(id: string): void {
    this.ending.add(this.cluster.member(id))
    this.cluster.signal(id, 'SIGKILL')
  }

  private end(id: string, kind: 'stop' | 'exit' | 'throw'): void {
    this.ending.add(this.cluster.member(id))
    this.cluster.order(id, { kind })
  }

  private async start(id: string): Promise<void> {
    const { cluster } = this
    await cluster.until(() => !cluster.member(id).alive, 15_000, `${id} is gone`)
    this.note(`start ${id}`)
    await cluster.startMember(id)
  }

  private async leader(what: string): Promise<string> {
    await this.waitFor(() => this.cluster.leader !== null, what)
    this.noteReigns()
    return this.cluster.leader as string
  }

  private async reign(count: number, what: string): Promise<Reign> {
    await this.waitFor(() => this.cluster.reigns.length > count, what)
    this.noteReigns()
    return this.cluster.reigns[count] as Reign
  }

  private async waitFor(condition: () => boolean, what: string): Promise<void> {
    try {
      await this.cluster.until(condition, LIVENESS_MS, what)
    } catch (error) {
      for (const id of this.cluster.ids) {
        const why = await this.cluster.status(id).catch(() => ({}))
        this.note(`${id}: ${JSON.stringify((why as Record<string, unknown>)['whyNotLeader'] ?? 'no answer')}`)
      }
      throw error
    }
  }

  /** Lets time pass; a leadership that changes meanwhile changed by itself. */
  private async calm(ms: number): Promise<void> {
    const count = this.cluster.reigns.length
    await sleep(ms)
    this.spontaneous += this.cluster.reigns.length - count
    this.noteReigns()
  }

  private count(fault: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1)
    this.note(fault)
  }

  note(what: string): void {
    this.events.push(`${((clockMs() - this.began) / 1000).toFixed(3).padStart(9)} s  ${what}`)
    if (this.events.length > 400) this.events.splice(0, 200)
  }

  private noteReigns(): void {
    for (const { id, term } of this.cluster.reigns.slice(this.seenReigns))
      this.note(`${id} leads in term ${term}`)
    this.seenReigns = this.cluster.reigns.length
  }
}

/** Runs it, and stops every process that it started, whatever happens. */
export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, processes, timing = 'fast' } = options
  const cluster = new Cluster({
    size: processes,
    timing,
    cuttable: true,
    settings: { handleSignals: true },
  })
  const began = clockMs()
  const failures: string[] = []
  let run: Chaos | null = null
  try {
    await cluster.start()
    run = new Chaos(cluster, options)
    await run.run()
  } catch (error) {
    failures.push((error as Error).message)
  } finally {
    cluster.stop()
  }
  return {
    seed,
    processes,
    seconds: (clockMs() - began) / 1000,
    faults: Object.fromEntries([...(run?.faults ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))),
    leaderships: cluster.reigns.length,
    spontaneous: run?.spontaneous ?? 0,
    overlapMs: overlapOf(cluster.reigns),
    maxToken: Math.max(0, ...cluster.reigns.map(({ term }) => term)),
    writes: { accepted: cluster.acceptedTokens.length, refused: cluster.refusedWrites.length },
    failovers: Object.fromEntries(run?.failovers ?? []) as Record<Cause, number[]>,
    violations: [...cluster.violations(), ...failures],
    events: run?.events ?? [],
  }
}

/** Time in which two of them held at once, ms. */
export function overlapOf(reigns: readonly Reign[]): number {
  let sum = 0
  let end = Number.NEGATIVE_INFINITY
  for (const reign of [...reigns].sort((a, b) => a.from - b.from)) {
    sum += Math.max(0, Math.min(end, endOf(reign)) - reign.from)
    end = Math.max(end, endOf(reign))
  }
  return sum
}

/** The share of a sorted list that a percentile names, or NaN of an empty one. */
function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** The report as lines. */
export function tableOf(report: ChaosReport): string {
  const ms = (value: number) => (Number.isNaN(value) ? '-' : value.toFixed(0)).padStart(9)
  const failovers = CAUSES.map((cause) => {
    const times = report.failovers[cause] ?? []
    const worst = times.length === 0 ? Number.NaN : Math.max(...times)
    return `${cause.padEnd(20)}${String(times.length).padStart(6)}${ms(percentile(times, 0.5))}${ms(percentile(times, 0.99))}${ms(worst)}`
  })
  return [
    `${report.processes} processes, ${report.seconds.toFixed(0)} s, seed ${report.seed}`,
    `leaderships ${report.leaderships} (${report.spontaneous} changed by themselves), largest token ${report.maxToken}`,
    `overlap ${report.overlapMs.toFixed(3)} ms, violations ${report.violations.length}`,
    `fenced writes ${report.writes.accepted} accepted, ${report.writes.refused} of old leaders refused`,
    '',
    `${'fail-over, ms'.padEnd(20)}${['n', 'p50', 'p99', 'max'].map((head, i) => head.padStart(i === 0 ? 6 : 9)).join('')}`,
    ...failovers,
    '',
    'faults',
    ...Object.entries(report.faults).map(
      ([fault, count]) => `  ${fault.padEnd(26)}${String(count).padStart(6)}`,
    ),
  ].join('\n')
}
