/**
 * Goal: over a store, too, an operator sees who leads, pauses, resumes and makes a leader resign, and is told what cannot be
 * done there (USERS 22). Method: two real processes over each real store; the commands as they are typed.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { call } from '../cli/memory-terminal'
import { startEtcd } from '../servers/etcd'
import { startPostgres } from '../servers/postgres'
import { startRedis } from '../servers/redis'
import { requireServers } from '../servers/require'
import { StoreCluster } from './store-cluster'
import type { StoreKind } from './store-service'

const here = requireServers('the command line over stores', 'postgresql', 'redis', 'etcd')
const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function urlOf(kind: StoreKind): Promise<{ port: number; url: string }> {
  const server = await (kind === 'postgres' ? startPostgres() : kind === 'redis' ? startRedis() : startEtcd())
  closing.push(() => server.stop())
  const port = 'ports' in server ? (server.ports[0] ?? 0) : server.port
  const url = {
    postgres: `postgres://postgres@127.0.0.1:${port}/postgres`,
    redis: `redis://127.0.0.1:${port}`,
    etcd: `http://127.0.0.1:${port}`,
  }[kind]
  return { port, url }
}

describe.runIf(here)('the command line over a store', () => {
  it.each(['postgres', 'redis', 'etcd'] as const)(
    'status, pause, resume, resign and history over %s',
    async (kind) => {
      const { port, url } = await urlOf(kind)
      const c = await StoreCluster.over(kind, [port], { size: 2, timing: { promiseMs: 5_000 } })
      closing.push(() => c.close())
      const where = `--cluster real --store ${url} --election job --timeout-ms 15000`
      // on a busy machine a leader may just have been lost
      await expect.poll(async () => (await call(`status ${where}`)).code, { timeout: 30_000 }).toBe(0)
      const status = await call(`status ${where}`)
      expect(status.complaints).toEqual([])
      expect(status.text).toMatch(/^job +[ab] +\d+ /m)
      const transfer = await call(`transfer ${where} --to b`)
      expect([transfer.code, transfer.complaints.join()]).toEqual([
        1,
        expect.stringContaining('nobody can be named'),
      ])

      const resign = await call(`resign ${where}`)
      expect([resign.complaints, resign.text]).toEqual([
        [],
        expect.stringMatching(/^[ab] gave "job" up \(term \d+\)/),
      ])
      await c.until(() => c.leader !== null, 30_000, 'somebody leads again')

      const pause = await call(`pause ${where} --leader stepsDown`)
      expect([pause.code, pause.text]).toEqual([0, expect.stringContaining('"job" is paused')])
      await c.until(() => c.leader === null, 15_000, 'the leader steps down')
      const paused = await call(`status ${where}`)
      expect([paused.code, paused.text]).toEqual([
        1,
        expect.stringContaining('by operator, leader steps down'),
      ])
      expect((await call(`resume ${where}`)).code).toBe(0)
      await c.until(() => c.leader !== null, 30_000, 'somebody leads after the pause')
      const rowsOf = async (): Promise<string[][]> =>
        (await call(`history ${where}`)).text.split('\n').map((row) => row.split(/ {2,}/))
      // whoever leads writes it a beat after it has won, and how it ended
      const written = async (): Promise<boolean> => {
        const [, ...rows] = await rowsOf()
        const ends = rows.map((row) => row.at(-1))
        return ends.filter((end) => end === 'paused').length === 2 && ends.at(-1) === 'leads'
      }
      await expect.poll(written, { timeout: 30_000, interval: 500 }).toBe(true)
      const rows = (await rowsOf()).slice(1)
      const terms = rows.map((row) => Number(row[1]))
      expect(terms).toEqual([...terms].sort((x, y) => x - y))
      for (const row of rows) expect(row[2], 'people see the id').toMatch(/^[ab]$/)
      const doctor = await call(`doctor --seconds 1 --store ${url}`)
      const calls = String.raw`[\d.]+( / [\d.]+){3} ms \(shortest, median, p99, longest of \d+\)$`
      expect(doctor.text).toMatch(new RegExp(`^  store +${kind}, read: ${calls}`, 'm'))
      expect(doctor.text).toMatch(new RegExp(`^ +${kind}, compare and set: ${calls}`, 'm'))
      expect(doctor.text).toContain('needs 2 x (2 x read')
      expect(doctor.code).toBe(doctor.text.includes('DOES NOT FIT') ? 1 : 0)
      c.sound()
    },
  )

  it('a store that is not there is a reason and exit code 1, and hangs nothing', async () => {
    const began = performance.now()
    const status = await call(
      'status --cluster x --store redis://127.0.0.1:1 --election job --timeout-ms 700',
    )
    expect([status.code, status.text]).toEqual([1, expect.stringContaining('unreachable')])
    expect(
      (await call('pause --cluster x --store redis://127.0.0.1:1 --election job --timeout-ms 700')).code,
    ).toBe(1)
    const doctor = await call('doctor --seconds 0.1 --store redis://127.0.0.1:1')
    expect([doctor.code, doctor.text]).toEqual([1, expect.stringContaining('read: NOT REACHED')])
    expect(performance.now() - began).toBeLessThan(20_000)
  })

  it.each([
    ['--store mysql://x --election job', '--store takes postgres://'],
    ['--store redis://127.0.0.1:1', '--election is missing'],
    ['--store redis://me:secret@127.0.0.1:1 --election job', 'put the URL into CONCLAVE_STORE'],
    ['--store redis://127.0.0.1:1 --members a=127.0.0.1:1 --election job', 'give one of the two'],
  ])('%s is a wrong call', async (options, sentence) => {
    const { code, complaints } = await call(`status --cluster x ${options}`)
    expect([code, complaints.join()]).toEqual([2, expect.stringContaining(sentence)])
  })
})
