/**
 * `npm run bench -- stores`: what an idle cluster of three replicas costs a server, and how fast and how safely leadership
 * moves, beside node-redlock 4 and 5, etcd3's Election and a loop around an advisory lock, on the same servers.
 *
 * All systems have a lease of 5 s, renewed each second; each trial is made with all of them at once, so that the noise of the
 * machine is the same for all. Statements are counted by the servers, bytes by a proxy. Read next: `store-contender.ts`.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createElector } from 'conclave'
import { build } from 'esbuild'
import { clockMs } from '../real/cluster'
import { type StoreKind, storeService } from '../real/store-service'
import { type EtcdCluster, startEtcd } from '../servers/etcd'
import { type PostgresServer, startPostgres } from '../servers/postgres'
import { startProxy } from '../servers/proxy'
import { type RedisServer, startRedis } from '../servers/redis'
import { head, line, say, value } from './stats'
import type { Span, System } from './store-contender'

const KINDS: readonly StoreKind[] = ['postgres', 'redis', 'etcd']
const SIZES = [1, 10, 1_000]
const WINDOW_MS = 10_000
const SYSTEMS: readonly System[] = [
  ...(['conclave postgres', 'conclave redis', 'conclave etcd'] as const),
  ...(['redlock 4', 'redlock 5', 'etcd3 Election', 'advisory lock'] as const),
]
const TEAM = ['a', 'b', 'c']
/** Longer than every lease; whoever does not lead then does not lead at all. */
const PATIENCE_MS = 15_000
const FROZEN_MS = 9_000

interface Servers {
  readonly postgres: PostgresServer
  readonly redis: RedisServer
  readonly etcd: EtcdCluster
}

function portOf(servers: Servers, system: System | StoreKind): number {
  if (/redis|redlock/.test(system)) return servers.redis.port
  return /etcd/.test(system) ? (servers.etcd.ports[0] ?? 0) : servers.postgres.port
}

/** Statements that a server has carried out so far, by its own account. */
async function statements({ postgres, redis, etcd }: Servers, kind: StoreKind): Promise<number> {
  if (kind === 'postgres') {
    const [row] = await postgres.query(
      `SELECT coalesce(sum(calls), 0) AS calls FROM pg_stat_statements WHERE query LIKE '%"conclave"%'`,
    )
    return Number(row?.['calls'])
  }
  if (kind === 'redis') {
    const info = await redis.command('INFO', 'commandstats')
    return [...info.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0)
  }
  const metrics = await (await fetch(`${etcd.hosts[0]}/metrics`)).text()
  const handled = metrics.matchAll(
    /^grpc_server_handled_total\{[^}]*service="etcdserverpb.KV"[^}]*\} (\S+)$/gm,
  )
  return [...handled].reduce((sum, [, n]) => sum + Number(n), 0)
}

/** Three idle replicas with so many elections: statements and bytes per second. */
async function idleLoad(servers: Servers, kind: StoreKind, size: number) {
  const proxies = await Promise.all(TEAM.map(() => startProxy(portOf(servers, kind))))
  const cluster = `idle-${size}`
  const electors = await Promise.all(
    TEAM.map(async (id, i) => {
      const spec = { kind, ports: [proxies[i]?.port ?? 0], from: import.meta.url, timeoutMs: 1_000 }
      const elector = createElector({ cluster, id, voters: (await storeService(spec)).voters })
      for (let n = 0; n < size; n++) elector.election(`job-${n}`)
      return elector
    }),
  )
  await Promise.all(electors.map((elector) => elector.start()))
  const led = () =>
    electors.reduce(
      (sum, one) => sum + Object.values(one.status().elections).filter(({ isLeader }) => isLeader).length,
      0,
    )
  for (const end = clockMs() + 60_000; led() < size && clockMs() < end; ) await sleep(250)
  await sleep(6_000)
  const bytes = () => proxies.reduce((sum, proxy) => sum + proxy.bytes, 0)
  const before = { at: clockMs(), statements: await statements(servers, kind), bytes: bytes() }
  await sleep(WINDOW_MS)
  const after = { at: clockMs(), statements: await statements(servers, kind), bytes: bytes() }
  const seconds = (after.at - before.at) / 1_000
  const result = {
    store: kind,
    elections: size,
    led: led(),
    statementsPerSecond: (after.statements - before.statements) / seconds,
    bytesPerSecond: (after.bytes - before.bytes) / seconds,
  }
  await Promise.all(electors.map((elector) => elector.stop()))
  await Promise.all(proxies.map((proxy) => proxy.stop()))
  return result
}

/** Three processes of one system. */
class Team {
  readonly handovers: number[] = []
  readonly failovers: number[] = []
  /** Per freeze: looks of the frozen one that still found belief after another led, and over how long, ms. Null: nobody took over. */
  readonly freezes: ({ readonly looks: number; readonly ms: number } | null)[] = []
  private readonly children = new Map<string, ChildProcess>()
  private last: { id: string; at: number } | null = null

  constructor(
    readonly system: System,
    private readonly port: number,
    private readonly program: string,
  ) {}

  async start(): Promise<void> {
    await Promise.all(TEAM.map((id) => this.up(id)))
    await this.next(0, null)
  }

  private up(id: string): Promise<void> {
    const options = { system: this.system, port: this.port, id }
    const child = fork(this.program, [JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    this.children.set(id, child)
    return new Promise((resolve) => {
      child.on('message', (report: { kind: string; at: number }) => {
        if (report.kind === 'ready') resolve()
        if (report.kind === 'leads') this.last = { id, at: report.at }
      })
    })
  }

  /** The first to lead after that instant who is not `other`, or null. */
  private async next(since: number, other: string | null): Promise<{ id: string; at: number } | null> {
    for (const end = clockMs() + PATIENCE_MS; clockMs() < end; await sleep(2)) {
      if (this.last !== null && this.last.at > since && this.last.id !== other) return this.last
    }
    return null
  }

  private leader(): string {
    return this.last?.id ?? 'a'
  }

  async handOver(): Promise<void> {
    const old = this.leader()
    const at = clockMs()
    this.children.get(old)?.send('resign')
    const next = await this.next(at, old)
    if (next !== null) this.handovers.push(next.at - at)
  }

  async kill(): Promise<void> {
    const old = this.leader()
    const at = clockMs()
    this.children.get(old)?.kill('SIGKILL')
    const next = await this.next(at, old)
    if (next !== null) this.failovers.push(next.at - at)
    await this.up(old)
  }

  async freeze(): Promise<void> {
    const old = this.leader()
    const at = clockMs()
    this.children.get(old)?.kill('SIGSTOP')
    await sleep(FROZEN_MS)
    const next = this.last
    this.children.get(old)?.kill('SIGCONT')
    await sleep(3_000)
    if (next === null || next.id === old || next.at < at) return void this.freezes.push(null)
    const spans = await this.spansOf(old)
    // what was believed at looks after the other one had begun
    const late = spans.filter(({ to }) => to > next.at)
    const ms = late.reduce((sum, { from, to }) => sum + to - Math.max(from, next.at), 0)
    this.freezes.push({ looks: late.reduce((sum, { looks }) => sum + looks, 0), ms })
  }

  private spansOf(id: string): Promise<Span[]> {
    const child = this.children.get(id)
    return new Promise((resolve) => {
      const hear = (report: { kind: string; spans: Span[] }) => {
        if (report.kind !== 'spans') return
        child?.off('message', hear)
        resolve(report.spans)
      }
      child?.on('message', hear)
      child?.send('spans')
    })
  }

  stop(): void {
    for (const child of this.children.values()) child.kill('SIGKILL')
  }
}

async function bundle(): Promise<string> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  mkdirSync(join(root, '.tmp'), { recursive: true })
  const outfile = join(root, '.tmp', 'store-contender.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('store-contender.ts', import.meta.url))],
    tsconfig: join(root, 'tsconfig.json'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['pg', 'ioredis', 'redis', 'etcd3', 'pino', 'zod', 'eventemitter3'],
    outfile,
    logLevel: 'silent',
  })
  return outfile
}

/** `--n=`: trials of each kind, default 10, 0: only the load; a third of them freezes. */
export async function benchStores(flags: readonly string[]): Promise<void> {
  const trials = Number(flags.find((flag) => flag.startsWith('--n='))?.slice(4) ?? 10)
  const [postgres, redis, etcd] = await Promise.all([
    startPostgres({ durable: true, settings: { shared_preload_libraries: 'pg_stat_statements' } }),
    startRedis({ durable: true }),
    startEtcd(),
  ])
  const servers = { postgres, redis, etcd }
  const load = []
  const teams: Team[] = []
  try {
    await postgres.query('CREATE EXTENSION pg_stat_statements')
    for (const size of SIZES) {
      // many elections are much work for this process: then one store after the other
      const groups = size < 100 ? [KINDS] : KINDS.map((kind) => [kind])
      for (const kinds of groups)
        load.push(...(await Promise.all(kinds.map((kind) => idleLoad(servers, kind, size)))))
    }
    showLoad(load)
    const program = await bundle()
    if (trials > 0) teams.push(...SYSTEMS.map((system) => new Team(system, portOf(servers, system), program)))
    await Promise.all(teams.map((team) => team.start()))
    for (let trial = 0; trial < trials; trial++) {
      await sleep(2_000)
      await Promise.all(teams.map((team) => team.handOver()))
      await sleep(3_500)
      await Promise.all(teams.map((team) => team.kill()))
    }
    for (let trial = 0; trial < Math.ceil(trials / 3); trial++) {
      await sleep(3_000)
      await Promise.all(teams.map((team) => team.freeze()))
    }
    if (trials > 0) showTeams(teams)
  } finally {
    for (const team of teams) team.stop()
    await Promise.all([postgres.stop(), redis.stop(), etcd.stop()])
  }
}

function showLoad(rows: readonly Awaited<ReturnType<typeof idleLoad>>[]): void {
  head(
    `an idle cluster of three replicas, D = 5,000 ms: what reaches the server (${WINDOW_MS / 1_000} s windows)`,
  )
  for (const { store, elections, led, statementsPerSecond, bytesPerSecond } of rows) {
    const what = `${store}, ${elections} elections (${led} led)`
    value(`${what}: statements`, statementsPerSecond, 'per second')
    value(`${what}: bytes`, bytesPerSecond, 'per second')
  }
}

function showTeams(teams: readonly Team[]): void {
  head(`three processes each, lease 5,000 ms, renewed each second; load ${loadavg()[0]?.toFixed(1)}`)
  for (const { system, handovers } of teams) line(`${system}: resigned -> another one leads`, handovers, 'ms')
  for (const { system, failovers } of teams) line(`${system}: kill -9 -> another one leads`, failovers, 'ms')
  for (const { system, freezes } of teams) {
    const moved = freezes.filter((each) => each !== null)
    const late = moved.filter(({ looks }) => looks > 0)
    const worst = Math.max(0, ...moved.map(({ ms }) => ms)).toFixed(0)
    const what = `${system}: frozen for ${FROZEN_MS} ms`.padEnd(52)
    say(
      `${what} n ${String(freezes.length).padStart(4)}  replaced ${moved.length}, still believed afterwards ${late.length}, longest overlap ${worst} ms`,
    )
    value(
      `${system}: frozen, share of trials in which it was still believed`,
      late.length / freezes.length,
      '',
    )
  }
}
