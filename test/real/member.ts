/**
 * One real process of a real cluster, for `test/real`, the chaos run and the benches. Started by `cluster.ts` with its options as
 * JSON; speaks over the IPC channel. All instants are readings of the host's one monotonic clock, ms.
 *
 * It reports when it is elected and revoked, samples its own belief ("do I lead at this very reading?") every few
 * milliseconds, and, while it leads, writes through the parent's fence in the check-then-await-then-write way that makes
 * late writes happen.
 */
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { createElection, file, memory, type Storage, type VoterStore } from 'conclave'
import { tcp } from 'conclave/tcp'
import { churn } from './churn'
import type { MemberOptions, Order, Report } from './protocol'
import { storeService } from './store-service'

const clockMs = () => Number(process.hrtime.bigint()) / 1e6
const tell = (report: Report) => process.connected && process.send?.(report)

let diskDelayMs = 0
/** A disk that is slow when it is told to be: a write is begun, and so is on the disk, only after the delay. */
function slow(storage: Storage): Storage {
  return {
    kind: storage.kind,
    // a copy in another thread is never slow
    portable: storage.portable ?? null,
    open: (identity, done) => storage.open(identity, done),
    write(change, done) {
      if (diskDelayMs === 0) storage.write(change, done)
      else setTimeout(() => storage.write(change, done), diskDelayMs)
    },
    close: (done) => storage.close(done),
  }
}

const options = JSON.parse(process.argv[2] ?? '{}') as MemberOptions
const { id, voters, listen, dataDir, cluster, secret, tls, timing, sampleMs, writeMs, settings } = options
const service = options.store === undefined ? null : await storeService(options.store)
const peers = () => ({
  transport: tcp({ ...(tls === undefined ? { secret } : { tls }), ...(listen === null ? {} : { listen }) }),
  storage: slow(dataDir === null ? memory() : file({ dir: dataDir })),
})
const election = createElection({
  cluster,
  name: 'job',
  id,
  timing,
  ...(service === null
    ? { voters, ...peers() }
    : options.tie === true
      ? { voters: { ...voters, tie: service.voters as VoterStore }, ...peers() }
      : { voters: service.voters }),
  ...settings,
})

/** Longest span over which each look found this leadership valid. */
let belief: { term: number; from: number; to: number; until: number } | null = null
const { marginMs } = election.status().process.timing
function look(): void {
  const { leadership } = election
  if (leadership?.isValid() !== true) return
  const at = clockMs()
  if (!leadership.isValid()) return
  const { term } = leadership
  if (belief?.term !== term) belief = { term, from: at, to: at, until: at }
  belief.to = at
  const remaining = leadership.remainingMs()
  if (remaining > 0) belief.until = clockMs() + remaining + marginMs
  tell({ kind: 'led', ...belief })
}

election.on('elected', ({ term }) => {
  tell({ kind: 'elected', term, at: clockMs() })
  look()
})
let idleAt = 0
election.on('revoked', ({ term, reason }) => tell({ kind: 'revoked', term, reason, at: clockMs(), idleAt }))
election.on('alarm', ({ code, detail }) => tell({ kind: 'alarm', code, detail }))
election.on('leaderChanged', ({ leader, term }) => tell({ kind: 'leader', leader, term, at: clockMs() }))
setInterval(look, sampleMs)

function block(forMs: number): void {
  const end = clockMs() + forMs
  while (clockMs() < end);
}

/** What the work was ordered to do. */
let deed: Extract<Order, { kind: 'work' }> | null = null
/** Work that goes on writing, whatever becomes of its leadership. */
async function misbehave({ as, forMs }: Extract<Order, { kind: 'work' }>, token: number): Promise<never> {
  if (as === 'throw') throw new Error('ordered to')
  if (as === 'block') block(forMs)
  for (;;) {
    await write(token)
    await sleep(40)
  }
}

const held: Buffer[] = []
let stopChurning = () => {}
/** In pieces: the event loop has to go on meanwhile. */
async function hold(megabytes: number): Promise<void> {
  for (let left = megabytes; left > 0; left -= 64) {
    held.push(Buffer.alloc(64 << 20, 1))
    await sleep(1)
  }
}
let writes = 0
const waiting = new Map<number, (accepted: boolean) => void>()
/** The parent is the ledger: it checks the token and answers. */
function write(token: number): Promise<boolean> {
  writes += 1
  const number = writes
  return new Promise((resolve) => {
    waiting.set(number, resolve)
    tell({ kind: 'write', number, token, holder: id })
  })
}

async function changeMembers({ call, member, address }: Extract<Order, { kind: 'members' }>): Promise<void> {
  const { members } = election
  if (call === 'add') await members.add({ id: member, address })
  else if (call === 'replace') await members.replace(member, { id: member, address })
  else if (call === 'changeAddress') await members.changeAddress(member, address)
  else await members[call](member)
}

process.on('message', (order: Order) => {
  if (order.kind === 'wrote') {
    waiting.get(order.number)?.(order.accepted)
    waiting.delete(order.number)
  } else if (order.kind === 'resign') {
    void election
      .resign(order.to === null ? {} : { to: order.to })
      .then(({ released }) => tell({ kind: 'resigned', released, at: clockMs() }))
  } else if (order.kind === 'status') {
    tell({ kind: 'status', status: election.status() as never })
  } else if (order.kind === 'verify') {
    void election.verify().then((verified) => tell({ kind: 'verified', verified }))
  } else if (order.kind === 'stop') {
    void election.stop().then(() => process.exit(0))
  } else if (order.kind === 'throw') {
    setImmediate(() => {
      throw new Error('ordered to')
    })
  } else if (order.kind === 'exit') {
    process.exit(0)
  } else if (order.kind === 'abort') {
    process.abort()
  } else if (order.kind === 'segfault') {
    process.kill(process.pid, 'SIGSEGV')
  } else if (order.kind === 'outOfMemory') {
    for (const heap: unknown[] = []; ; ) heap.push(new Array(100_000).fill(heap.length))
  } else if (order.kind === 'hold') {
    void hold(order.megabytes).then(() => tell({ kind: 'ready', at: clockMs(), pid: process.pid }))
  } else if (order.kind === 'spawn') {
    spawn(process.execPath, ['-e', `setTimeout(() => {}, ${order.forMs})`], {
      stdio: 'ignore',
      detached: true,
    }).unref()
  } else if (order.kind === 'disk') {
    diskDelayMs = order.delayMs
  } else if (order.kind === 'members') {
    changeMembers(order).then(
      () => tell({ kind: 'members', refusal: null }),
      (error) => tell({ kind: 'members', refusal: error.details?.reason ?? error.code ?? error.message }),
    )
  } else if (order.kind === 'busy') {
    void service?.busy(order.forMs)
  } else if (order.kind === 'churn') {
    stopChurning()
    stopChurning = order.heapMb > 0 ? churn(order.heapMb) : () => {}
  } else if (order.kind === 'work') {
    deed = order
  } else if (order.kind === 'block') {
    block(order.forMs)
  }
})
process.on('disconnect', () => process.exit(1))

try {
  await election.start()
} catch (error) {
  tell({ kind: 'failed', code: (error as { code?: string }).code ?? '', message: (error as Error).message })
  process.exitCode = 3
  process.disconnect?.()
}
tell({ kind: 'ready', at: clockMs(), pid: process.pid })
if (writeMs === null) {
  await election.lead(async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    idleAt = clockMs()
  })
} else {
  await election.lead(async ({ signal, token }) => {
    while (!signal.aborted) {
      await sleep(writeMs) // decided, and not looked again: what a frozen process does
      if (deed !== null) {
        const order = deed
        deed = null
        await misbehave(order, token)
      }
      if (!(await write(token))) return
    }
  })
}
