/**
 * Small clusters of real processes: two replicas and `conclave witness`, two replicas and a store record, observers; with
 * the secret or with mutual TLS. Adds to `Cluster` who is started how. Decides nothing else.
 *
 * Read next: `cluster.ts` (what is asserted of every run), `small-clusters.test.ts`.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { Authority, Identity } from '../transports/certificates'
import { Cluster, type ClusterOptions, clockMs, type Member, type Reign } from './cluster'
import type { MemberOptions } from './protocol'

export { setTimeout as sleep } from 'node:timers/promises'
export { clockMs } from './cluster'

/** D of the preset `fast` is 600 ms; a busy machine needs a few of them to elect again. */
export const RECOVERY_MS = 15_000
/** What the witness is given; nobody else of the cluster may have the word. */
export const SECRET = 'a secret of the tests, long enough'

/** A line of `conclave witness --json`. */
export interface WitnessSays {
  readonly level: number
  readonly msg: string
  readonly election?: string
  readonly leader?: string | null
  readonly term?: number
}

export interface SmallOptions {
  readonly names: readonly string[]
  /** How many of the names vote. */
  readonly voters: number
  readonly timing?: ClusterOptions['timing']
  /** Mutual TLS in place of the secret. */
  readonly authority?: Authority | null
  /** What each member has besides. */
  readonly member?: (id: string) => Partial<MemberOptions>
}

export class SmallCluster extends Cluster {
  /** Everything that witnesses said. */
  readonly said: WitnessSays[] = []
  private readonly identities = new Map<string, Identity>()

  constructor(private readonly small: SmallOptions) {
    super({
      size: small.names.length,
      names: small.names,
      founders: small.voters,
      timing: small.timing ?? 'fast',
    })
  }

  /** Starts the voters; resolves when one of the replicas leads. */
  static async running(options: SmallOptions): Promise<SmallCluster> {
    const cluster = new SmallCluster(options)
    await cluster.start()
    return cluster
  }

  override startMember(id: string, changes: Partial<MemberOptions> = {}): Promise<Member> {
    if (id === 'w') return this.startWitness(id)
    const tls = this.identity(id)
    return super.startMember(id, { ...(tls === null ? {} : { tls }), ...this.small.member?.(id), ...changes })
  }

  /** `npx conclave witness`, as an operator starts it. Resolves when it says that it is ready. */
  private startWitness(id: string): Promise<Member> {
    const { small } = this
    const dir = this.fileFor(`${id}-witness`)
    mkdirSync(dir, { recursive: true })
    const voters = Object.entries(this.addresses).slice(0, small.voters)
    const args = [
      ...['--cluster', 'real', '--id', id, '--members', voters.map((entry) => entry.join('=')).join(',')],
      ...['--data-dir', `${dir}/data`, '--timing', 'fast', '--json'],
      ...this.credentialsOf(id, dir),
    ]
    const child = spawn(process.execPath, [this.fileFor('conclave.mjs'), 'witness', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CONCLAVE_SECRET: '' },
    })
    const member: Member = {
      ...{ id, life: -1, process: child, pid: child.pid ?? 0, reports: [], alive: true, exit: null },
      errors: '',
    }
    this.members.set(id, member)
    child.stderr.on('data', (chunk: Buffer) => {
      member.errors += chunk.toString()
    })
    return new Promise((resolve, reject) => {
      let rest = ''
      child.stdout.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          const said = JSON.parse(line) as WitnessSays
          this.said.push(said)
          if (said.msg.startsWith('ready: ')) resolve(member)
        }
      })
      child.once('exit', (code, signal) => {
        Object.assign(member, { alive: false, exit: { code, signal } })
        reject(new Error(`the witness ended with ${code ?? signal}: ${member.errors}`))
      })
    })
  }

  private credentialsOf(id: string, dir: string): string[] {
    const tls = this.identity(id)
    const put = (name: string, text: string): string => {
      writeFileSync(`${dir}/${name}`, text)
      return `${dir}/${name}`
    }
    if (tls === null) return ['--secret-file', put('secret', `${SECRET}\n`)]
    return ['ca', 'cert', 'key'].flatMap((name) => [
      `--tls-${name}`,
      put(`${name}.pem`, tls[name as keyof Identity]),
    ])
  }

  private identity(id: string): Identity | null {
    const { authority = null } = this.small
    if (authority === null) return null
    const known = this.identities.get(id) ?? authority.issue(id, `URI:conclave://real/${id}`)
    this.identities.set(id, known)
    return known
  }

  /** Waits until somebody leads and has been seen to; returns that leadership. */
  async leading(limitMs = RECOVERY_MS): Promise<Reign> {
    const isSeen = () => {
      const last = this.reigns.at(-1)
      return this.leader !== null && last !== undefined && last.to > last.electedAt
    }
    await this.until(isSeen, limitMs, 'somebody leads')
    return this.reigns.at(-1) as Reign
  }

  /** Kills a process without notice and waits until it is gone. */
  async kill(id: string): Promise<void> {
    this.signal(id, 'SIGKILL')
    await this.until(() => !this.member(id).alive, 5_000, `${id} is gone`)
  }

  /** The first leadership after that one. */
  async after(old: Reign): Promise<Reign> {
    const count = this.reigns.indexOf(old) + 2
    const next = await this.reignNumber(count, RECOVERY_MS)
    expect(next.term).toBeGreaterThan(old.term)
    return this.leading()
  }

  /** For a while nobody else is elected and that leadership goes on. */
  async goesOn(reign: Reign, forMs: number): Promise<void> {
    await this.until(
      () => reign.to - reign.from > 0 && clockMs() - reign.to < 200,
      5_000,
      'it is seen to lead',
    )
    const until = clockMs() + forMs
    await this.until(() => clockMs() > until, forMs + 1_000, 'time passes')
    expect(this.reigns.at(-1)).toBe(reign)
    expect(reign.revoked).toEqual([])
  }

  /** Nobody leads: whoever did has given up, and nobody is elected in that time. */
  async nobody(old: Reign, forMs: number): Promise<void> {
    await this.until(() => this.leader === null, RECOVERY_MS, 'nobody leads')
    const until = clockMs() + forMs
    await this.until(() => clockMs() > until, forMs + 1_000, 'time passes')
    expect(this.reigns.at(-1), 'nobody was elected').toBe(old)
  }

  /** The one of the two replicas that is not this one. */
  other(id: string): string {
    return id === 'a' ? 'b' : 'a'
  }
}
