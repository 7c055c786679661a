/**
 * Real processes, killed, frozen and cut off, watched on one host clock. For `test/real`, `npm run chaos` and the benches.
 *
 * The parent keeps what every member reported and can say at any time whether two of them believed that they led at the
 * same instant, whether tokens only rose, and whether each leadership had exactly one beginning and one end. It is also
 * the guarded resource: every write passes its fence.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isElectionError } from 'conclave'
import { memoryFence } from 'conclave/fencing'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import type { VersionRange } from '../../src/wire/limits'
import { Links } from './links'
import type { MemberOptions, Order, Report } from './protocol'

export const clockMs = () => Number(process.hrtime.bigint()) / 1e6

export interface ClusterOptions {
  readonly size: number
  /** Their names; default a, b, c and so on. */
  readonly names?: readonly string[]
  readonly timing?: MemberOptions['timing']
  /** Members reach each other through proxies of the test's own, so that links can be cut. */
  readonly cuttable?: boolean
  readonly writeMs?: number | null
  readonly sampleMs?: number
  readonly durable?: boolean
  readonly settings?: MemberOptions['settings']
  /** Members are started by `conclave run`. */
  readonly supervised?: boolean
  /** Flags of Node.js for every member. */
  readonly flags?: readonly string[]
  /** How many of them found the cluster and are started; the others may join. Default: all. */
  readonly founders?: number
}

/** A leadership as its holder saw it. */
export interface Reign {
  readonly id: string
  /** Which start of that member. */
  readonly life: number
  readonly term: number
  readonly electedAt: number
  /** First and last instant at which a look found it valid. */
  from: number
  to: number
  /** End of its lease as of that look: what its holder would have answered if it had been asked up to then. */
  until: number
  /** The holder was frozen during it: then it counts up to the end of its lease, although nobody could look. */
  frozen: boolean
  revoked: { readonly reason: string; readonly at: number; readonly idleAt: number }[]
}

export interface Member {
  readonly id: string
  readonly life: number
  /** The member, or its supervisor. */
  readonly process: ChildProcess
  /** Of the member itself; 0 before it is ready. */
  pid: number
  readonly reports: Report[]
  alive: boolean
  exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | null
  /** The end of what it wrote to stderr. */
  errors: string
}

export class Cluster {
  readonly members = new Map<string, Member>()
  readonly reigns: Reign[] = []
  readonly alarms: string[] = []
  readonly refusedWrites: { readonly id: string; readonly token: number; readonly at: number }[] = []
  readonly acceptedTokens: number[] = []
  readonly ids: readonly string[]
  links: Links | null = null
  private program = ''
  private readonly dir = mkdtempSync(join(tmpdir(), 'conclave-real-'))
  private readonly fence = memoryFence()
  readonly addresses: Record<string, string> = {}
  private lives = 0

  constructor(readonly options: ClusterOptions) {
    this.ids = options.names ?? 'abcdefg'.slice(0, options.size).split('')
  }

  async start(): Promise<void> {
    this.program = await bundleMember(join(this.dir, 'member.mjs'))
    const ports = await freePorts(this.ids.length)
    this.ids.forEach((id, i) => {
      this.addresses[id] = `127.0.0.1:${ports[i]}`
    })
    if (this.options.cuttable === true) this.links = await Links.open(this.ids, this.addresses)
    await Promise.all(this.ids.slice(0, this.options.founders).map((id) => this.startMember(id)))
  }

  /** Starts a member (again), on the same data. Resolves when it is ready, rejects when it says that it cannot. */
  async startMember(id: string, changes: Partial<MemberOptions> = {}): Promise<Member> {
    this.lives += 1
    const own = this.addresses[id] as string
    const options: MemberOptions = {
      id,
      cluster: 'real',
      voters: this.links === null ? this.founders() : { ...this.links.addressesFor(id), [id]: own },
      listen: null,
      dataDir: this.options.durable === false ? null : join(this.dir, id),
      secret: 'a secret of the tests, long enough',
      timing: this.options.timing ?? 'fast',
      sampleMs: this.options.sampleMs ?? 3,
      writeMs: this.options.writeMs === undefined ? 40 : this.options.writeMs,
      settings: this.options.settings ?? {},
      ...changes,
    }
    const { supervised = false, flags = [] } = this.options
    const program = this.programOf(id)
    const command = [...flags, program, JSON.stringify(options)]
    const supervisor = ['run', '--', process.execPath, ...command]
    const child = fork(
      supervised ? this.fileFor('conclave.mjs') : program,
      supervised ? supervisor : command.slice(-1),
      {
        execArgv: supervised ? [] : [...flags],
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      },
    )
    const member: Member = {
      id,
      life: this.lives,
      process: child,
      pid: 0,
      reports: [],
      alive: true,
      exit: null,
      errors: '',
    }
    this.members.set(id, member)
    child.stderr?.on('data', (chunk: Buffer) => {
      member.errors = (member.errors + chunk.toString()).slice(-4000)
    })
    return await new Promise((resolve, reject) => {
      child.on('message', (report: Report) => {
        member.reports.push(report)
        this.hear(member, report)
        if (report.kind === 'ready') {
          member.pid = report.pid
          resolve(member)
        }
        if (report.kind === 'failed') reject(Object.assign(new Error(report.message), { code: report.code }))
      })
      child.once('exit', (code, signal) => {
        member.alive = false
        member.exit = { code, signal }
        reject(new Error(`${id} ended with ${code ?? signal}: ${member.errors}`))
      })
    })
  }

  /** What that member runs when it is started. */
  protected programOf(_id: string): string {
    return this.program
  }

  private founders(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.addresses).slice(0, this.options.founders))
  }

  /** Has that member ask for a change of members; returns why it was refused, or null. */
  async changeMembers(
    at: string,
    call: Extract<Order, { kind: 'members' }>['call'],
    member: string,
  ): Promise<string | null> {
    const asked = this.members.get(at) as Member
    const count = () => asked.reports.filter(({ kind }) => kind === 'members').length
    const before = count()
    this.order(at, { kind: 'members', call, member, address: this.addresses[member] as string })
    await this.until(() => count() > before, 30_000, `${call} ${member} has an outcome`)
    return asked.reports.findLast((report) => report.kind === 'members')?.refusal ?? null
  }

  /** The data of a member are gone. */
  wipe(id: string): void {
    rmSync(join(this.dir, id), { recursive: true, force: true })
  }

  private hear(member: Member, report: Report): void {
    const { id, life } = member
    if (report.kind === 'elected') {
      const { term, at } = report
      this.reigns.push({
        id,
        life,
        term,
        electedAt: at,
        from: at,
        to: at,
        until: at,
        frozen: false,
        revoked: [],
      })
    } else if (report.kind === 'revoked') {
      this.reign(member, report.term)?.revoked.push(report)
    } else if (report.kind === 'led') {
      const reign = this.reign(member, report.term)
      if (reign !== null) {
        reign.to = Math.max(reign.to, report.to)
        reign.until = report.until
      }
    } else if (report.kind === 'alarm') {
      this.alarms.push(`${id}: ${report.code}: ${report.detail}`)
    } else if (report.kind === 'write') {
      void this.judge(member, report.number, report.token, report.holder)
    }
  }

  private reign(member: Member, term: number): Reign | null {
    return (
      this.reigns.find((each) => each.id === member.id && each.life === member.life && each.term === term) ??
      null
    )
  }

  private async judge(member: Member, number: number, token: number, holder: string): Promise<void> {
    let accepted = true
    try {
      await this.fence.check('ledger', { token, holder })
      this.acceptedTokens.push(token)
    } catch (error) {
      if (!isElectionError(error, 'ELECTION_STALE_TOKEN')) throw error
      accepted = false
      this.refusedWrites.push({ id: member.id, token, at: clockMs() })
    }
    this.order(member.id, { kind: 'wrote', number, accepted })
  }

  /** Path of a file that vanishes with the cluster. */
  fileFor(name: string): string {
    return join(this.dir, name)
  }

  member(id: string): Member {
    const member = this.members.get(id)
    if (member === undefined) throw new Error(`no member ${id}`)
    return member
  }

  order(id: string, order: Order): void {
    const { process: child } = this.member(id)
    // To one that has just died nothing is said; whoever waits for its answer finds out by itself.
    if (child.connected) child.send(order, () => undefined)
  }

  /** Sends a signal; returns the instant just before. */
  signal(id: string, signal: NodeJS.Signals): number {
    const at = clockMs()
    const member = this.member(id)
    try {
      process.kill(member.pid, signal)
    } catch (error) {
      // as with an order: it has just died, and whoever expects something of it finds out by itself
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return at
      throw error
    }
    if (signal === 'SIGSTOP') {
      const reign = this.reigns.findLast((each) => each.id === id && each.life === member.life)
      if (reign?.revoked.length === 0) reign.frozen = true
    }
    return at
  }

  /** The member that was elected last and has not been revoked, or null. */
  get leader(): string | null {
    const last = this.reigns.at(-1)
    return last === undefined || last.revoked.length > 0 || !this.member(last.id).alive ? null : last.id
  }

  /** Waits until that many leaderships have begun; returns the last one. */
  async reignNumber(count: number, limitMs = 20_000): Promise<Reign> {
    await this.until(() => this.reigns.length >= count, limitMs, `leadership ${count} begins`)
    return this.reigns[count - 1] as Reign
  }

  async until(condition: () => boolean, limitMs: number, what: string): Promise<void> {
    for (const end = clockMs() + limitMs; !condition(); await sleep(2)) {
      if (clockMs() > end) throw new Error(`not within ${limitMs} ms: ${what}; ${this.describe()}`)
    }
  }

  /** Members whose status was answered, by id. */
  async status(id: string): Promise<Readonly<Record<string, unknown>>> {
    const { reports } = this.member(id)
    const before = reports.length
    this.order(id, { kind: 'status' })
    await this.until(
      () => reports.slice(before).some(({ kind }) => kind === 'status'),
      5_000,
      `${id} tells its status`,
    )
    const report = reports.slice(before).find((each) => each.kind === 'status')
    return report?.kind === 'status' ? report.status : {}
  }

  /** What `verify` answers there. */
  async verify(id: string): Promise<boolean> {
    const { reports } = this.member(id)
    const before = reports.length
    const answer = () => reports.slice(before).find((each) => each.kind === 'verified')
    this.order(id, { kind: 'verify' })
    await this.until(() => answer() !== undefined, 5_000, `${id} verifies`)
    const report = answer()
    return report?.kind === 'verified' && report.verified
  }

  /** Everything that must hold of every run; a list of what does not. */
  violations(): string[] {
    const found: string[] = []
    const byBegin = [...this.reigns].sort((a, b) => a.from - b.from)
    byBegin.forEach((reign, i) => {
      const before = byBegin[i - 1]
      if (before === undefined) return
      if (reign.from < endOf(before)) {
        const overlap = (endOf(before) - reign.from).toFixed(2)
        found.push(`overlap of ${overlap} ms: ${show(before)} and ${show(reign)}`)
      }
      if (reign.term <= before.term) found.push(`token ${reign.term} after ${before.term}`)
    })
    for (const reign of this.reigns) {
      if (reign.revoked.length > 1) found.push(`${show(reign)} was revoked ${reign.revoked.length} times`)
    }
    this.acceptedTokens.forEach((token, i) => {
      if (i > 0 && token < (this.acceptedTokens[i - 1] ?? 0)) found.push(`the fence took ${token} late`)
    })
    for (const alarm of this.alarms) if (alarm.includes('invariantViolation')) found.push(alarm)
    return found
  }

  describe(): string {
    const reigns = this.reigns.map(show).join(', ')
    const members = [...this.members.values()]
      .map(({ id, alive }) => `${id}${alive ? '' : ' (dead)'}`)
      .join(' ')
    return `members ${members}; leaderships: ${reigns || 'none'}; alarms: ${this.alarms.slice(-3).join('; ') || 'none'}`
  }

  stop(): void {
    for (const { process: child, pid, alive } of this.members.values()) {
      child.kill('SIGKILL')
      if (alive && pid > 0 && pid !== child.pid) kill(pid)
    }
    this.links?.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/**
 * `member.ts` and what it needs in one file, so that a process is there in a fraction of a second, and beside it the
 * programs of the package, as in `dist`. With `versions` it speaks other versions of the protocol than the sources do.
 */
export async function bundleMember(outfile: string, versions: VersionRange | null = null): Promise<string> {
  const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
  const common = {
    tsconfig: source('../../tsconfig.json'),
    bundle: true,
    platform: 'node',
    logLevel: 'silent',
    plugins: versions === null ? [] : [speaking(versions)],
  } satisfies BuildOptions
  const beside = (name: string): string => join(dirname(outfile), name)
  await Promise.all([
    build({ ...common, entryPoints: [source('member.ts')], format: 'esm', outfile }),
    build({
      ...common,
      entryPoints: [source('../../src/cli/sentinel.ts')],
      format: 'cjs',
      outfile: beside('sentinel.cjs'),
    }),
    // the thread of `worker: true` is found beside the program, too
    build({
      ...common,
      entryPoints: [source('../../src/worker/main.ts')],
      format: 'cjs',
      outfile: beside('worker.js'),
    }),
    build({
      ...common,
      entryPoints: [source('../../src/cli/main.ts')],
      format: 'esm',
      outfile: beside('conclave.mjs'),
    }),
  ])
  return outfile
}

/** The sources as a release with that range of protocol versions would have them. */
function speaking({ oldest, newest }: VersionRange): Plugin {
  const set = (text: string, name: string, version: number): string => {
    const changed = text.replace(new RegExp(`(export const ${name} = )\\d+$`, 'm'), `$1${version}`)
    if (!changed.includes(`export const ${name} = ${version}\n`)) throw new Error(`limits.ts has no ${name}`)
    return changed
  }
  return {
    name: 'protocol versions',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]wire[\\/]limits\.ts$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8')
        return {
          contents: set(set(text, 'OLDEST_VERSION', oldest), 'NEWEST_VERSION', newest),
          loader: 'ts',
        }
      })
    },
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}

/** When a leadership was over for everybody who could have asked its holder. */
export function endOf({ to, until, frozen }: Reign): number {
  return frozen ? Math.max(to, until) : to
}

function show({ id, term, from, to, revoked }: Reign): string {
  return `${id} T${term} [${from.toFixed(1)}..${to.toFixed(1)}] ${revoked[0]?.reason ?? ''}`
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports: number[] = []
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ports.push((server.address() as AddressInfo).port)
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
