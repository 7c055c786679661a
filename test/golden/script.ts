/**
 * Runs a script of commands on a simulated cluster and writes down what happened: a transcript that reads like an annotated
 * packet capture.
 *
 * A script is text. `#` lines are prose and are copied; every other line is a command (the table is `COMMANDS`), copied
 * behind `>` and followed by what it caused. Time passes only in `advance`, `settle`, `until` and `start`. The network takes 1 ms per frame,
 * a disk 1 ms per write, clocks are exact: every figure in a transcript can be checked by hand against PROTOCOL.md.
 */
import { formatMs } from '../../src/simulation/format'
import { SimCluster } from '../../src/simulation/sim-cluster'
import type { Flight } from '../../src/simulation/sim-network'
import { Trace } from '../../src/simulation/trace'

/** Promises of 1,000 ms, heartbeats every 200 ms, exact clocks but a bound of 10 %: a lease is 1,000 x 0.9 / 1.1 = 818.182 ms. */
const TIMING = {
  promiseMs: 1000,
  heartbeatMs: 200,
  campaignMs: 400,
  stepMs: 50,
  rho: 0.1,
  deltaMs: 0,
  backoffMs: 100,
  backoffMaxMs: 400,
} as const

const JOBS = 'jobs'

/** Takes `from>to` and the kind of a part; an empty end or kind matches all. */
interface Filter {
  readonly from: string
  readonly to: string
  readonly kind: string
}

/** Runs the script, returns the transcript. */
export function transcribe(script: string): string {
  const run = new Script()
  for (const line of script.trim().split('\n')) run.line(line.trim())
  return run.text
}

class Script {
  private readonly out: string[] = []
  private cluster: SimCluster | null = null
  private lines = 0
  private trace: Trace | null = null
  private readonly holding: Filter[] = []
  private readonly losing: Filter[] = []

  get text(): string {
    return `${this.out.join('\n')}\n`
  }

  line(line: string): void {
    if (line === '' || line.startsWith('#')) {
      this.out.push(line)
      return
    }
    this.out.push(`> ${line}`)
    const [name = '', ...words] = line.split(/\s+/)
    const command = COMMANDS[name]
    if (command === undefined) throw new Error(`a transcript has no command ${name}`)
    command(this, words)
    for (const { property, text } of this.cluster?.violations ?? []) {
      throw new Error(`a transcript broke ${property}: ${text}`)
    }
  }

  get sim(): SimCluster {
    if (this.cluster === null) throw new Error('a transcript begins with the command nodes')
    return this.cluster
  }

  /** `nodes a b c [preVote=off] [succession=off] [latency=5]`. Nobody contends until told. */
  nodes(words: readonly string[]): void {
    const options = new Map(
      words.filter((word) => word.includes('=')).map((word) => word.split('=') as [string, string]),
    )
    const cluster = new SimCluster({
      seed: 1,
      nodes: words.filter((word) => !word.includes('=')),
      elections: [JOBS],
      contenders: [],
      timing: TIMING,
      quality: { latencyMs: Number(options.get('latency') ?? 1) },
      network: { finMs: 2, linkTimeoutMs: 5000, redialMs: 100, holdInCut: false, codec: false },
      writeTime: { leastMs: 1, mostMs: 1 },
      preVote: options.get('preVote') !== 'off',
      succession: options.get('succession') !== 'off',
    })
    this.cluster = cluster
    cluster.network.interceptor = (flight) => this.intercept(flight)
    this.trace = new Trace(cluster)
    this.trace.follow((line) => this.print(line))
  }

  print(line: string): void {
    this.lines += 1
    this.out.push(line.trimEnd())
  }

  showHeartbeats(on: boolean): void {
    if (this.trace !== null) this.trace.heartbeats = on
  }

  /** Runs until nothing worth a line has happened for 20 ms. */
  settle(): void {
    let quietSince = this.sim.now
    let lines = this.lines
    const end = this.sim.now + 5000
    while (this.sim.now < end && this.sim.now - quietSince < 20) {
      this.sim.run(1)
      if (this.lines !== lines) quietSince = this.sim.now
      lines = this.lines
    }
  }

  /** Runs until that is so. */
  until(what: string, term: number): void {
    const nodes = [...this.sim.nodes.values()]
    const conditions: Readonly<Record<string, () => boolean>> = {
      led: () => this.sim.leaderOf(JOBS) !== null,
      leaderless: () => this.sim.leaderOf(JOBS) === null,
      campaigning: () => nodes.some(({ state }) => (state?.campaigning.size ?? 0) > 0),
      term: () => nodes.some(({ standing }) => standing.get(JOBS)?.term === term),
    }
    const condition = conditions[what]
    if (condition === undefined || !this.sim.runUntil(condition, 5000))
      throw new Error(`never became ${what}`)
  }

  /** A word about a pause, at that process. */
  say(id: string, isPaused: boolean): void {
    const sinceMs = Math.round(this.sim.now)
    this.sim.submit(id, { type: 'pause', election: JOBS, isPaused, leader: 'stays', sinceMs })
  }

  filter(words: readonly string[]): Filter {
    const [link = '', kind = ''] = words
    const [from = '', to = ''] = link.split('>')
    return { from: from === '*' ? '' : from, to: to === '*' ? '' : to, kind }
  }

  hold(filter: Filter): void {
    this.holding.push(filter)
  }

  lose(filter: Filter): void {
    this.losing.push(filter)
  }

  pass(): void {
    this.holding.length = 0
    this.losing.length = 0
  }

  /** Frames that are held, in the order in which they were sent. */
  heldBack(filter: Filter): Flight[] {
    return this.sim.network.held.filter((flight) => matches(filter, flight))
  }

  private intercept(flight: Flight): 'pass' | 'hold' | 'drop' {
    if (this.losing.some((filter) => matches(filter, flight))) return 'drop'
    return this.holding.some((filter) => matches(filter, flight)) ? 'hold' : 'pass'
  }

  /** One line per node: what it is, what it knows, what it promised, what it holds. */
  state(): void {
    for (const node of this.sim.nodes.values()) {
      const { state } = node
      const election = state?.elections.get(JOBS)
      if (state == null) {
        this.print(`  ${node.id}  down, T${node.durableTerm(JOBS)} on disk`)
        continue
      }
      const words = [
        `  ${node.id}  ${election?.role ?? 'follower'}`,
        `knows T${election?.slot.knownTerm ?? 0}`,
      ]
      words.push(`T${node.durableTerm(JOBS)} on disk`)
      const held = election?.slot.binding
      if (election?.lead != null) {
        const bound = [...election.lead.bound.keys()].sort().join(' ')
        words.push(`leads T${election.lead.term} bound by ${bound}`)
        words.push(`lease ${formatMs(Math.max(0, node.leaseUntil(JOBS) - node.now()))} more`)
      } else if (held == null) {
        words.push('free')
      } else if (held.released) {
        words.push(`free, ${held.leader} released T${held.term}`)
      } else {
        const support = state.supports.get(held.leader)
        const left = support?.grant === held.grant ? support.until - node.now() : 0
        words.push(
          left > 0
            ? `bound to ${held.leader} T${held.term} for ${formatMs(left)} more`
            : 'free, the grant has run out',
        )
      }
      if (node.now() < state.bootUntil) words.push(`boot wait ${formatMs(state.bootUntil - node.now())} more`)
      this.print(words.join(', '))
    }
  }
}

function matches({ from, to, kind }: Filter, flight: Flight): boolean {
  if (from !== '' && from !== flight.from) return false
  if (to !== '' && to !== flight.to) return false
  return kind === '' || flight.parts.some((part) => part.kind === kind)
}

type Command = (script: Script, words: readonly string[]) => void

const COMMANDS: Readonly<Record<string, Command>> = {
  nodes: (script, words) => script.nodes(words),
  /** All processes start; runs until everybody has met. */
  start: (script) => {
    script.sim.start()
    script.settle()
  },
  advance: (script, [ms]) => script.sim.run(Number(ms)),
  settle: (script) => script.settle(),
  /** `until led`, `until leaderless`, `until campaigning`, `until term 3`: at most 5 s. */
  until: (script, [what, term]) => script.until(what ?? '', Number(term ?? 0)),
  heartbeats: (script, [what]) => script.showHeartbeats(what === 'shown'),
  hold: (script, words) => script.hold(script.filter(words)),
  lose: (script, words) => script.lose(script.filter(words)),
  pass: (script) => script.pass(),
  deliver: (script, words) => {
    for (const flight of script.heldBack(script.filter(words))) script.sim.network.release(flight)
  },
  drop: (script, words) => {
    const { held } = script.sim.network
    for (const flight of script.heldBack(script.filter(words))) held.splice(held.indexOf(flight), 1)
  },
  partition: (script, words) =>
    script.sim.partition(
      words
        .join(' ')
        .split('|')
        .map((group) => group.trim().split(' ')),
    ),
  /** `cut a>b`: one direction only. */
  cut: (script, [link = '']) =>
    script.sim.cut(link.slice(0, link.indexOf('>')), link.slice(link.indexOf('>') + 1)),
  heal: (script) => script.sim.heal(),
  crash: (script, [id = '', how]) => script.sim.crash(id, how !== 'silently'),
  restart: (script, [id = '']) => script.sim.restart(id),
  stop: (script, [id = '']) => script.sim.stop(id),
  pause: (script, [id = '']) => script.sim.pause(id),
  resume: (script, [id = '', order]) => script.sim.resume(id, order === 'input' ? 'ioFirst' : 'timersFirst'),
  /** An operator pauses the election at that process; `unpause` takes it back (R80). */
  pauseElection: (script, [id = '']) => script.say(id, true),
  unpause: (script, [id = '']) => script.say(id, false),
  contend: (script, ids) => {
    for (const id of ids) script.sim.contend(id, JOBS)
  },
  /** Contends, and stands at once instead of waiting for its place in the succession. */
  campaign: (script, [id = '']) => {
    if (!script.sim.node(id).contends.has(JOBS)) script.sim.contend(id, JOBS)
    script.sim.submit(id, { type: 'campaign', election: JOBS })
  },
  resign: (script) => {
    script.sim.resign(JOBS, 1000)
  },
  transfer: (script, [to = '']) => {
    script.sim.transfer(JOBS, to, 1000)
  },
  state: (script) => script.state(),
  /** Reports a win that never happened, to show that violations stop a transcript. */
  forge: (script, [id = '']) => {
    for (const hook of script.sim.observers.of('elected')) hook(script.sim.node(id), JOBS, 1, 1)
  },
}
