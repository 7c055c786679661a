/**
 * One process of `elections.ts` and `cost.ts`: an elector with any number of elections over real sockets and a real disk. Started
 * with its options as JSON; does what it is told over the IPC channel, and answers each order once.
 */
import { createElector, type Election, file, type TimingOptions } from 'conclave'
import { type TlsOptions, tcp } from 'conclave/tcp'

/** What a member is started with. */
export interface ElectionsOptions {
  readonly id: string
  readonly voters: Readonly<Record<string, string>>
  readonly dataDir: string
  readonly timing: TimingOptions
  readonly elections: number
  readonly secret: string | null
  readonly tls: TlsOptions | null
}

/** What a member is told to do. */
export type ElectionsOrder = 'start' | 'read' | 'watch' | 'resign' | 'stop'

/** What it answers. All counts are since its start, but for those that say otherwise. */
export interface ElectionsReport {
  readonly order: ElectionsOrder | 'ready'
  readonly led: number
  /** Elections whose leader is known; only on `read`, as the heap after a collection. */
  readonly known: number
  readonly elected: number
  readonly revoked: number
  /** Of these, leaderships that were neither handed over nor given up. */
  readonly lost: number
  readonly cpuMs: number
  readonly atMs: number
  readonly heapBytes: number
  readonly bytesSent: number
  readonly framesSent: number
  readonly writes: number
}

const clockMs = (): number => Number(process.hrtime.bigint()) / 1e6
const options = JSON.parse(process.argv[2] ?? '{}') as ElectionsOptions
const { id, voters, dataDir, timing, secret, tls } = options
/** The disk, counted. */
const disk = { writes: 0 }
const storage = file({ dir: dataDir })
const write = storage.write.bind(storage)
storage.write = (change, done) => {
  disk.writes += 1
  write(change, done)
}
const transport = tcp({ ...(secret === null ? {} : { secret }), ...(tls === null ? {} : { tls }) })
const elector = createElector({ cluster: 'bench', id, voters, storage, timing, transport, spread: true })
const elections: Election[] = []
let elected = 0
let revoked = 0
let lost = 0
elector.on('elected', () => {
  elected += 1
})
elector.on('failed', ({ error }) => console.error(id, String(error)))
elector.on('revoked', ({ reason }) => {
  revoked += 1
  if (reason !== 'transferred' && reason !== 'resigned') lost += 1
})

/** `whole`: with what takes long to find out. */
function report(order: ElectionsReport['order'], whole: boolean): void {
  let known = 0
  let heapBytes = 0
  if (whole) {
    for (let i = 0; i < 3; i++) globalThis.gc?.()
    heapBytes = process.memoryUsage().heapUsed
    for (const election of elections) if (election.leader !== null) known += 1
  }
  const { user, system } = process.cpuUsage()
  const { bytesSent, framesSent } = transport.stats()
  const counted = {
    led: elected - revoked,
    known,
    elected,
    revoked,
    lost,
    cpuMs: (user + system) / 1000,
    atMs: clockMs(),
  }
  process.send?.({
    order,
    ...counted,
    heapBytes,
    bytesSent,
    framesSent,
    writes: disk.writes,
  } satisfies ElectionsReport)
}

process.on('disconnect', () => process.exit())
process.on('message', async (order: ElectionsOrder) => {
  if (order === 'start') {
    for (let i = 0; i < options.elections; i++) elections.push(elector.election(`election-${i}`))
    await elector.start()
  } else if (order === 'resign') {
    await Promise.all(elections.map((election) => election.resign()))
  } else if (order === 'stop') {
    await elector.stop()
  }
  report(order, order === 'read')
  if (order === 'stop') process.exit()
})
report('ready', true)
