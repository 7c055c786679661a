/**
 * The main job before your eyes: three real processes on loopback elect a leader, work under a fencing token, are
 * killed, frozen and handed over. Run it: `npm run demo`
 *
 * The parent plays the outside world: it owns a ledger behind a fence, starts the members, kills and freezes them, and
 * measures on one clock (`process.hrtime` is the same for all processes of a host). Ends by itself in under 30 s, with
 * code 0 only if every check of the summary held.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createElection } from 'conclave'
import { fenceHeaders, fenceMiddleware, memoryFence } from 'conclave/fencing'
import { tcp } from 'conclave/tcp'

const clockMs = () => Number(process.hrtime.bigint()) / 1e6
const SECRET = 'a secret for the demo, 16 bytes or more'

/** What a member tells the parent. Times are readings of the host's one monotonic clock, ms. */
type Report =
  | { kind: 'ready' }
  | { kind: 'elected' | 'revoked'; term: number; at: number; reason?: string }
  /** It believed at both instants, and at every look in between, that it led. */
  | { kind: 'led'; term: number; from: number; to: number }
  | { kind: 'wrote'; token: number; status: number; entry: string }

// --- a member: this is all that a service needs ------------------------------------------------------------------------

interface Membership {
  id: string
  voters: Record<string, string>
  dataDir: string
  ledger: string
}

async function member({ id, voters, dataDir, ledger }: Membership): Promise<void> {
  const tell = (report: Report) => process.send?.(report)
  const election = createElection({
    cluster: 'demo',
    name: 'bookkeeper',
    id,
    voters,
    transport: tcp({ secret: SECRET }),
    dataDir,
    timing: 'fast',
  })
  election.on('elected', ({ term }) => tell({ kind: 'elected', term, at: clockMs() }))
  election.on('revoked', ({ term, reason }) => tell({ kind: 'revoked', term, at: clockMs(), reason }))

  // for the check "never two at once": when did this process believe that it led?
  let belief: { term: number; from: number; to: number } | null = null
  setInterval(() => {
    const { leadership } = election
    if (leadership === null || !leadership.isValid()) return
    const at = clockMs()
    if (belief?.term === leadership.term) belief.to = at
    else belief = { term: leadership.term, from: at, to: at }
    if (election.isLeader()) tell({ kind: 'led', ...belief })
  }, 5)

  process.on('message', (order: { resignTo: string }) => void election.resign({ to: order.resignTo }))
  process.on('disconnect', () => process.exit())
  await election.start()
  tell({ kind: 'ready' })

  let count = 0
  await election.lead(async (leadership) => {
    while (!leadership.signal.aborted) {
      count += 1
      const entry = `${id}${count}`
      await sleep(150) // the work; whoever freezes here does not notice that it was frozen
      const response = await fetch(ledger, { method: 'POST', headers: fenceHeaders(leadership), body: entry })
      tell({ kind: 'wrote', token: leadership.token, status: response.status, entry })
      if (response.status === 412) return
    }
  })
}

// --- the parent --------------------------------------------------------------------------------------------------------

const colour = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined
const paint = (code: number, line: string) => (colour ? `\x1b[${code}m${line}\x1b[0m` : line)
const COLOURS: Record<string, number> = { a: 36, b: 35, c: 33 }
const started = clockMs()

function say(who: string, line: string, code = COLOURS[who] ?? 0): void {
  const at = `${((clockMs() - started) / 1000).toFixed(3).padStart(7)} s`
  console.log(`${paint(2, at)}  ${paint(code, `${who.padEnd(6)} ${line}`)}`)
}

function chapter(title: string): void {
  console.log(`\n${paint(1, title)}`)
}

interface Member {
  id: string
  process: ChildProcess
  alive: boolean
}

class Stage {
  readonly members = new Map<string, Member>()
  readonly elections: { id: string; term: number; at: number }[] = []
  readonly endings: { id: string; term: number; reason: string }[] = []
  readonly beliefs = new Map<string, { id: string; from: number; to: number }>()
  readonly refused: { id: string; token: number }[] = []
  quiet = false

  constructor(
    readonly voters: Record<string, string>,
    readonly dir: string,
    readonly ledger: string,
    /** Tokens of the entries that the ledger took, in order. */
    readonly accepted: readonly number[],
  ) {}

  async start(id: string): Promise<void> {
    const membership: Membership = {
      id,
      voters: this.voters,
      dataDir: join(this.dir, id),
      ledger: this.ledger,
    }
    const child = fork(fileURLToPath(import.meta.url), ['member', JSON.stringify(membership)])
    this.members.set(id, { id, process: child, alive: true })
    await new Promise<void>((resolve, reject) => {
      child.on('message', (report: Report) => {
        if (report.kind === 'ready') resolve()
        else this.hear(id, report)
      })
      child.once('exit', (code, signal) => {
        const member = this.members.get(id)
        if (member?.process === child) member.alive = false
        if (signal === null && code !== 0) reject(new Error(`${id} ended with code ${code}`))
      })
    })
  }

  private hear(id: string, report: Report): void {
    if (report.kind === 'elected') {
      this.elections.push({ id, term: report.term, at: report.at })
      say(id, `leads, token ${report.term}`)
    } else if (report.kind === 'revoked') {
      this.endings.push({ id, term: report.term, reason: report.reason ?? '' })
      say(id, `leads no longer (${report.reason})`)
    } else if (report.kind === 'led') {
      this.beliefs.set(`${report.term}`, { id, from: report.from, to: report.to })
    } else if (report.kind === 'wrote') {
      if (report.status === 412) {
        this.refused.push({ id, token: report.token })
        say(
          id,
          `its write of ${report.entry} with token ${report.token} is refused: the ledger has seen a newer one`,
          31,
        )
      } else if (!this.quiet) {
        say(id, `writes ${report.entry}`)
      }
    }
  }

  get leader(): string {
    return this.elections.at(-1)?.id ?? ''
  }

  kill(id: string, signal: NodeJS.Signals): number {
    this.members.get(id)?.process.kill(signal)
    return clockMs()
  }

  /** The first election after that many, within the limit. */
  async next(after: number, limitMs: number): Promise<{ id: string; term: number; at: number }> {
    for (const end = clockMs() + limitMs; clockMs() < end; await sleep(2)) {
      const found = this.elections[after]
      if (found !== undefined) return found
    }
    throw new Error(`nobody was elected within ${limitMs} ms`)
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createTcpServer())
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

async function play(stage: Stage): Promise<[string, boolean][]> {
  const checks: [string, boolean][] = []
  const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`

  chapter('1. Three processes start and elect one of them')
  await Promise.all(Object.keys(stage.voters).map((id) => stage.start(id)))
  const first = await stage.next(0, 10_000)
  await sleep(1_000)

  chapter('2. The leader is killed with kill -9')
  stage.quiet = true
  let count = stage.elections.length
  say('parent', `kill -9 ${first.id}`, 31)
  const killedAt = stage.kill(first.id, 'SIGKILL')
  const second = await stage.next(count, 10_000)
  say('parent', `a new leader after ${ms(second.at - killedAt)}: its promises had to run out first`, 32)
  checks.push([`kill -9: ${second.id} took over after ${ms(second.at - killedAt)}`, second.id !== first.id])
  await stage.start(first.id)
  say(first.id, 'is back')
  await sleep(1_500)

  chapter('3. The leader freezes for longer than its lease (SIGSTOP), and wakes in the middle of a write')
  count = stage.elections.length
  const frozen = stage.leader
  say('parent', `freezes ${frozen}`, 31)
  const frozenAt = stage.kill(frozen, 'SIGSTOP')
  const third = await stage.next(count, 10_000)
  say('parent', `a new leader after ${ms(third.at - frozenAt)}`, 32)
  await sleep(600)
  const refusals = stage.refused.length
  say('parent', `wakes ${frozen}`, 31)
  stage.kill(frozen, 'SIGCONT')
  for (let i = 0; i < 200 && stage.refused.length === refusals; i++) await sleep(10)
  checks.push([`freeze: ${third.id} took over after ${ms(third.at - frozenAt)}`, third.id !== frozen])
  checks.push([
    `freeze: the late write of ${frozen} was refused`,
    stage.refused.some(({ id, token }) => id === frozen && token < third.term),
  ])
  await sleep(800)

  chapter('4. The leader hands over')
  count = stage.elections.length
  const old = stage.leader
  const target = Object.keys(stage.voters).find((id) => id !== old) as string
  const before = stage.endings.length
  say('parent', `asks ${old} to hand over to ${target}`, 32)
  stage.members.get(old)?.process.send({ resignTo: target })
  const fourth = await stage.next(count, 5_000)
  for (let i = 0; i < 100 && stage.endings.length === before; i++) await sleep(5)
  const ended = [...stage.beliefs.values()].filter(({ id }) => id === old).at(-1)
  const gap = fourth.at - (ended?.to ?? fourth.at)
  say('parent', `${fourth.id} leads; nobody led for at most ${ms(gap)} (looking every 5 ms)`, 32)
  checks.push([`hand-over: ${target} leads`, fourth.id === target])
  stage.quiet = false
  await sleep(500)

  const led = [...stage.beliefs.values()].sort((x, y) => x.from - y.from)
  const overlaps = led.filter((belief, i) => i > 0 && belief.from < (led[i - 1]?.to ?? 0))
  checks.push([
    `never two at once: ${led.length} leaderships, ${overlaps.length} overlaps on one clock`,
    overlaps.length === 0,
  ])
  const tokens = stage.elections.map(({ term }) => term)
  checks.push([
    `tokens rise: ${tokens.join(' < ')}`,
    tokens.every((token, i) => i === 0 || token > (tokens[i - 1] ?? 0)),
  ])
  const ordered = stage.accepted.every((token, i) => i === 0 || token >= (stage.accepted[i - 1] ?? 0))
  checks.push([
    `the ledger took ${stage.accepted.length} entries, none behind a newer token`,
    ordered && stage.accepted.length > 0,
  ])
  return checks
}

async function main(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'conclave-demo-'))
  const fence = memoryFence()
  const accepted: number[] = []
  const fenced = fenceMiddleware<IncomingMessage, ServerResponse>({ fence, resource: 'ledger' })
  const server = createServer(async (request, response) => {
    await text(request)
    await fenced(request, response, () => {
      accepted.push(Number.parseInt(String(request.headers['conclave-fencing-token']), 10))
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const ledger = `http://127.0.0.1:${(server.address() as AddressInfo).port}/entries`
  const [a, b, c] = await freePorts(3)
  const stage = new Stage(
    { a: `127.0.0.1:${a}`, b: `127.0.0.1:${b}`, c: `127.0.0.1:${c}` },
    dir,
    ledger,
    accepted,
  )
  let checks: [string, boolean][]
  try {
    checks = await play(stage)
  } catch (error) {
    checks = [[`the demo ran to its end: ${(error as Error).message}`, false]]
  } finally {
    for (const { process: child } of stage.members.values()) child.kill('SIGKILL')
    server.close()
    rmSync(dir, { recursive: true, force: true })
  }
  chapter('Summary')
  for (const [line, held] of checks)
    console.log(`  ${held ? paint(32, 'held  ') : paint(31, 'BROKEN')}  ${line}`)
  process.exitCode = checks.every(([, held]) => held) ? 0 : 1
}

if (process.argv[2] === 'member') await member(JSON.parse(process.argv[3] ?? '{}') as Membership)
else await main()
