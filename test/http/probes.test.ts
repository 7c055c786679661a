/**
 * Goal: liveness, readiness and leadership are three answers (USERS 8). Method: real elections in manual time behind the
 * handler, with requests and responses of the shape of Node.js; the example beside it asks over sockets.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { type ProbeHandler, probes } from '../../src/http'
import type { Election } from '../../src/runtime/api'
import { alone, Bench } from '../runtime/harness'

function ask(handler: ProbeHandler, url: string, method = 'GET') {
  const answer = { statusCode: 0, headers: {} as Record<string, string>, body: '', isPassedOn: false }
  const response = Object.assign(answer, {
    setHeader: (name: string, value: string) => (answer.headers[name] = value),
    end: (body = '') => (answer.body = body),
  })
  handler({ url, method }, response, () => (answer.isPassedOn = true))
  return answer
}

async function three() {
  const bench = new Bench()
  const processes = ['a', 'b', 'c'].map((id) => bench.process(id))
  const elections = processes.map(({ elector }) =>
    elector.election('e', { priority: elector.id === 'a' ? 1 : 0 }),
  )
  await bench.start(...processes)
  await bench.world.run(3_000)
  return { bench, world: bench.world, processes, elections: elections as [Election, Election, Election] }
}

describe('probes', () => {
  it('readiness never depends on leadership', async () => {
    const { elections } = await three()
    for (const election of elections) {
      const handler = probes(election)
      expect(ask(handler, '/readyz').statusCode).toBe(200)
      expect(ask(handler, '/healthz').statusCode).toBe(200)
      expect(ask(handler, '/leader').statusCode).toBe(election.isLeader() ? 200 : 503)
    }
    expect(elections.map((election) => election.isLeader())).toEqual([true, false, false])
  })

  it('readiness: not before the start, not while it stops; health all the same', async () => {
    const { bench, world, one } = await alone()
    const handler = probes(one.elector.election('e'))
    const codes = () => ['/readyz', '/healthz'].map((path) => ask(handler, path).statusCode)
    expect(codes()).toEqual([503, 200])
    await bench.start(one)
    expect(codes()).toEqual([200, 200])
    const stopped = one.elector.stop()
    expect(codes()).toEqual([503, 200])
    await world.run(10)
    await stopped
  })

  it('health fails when only a restart helps', async () => {
    const { bench, world, one } = await alone()
    const handler = probes(one.elector.election('e'))
    await bench.start(one)
    one.storage.fault = new Error('EIO')
    one.elector.election('more')
    await world.run(100)
    expect(ask(handler, '/healthz')).toMatchObject({ statusCode: 503, body: '{"answer":"failed"}\n' })
    expect(ask(handler, '/readyz').statusCode).toBe(503)
  })

  it('the leader is asked of the clock: a stall that outlives the lease ends it before anything else ran', async () => {
    const { world, elections } = await three()
    const handler = probes(elections[0])
    world.stall(60_000)
    expect(ask(handler, '/leader').statusCode).toBe(503)
  })

  it('B.9: a function of the service that throws ends in the answer; the process is warned once', async () => {
    const { elections } = await three()
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    try {
      const broken = (): never => {
        throw new Error('it is broken')
      }
      const handler = probes(elections[1], { leaderUrl: broken, maySee: broken })
      for (let i = 0; i < 2; i++) {
        expect(ask(handler, '/leader')).toMatchObject({
          statusCode: 503,
          body: '{"answer":"not the leader"}\n',
        })
        expect(ask(handler, '/readyz')).toMatchObject({ statusCode: 200, body: '{"answer":"ready"}\n' })
      }
      expect(warn.mock.calls.map(([message]) => message)).toEqual(['probes(): leaderUrl threw: it is broken'])
    } finally {
      warn.mockRestore()
    }
  })

  it('sends to the leader, if it is told how', async () => {
    const { elections } = await three()
    const handler = probes(elections[1], { leaderUrl: (id) => (id === 'a' ? 'http://10.0.0.1:8080' : null) })
    expect(ask(handler, '/leader?x=1')).toMatchObject({
      statusCode: 307,
      headers: { Location: 'http://10.0.0.1:8080/leader?x=1' },
    })
    expect(ask(probes(elections[1], { leaderUrl: () => null }), '/leader').statusCode).toBe(503)
    expect(ask(probes(elections[0], { leaderUrl: () => 'http://x' }), '/leader').statusCode).toBe(200)
  })

  it('shows the status to whoever may see it, and one word to everybody else (E9)', async () => {
    const { elections } = await three()
    expect(ask(probes(elections[0]), '/readyz').body).toBe('{"answer":"ready"}\n')
    const open = probes(elections[0], { maySee: ({ url }) => url === '/leader?key=1' })
    expect(JSON.parse(ask(open, '/leader?key=1').body)).toMatchObject({
      answer: 'leader',
      status: { name: 'e', isLeader: true, process: { id: 'a' } },
    })
    expect(ask(open, '/leader').body).toBe('{"answer":"leader"}\n')
  })

  it('of an elector: one election by its name, the only one without', async () => {
    const { processes, world } = await three()
    const { elector } = processes[0] as (typeof processes)[0]
    const handler = probes(elector)
    expect(ask(handler, '/leader').statusCode).toBe(200)
    elector.election('other', { contend: false })
    await world.run(10)
    expect(ask(handler, '/leader/e').statusCode).toBe(200)
    expect(ask(handler, '/leader/other').statusCode).toBe(503)
    for (const path of ['/leader', '/leader/none', '/leader/__proto__', '/leader/']) {
      expect(ask(handler, path).statusCode, path).toBe(404)
    }
    expect(ask(handler, '/readyz').statusCode).toBe(200)
  })

  it('passes on what it does not know, answers 404 where nobody is next, 405 to other methods, nothing to HEAD', async () => {
    const { one } = await alone()
    const handler = probes(one.elector.election('e'), { paths: { healthz: '/live' } })
    expect(ask(handler, '/orders')).toMatchObject({ isPassedOn: true, statusCode: 0 })
    expect(ask(handler, '/healthz').isPassedOn).toBe(true)
    expect(ask(handler, '/live')).toMatchObject({ isPassedOn: false, statusCode: 200 })
    expect(ask(handler, '/live', 'POST')).toMatchObject({ statusCode: 405, headers: { Allow: 'GET, HEAD' } })
    expect(ask(handler, '/live', 'HEAD')).toMatchObject({ statusCode: 200, body: '' })
    expect(ask(handler, '/live').headers['Cache-Control']).toBe('no-store')
    const response = { statusCode: 0, setHeader() {}, end() {} }
    expect(handler({ url: '/x' }, response)).toBe(true)
    expect(response.statusCode).toBe(404)
  })

  it('refuses options that do not exist', async () => {
    const { one } = await alone()
    const election = one.elector.election('e')
    expect(() => probes(election, { leaderURL: () => null } as never)).toThrow('unknown option "leaderURL"')
    expect(() => probes(election, { paths: { healthz: 'live' } })).toThrow('paths.healthz begins with no "/"')
    expect(() => probes({} as never)).toThrow('expected an election or an elector')
  })

  it('fits node:http by its types', () => {
    const fits = (
      handler: ProbeHandler<IncomingMessage>,
      request: IncomingMessage,
      response: ServerResponse,
    ) => handler(request, response)
    expect(fits).toBeTypeOf('function')
  })
})
