/**
 * Goal: two replicas and a third vote fail over as three do, whoever dies; processes without a vote lead over real sockets.
 * Method: real processes over TCP, with the secret and with mutual TLS, killed with SIGKILL one after the other; the third vote
 * is `conclave witness`, or a record in a real store whose server goes down. What must hold of every run: no overlap, rising
 * tokens, one beginning and one end of each leadership (`cluster.ts`).
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startPostgres } from '../servers/postgres'
import { startRedis } from '../servers/redis'
import { requireServers } from '../servers/require'
import { Authority } from '../transports/certificates'
import type { Reign } from './cluster'
import { SmallCluster, type SmallOptions, sleep } from './small-cluster'
import type { StoreKind } from './store-service'

let cluster: SmallCluster | null = null
let authority: Authority

beforeAll(() => {
  authority = new Authority()
})
afterAll(() => authority.close())
afterEach(() => {
  const done = cluster
  cluster = null
  try {
    expect(done?.violations()).toEqual([])
  } finally {
    done?.stop()
  }
})

async function running(options: SmallOptions): Promise<SmallCluster> {
  cluster = await SmallCluster.running(options)
  return cluster
}

const links = [
  ['the secret', () => null],
  ['mutual TLS', () => authority],
] as const

describe.each(links)('two replicas and a witness, over %s', (_, authorityOf) => {
  const replicas = (): Promise<SmallCluster> =>
    running({
      names: ['a', 'b', 'w'],
      voters: 3,
      authority: authorityOf(),
      member: () => ({ settings: { witnesses: ['w'] } }),
    })

  it('R37: any one of the three may die, and the witness never leads', async () => {
    const c = await replicas()
    const first = await c.leading()
    expect((await c.status(first.id))['process']).toMatchObject({ memberKind: 'voter', warnings: [] })
    await c.until(() => c.said.some(({ term }) => term === first.term), 10_000, 'the witness hears of it')

    await c.kill(first.id)
    const second = await c.after(first)
    expect(second.id).toBe(c.other(first.id))
    await c.startMember(first.id)

    await c.kill('w')
    await c.goesOn(second, 2_000)
    await c.startMember('w')
    await sleep(1_500) // its former promises are over, its links stand
    await c.goesOn(second, 200)

    await c.kill(second.id)
    const third = await c.after(second)
    expect(third.id).toBe(first.id)
    await c.startMember(second.id)
    await sleep(1_500)

    await c.kill(c.other(third.id))
    await c.goesOn(third, 2_000)
    expect(c.said.filter(({ leader }) => leader === 'w')).toEqual([])
    const heard = c.said.flatMap(({ leader, term }) => (typeof leader === 'string' ? [term] : []))
    expect(new Set(heard)).toEqual(new Set([first, second, third].map(({ term }) => term)))
  })

  it('R40: two dead of three: nobody leads, the witness least of all; one back, and somebody does', async () => {
    const c = await replicas()
    const first = await c.leading()
    await c.kill('w')
    await c.kill(c.other(first.id))
    await c.nobody(first, 2_000)
    await c.startMember('w')
    const second = await c.after(first)
    expect(second.id).toBe(first.id)
    await c.kill(first.id)
    await c.nobody(second, 2_000)
    await c.startMember(c.other(first.id))
    const third = await c.after(second)
    expect(third.id).toBe(c.other(first.id))
  })

  it('SIGTERM ends the witness in order, and the leader stays', async () => {
    const c = await replicas()
    const first = await c.leading()
    c.signal('w', 'SIGTERM')
    await c.until(() => !c.member('w').alive, 10_000, 'the witness ends')
    expect(c.member('w').exit).toEqual({ code: 0, signal: null })
    expect(c.said.at(-1)?.msg).toBe('stopped')
    await c.goesOn(first, 1_500)
  })
})

describe.each(links)('R71: processes without a vote, over %s', (_, authorityOf) => {
  it('lead, fail over and watch; a dead voter costs nothing', async () => {
    const isVoter = (id: string): boolean => 'abc'.includes(id)
    const c = await running({
      names: ['a', 'b', 'c', 'x', 'y', 'z'],
      voters: 3,
      authority: authorityOf(),
      // `z` only watches
      member: (id) => ({
        settings: {
          canLead: id === 'x' || id === 'y',
          ...(isVoter(id) ? { maxObservers: 3 } : { observer: true }),
        },
        ...(isVoter(id) ? {} : { dataDir: null }),
      }),
    })
    await Promise.all(['x', 'y', 'z'].map((id) => c.startMember(id)))
    const first = await c.leading()
    expect(['x', 'y']).toContain(first.id)

    await c.kill('b')
    await c.goesOn(first, 1_500)
    await c.startMember('b')

    await c.kill(first.id)
    const second = await c.after(first)
    expect(second.id).toBe(first.id === 'x' ? 'y' : 'x')
    await c.startMember(first.id)
    const heard = () =>
      c.member('z').reports.flatMap((report) => (report.kind === 'leader' ? [report.leader] : []))
    await c.until(() => heard().at(-1) === second.id, 5_000, 'who only watches hears of it')
    expect(heard()).toContain(first.id)
    const status = await c.status(second.id)
    expect(status['process']).toMatchObject({ memberKind: 'observer' })

    c.order(second.id, { kind: 'resign', to: null })
    const third = await c.after(second)
    expect(third.id).toBe(first.id)
  })
})

/** A server with a record that has the third vote. */
interface Tie {
  readonly port: number
  down(): Promise<void>
  up(): Promise<void>
  stop(): Promise<void>
}

const TIES: readonly (readonly [StoreKind, 'postgresql' | 'redis', () => Promise<Tie>])[] = [
  [
    'postgres',
    'postgresql',
    async () => {
      const server = await startPostgres({ durable: true })
      return { ...server, down: () => server.down('immediate') }
    },
  ],
  [
    'redis',
    'redis',
    async () => {
      const server = await startRedis({ durable: true })
      return { ...server, down: () => server.down('SIGKILL') }
    },
  ],
]

for (const [kind, program, start] of TIES) {
  const here = requireServers(`two replicas and a record in ${program}`, program)
  describe.runIf(here)(`two replicas and a record of ${kind}`, () => {
    let server: Tie

    beforeAll(async () => {
      server = await start()
    })
    afterAll(async () => server?.stop())

    it('R40: either replica may die, and so may the store', async () => {
      const store = { kind, ports: [server.port], from: import.meta.url, timeoutMs: 300 }
      const c = await running({
        names: ['a', 'b'],
        voters: 2,
        timing: { promiseMs: 2_000 },
        member: () => ({ store, tie: true }),
      })
      const first = await c.leading(30_000)
      const { warnings } = (await c.status(first.id))['process'] as { warnings: readonly string[] }
      expect(warnings.filter((text) => text.includes('fail over'))).toEqual([])

      await server.down()
      await c.goesOn(first, 3_000)
      await server.up()
      await settled(c, first)

      await c.kill(first.id)
      const second = await c.after(first)
      expect(second.id).toBe(c.other(first.id))
      await c.goesOn(second, 2_000)
      await c.startMember(first.id)
      await settled(c, second)

      await c.kill(first.id)
      await c.goesOn(second, 2_000)
      await c.startMember(first.id)
      await settled(c, second)

      await c.kill(second.id)
      const third = await c.after(second)
      expect(third.id).toBe(first.id)

      await server.down()
      await c.nobody(third, 2_500)
      await server.up()
      await c.after(third)
    })
  })
}

/** All three votes are reached again, and their former promises are over. */
async function settled(c: SmallCluster, reign: Reign): Promise<void> {
  await sleep(3_500)
  await c.goesOn(reign, 200)
}
