/**
 * One process that wants to lead, by one of several libraries over one server, for `stores.ts`. Started with its options as
 * JSON; tells over IPC from when to when it believed that it leads, by the one monotonic clock of the host.
 *
 * Each library is used as its own documentation shows, with a lease of five seconds that is renewed each second, and a try
 * each 200 ms while somebody else holds it, where the library leaves that to its user. "Believes" is what the library would
 * answer at that instant if work asked it. Decides nothing.
 */
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { createElection } from 'conclave'
import { Etcd3 } from 'etcd3'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { type StoreKind, storeService } from '../real/store-service'

export type System = `conclave ${StoreKind}` | 'redlock 4' | 'redlock 5' | 'etcd3 Election' | 'advisory lock'

export interface ContenderOptions {
  readonly system: System
  readonly port: number
  readonly id: string
}

/** A stretch in which each look found belief. */
export interface Span {
  readonly from: number
  to: number
  looks: number
}

interface Contender {
  believes(): boolean
  resign(): void
}

interface Redlock4 {
  lock(
    key: string,
    ttlMs: number,
  ): Promise<{ extend(ttlMs: number): Promise<unknown>; unlock(): Promise<unknown> }>
}
interface Redlock5 {
  using(
    keys: string[],
    ttlMs: number,
    settings: object,
    work: (signal: { readonly aborted: boolean }) => Promise<void>,
  ): Promise<void>
}
type RedlockClass<T> = new (clients: readonly Redis[], settings: object) => T

/** Lease of every library here, ms. */
const LEASE_MS = 5_000
const RENEW_MS = 1_000
const RETRY_MS = 200
/** Who resigned stays away for so long. */
const AWAY_MS = 2_500
const LOOK_MS = 5

const clockMs = () => Number(process.hrtime.bigint()) / 1e6
const load = createRequire(import.meta.url)
const { system, port, id } = JSON.parse(process.argv[2] ?? '{}') as ContenderOptions

/** What the loops below share. */
class Seat implements Contender {
  held: () => boolean = () => false
  resigning = false

  believes(): boolean {
    return this.held()
  }

  resign(): void {
    this.resigning = true
  }

  /** Tries for ever; `attempt` returns when it does not hold any more. */
  async contend(attempt: () => Promise<void>): Promise<never> {
    for (;;) {
      await attempt().catch(() => {})
      this.held = () => false
      await sleep(this.resigning ? AWAY_MS : RETRY_MS)
      this.resigning = false
    }
  }
}

function redlock4(seat: Seat): Promise<never> {
  const Redlock = load('redlock4') as RedlockClass<Redlock4>
  const redlock = new Redlock([new Redis(port)], { retryCount: 0 })
  return seat.contend(async () => {
    const lock = await redlock.lock(system, LEASE_MS)
    seat.held = () => true
    for (let at = clockMs(); !seat.resigning; await sleep(10)) {
      if (clockMs() - at < RENEW_MS) continue
      at = clockMs()
      await lock.extend(LEASE_MS)
    }
    await lock.unlock()
  })
}

function redlock5(seat: Seat): Promise<never> {
  const Redlock = (load('redlock5') as { default: RedlockClass<Redlock5> }).default
  const redlock = new Redlock([new Redis(port)], {})
  const settings = { retryCount: 0, automaticExtensionThreshold: LEASE_MS - RENEW_MS }
  return seat.contend(() =>
    redlock.using([system], LEASE_MS, settings, async (signal) => {
      seat.held = () => !signal.aborted
      while (!signal.aborted && !seat.resigning) await sleep(10)
    }),
  )
}

function etcd3(seat: Seat): Promise<never> {
  const client = new Etcd3({ hosts: `http://127.0.0.1:${port}` })
  return seat.contend(async () => {
    const campaign = client.election('bench', LEASE_MS / 1_000).campaign(id)
    let over = false
    campaign.on('elected', () => {
      seat.held = () => !over
    })
    campaign.on('error', () => {
      over = true
    })
    while (!over && !seat.resigning) await sleep(10)
    await campaign.resign()
  })
}

function advisory(seat: Seat): Promise<never> {
  return seat.contend(async () => {
    const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
    let broken = false
    client.on('error', () => {
      broken = true
    })
    await client.connect()
    const take = async () => {
      const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock(1) AS held')
      return rows[0]?.held === true
    }
    while (!(await take())) await sleep(RETRY_MS)
    seat.held = () => !broken
    for (let at = clockMs(); !broken && !seat.resigning; await sleep(10)) {
      if (clockMs() - at < RENEW_MS) continue
      at = clockMs()
      await client.query('SELECT 1')
    }
    await client.query('SELECT pg_advisory_unlock(1)')
    await client.end()
  })
}

async function conclave(): Promise<Contender> {
  const kind = system.split(' ')[1] as StoreKind
  const spec = { kind, ports: [port], from: import.meta.url, timeoutMs: 1_000 }
  const { voters } = await storeService(spec)
  const timing = { promiseMs: LEASE_MS, heartbeatMs: RENEW_MS }
  const election = createElection({ cluster: 'bench', name: 'job', id, voters, timing })
  await election.start()
  return {
    believes: () => election.isLeader(),
    resign: () => void election.resign({ cooldownMs: AWAY_MS }).catch(() => {}),
  }
}

async function begin(): Promise<Contender> {
  if (system.startsWith('conclave')) return conclave()
  const seat = new Seat()
  const loops = {
    'redlock 4': redlock4,
    'redlock 5': redlock5,
    'etcd3 Election': etcd3,
    'advisory lock': advisory,
  }
  void loops[system as keyof typeof loops](seat)
  return seat
}

const contender = await begin()
const spans: Span[] = []
let open: Span | null = null
setInterval(() => {
  const at = clockMs()
  if (!contender.believes()) {
    open = null
    return
  }
  // A pause between two looks is not belief: nobody could have asked.
  if (open !== null && at - open.to < 20 * LOOK_MS) {
    open.to = at
    open.looks += 1
    return
  }
  const again = open !== null
  open = { from: at, to: at, looks: 1 }
  spans.push(open)
  if (!again) process.send?.({ kind: 'leads', at })
}, LOOK_MS)

process.on('message', (order: 'resign' | 'spans') => {
  if (order === 'resign') contender.resign()
  else process.send?.({ kind: 'spans', spans })
})
process.on('disconnect', () => process.exit(0))
process.send?.({ kind: 'ready' })
