/**
 * Goal: a stale leader cannot write through HTTP, whatever it sends and however late. Method: real servers of node:http on
 * the loopback, requests written byte by byte where a client library would be too polite, and a fuzzed header.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import {
  FENCING_HEADER,
  type Fence,
  fencedHandler,
  fenceHeaders,
  fenceMiddleware,
  type HttpFenceOptions,
  memoryFence,
  readFenceHeader,
} from 'conclave/fencing'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ElectionError, isElectionError } from '../../src/errors'

/** Serves until the test is over; resolves with the port. */
async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const leader = (token: number, holder: string) => ({ name: 'invoices', term: token, token, holder })

async function put(port: number, headers: Record<string, string>, path = '/'): Promise<[number, unknown]> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'PUT', headers, body: 'x' })
  const text = await response.text()
  const json = response.headers.get('content-type')?.startsWith('application/json')
  return [response.status, json ? JSON.parse(text) : text]
}

/** Sends these very bytes and returns the status of the answer. */
async function raw(port: number, bytes: string | Buffer): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  socket.end(bytes)
  let answer = ''
  for await (const chunk of socket.setEncoding('latin1')) answer += chunk
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
}

/** A server that notes what got past the middleware. */
async function ledger(options: Partial<HttpFenceOptions<IncomingMessage>> = {}) {
  const written: string[] = []
  const refused: ElectionError[] = []
  const fenced = fenceMiddleware<IncomingMessage, ServerResponse>({
    fence: memoryFence(),
    resource: 'ledger',
    onRefused: (error) => refused.push(error),
    ...options,
  })
  const port = await serve((request, response) =>
    fenced(request, response, () => {
      written.push(String(request.headers['conclave-fencing-token']))
      response.end('written')
    }),
  )
  return { port, written, refused }
}

describe('the header', () => {
  it('carries a claim or a leadership, and gives it back', () => {
    expect(fenceHeaders(leader(7, 'a'))).toEqual({ [FENCING_HEADER]: '7;holder="a";election="invoices"' })
    expect(fenceHeaders({ token: 7, holder: 'a' })).toEqual({ [FENCING_HEADER]: '7;holder="a"' })
    const holder = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/)
    const election = fc.option(fc.stringMatching(/^[A-Za-z0-9._:-]{1,128}$/))
    const token = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(fc.record({ token, holder, election }), (claim) => {
        const value = fenceHeaders(claim)[FENCING_HEADER]!
        expect(readFenceHeader({ headers: { 'conclave-fencing-token': value } })).toEqual(claim)
      }),
    )
  })

  it('E6: nothing but a claim gets into a header', () => {
    for (const wrong of [
      { token: 7, holder: 'a\r\nX-Admin: 1' },
      { token: 7, holder: 'a";election="other' },
      { token: 7, holder: 'a', election: 'x"\r\n' },
      { token: '7\r\nX: 1' as unknown as number, holder: 'a' },
      { token: 2 ** 53, holder: 'a' },
      { token: 0, holder: 'a' },
    ]) {
      expect(() => fenceHeaders(wrong)).toThrow(expect.objectContaining({ code: 'ELECTION_MESSAGE_INVALID' }))
    }
  })

  it('has one spelling; everything else is refused with a typed error', () => {
    const read = (value: string | string[] | undefined): unknown => {
      try {
        return readFenceHeader({ headers: { 'conclave-fencing-token': value } })
      } catch (error) {
        return isElectionError(error) ? error.code : error
      }
    }
    expect(read(undefined)).toBeNull()
    expect(read('7;holder="a"')).toEqual({ token: 7, holder: 'a', election: null })
    expect(read('9007199254740991;holder="a"')).toMatchObject({ token: 2 ** 53 - 1 })
    for (const wrong of [
      '',
      '7',
      '7;holder=a',
      '7;holder=""',
      ' 7;holder="a"',
      '7; holder="a"',
      '7;holder="a" ',
      '7;holder="a";',
      '7;election="x";holder="a"',
      '7;holder="a";election=""',
      '7;holder="a";holder="b"',
      '7;holder="a";election="x";election="y"',
      '7;holder="a";extra="x"',
      '7;Holder="a"',
      '7;holder="a", 8;holder="b"',
      '07;holder="a"',
      '+7;holder="a"',
      '-7;holder="a"',
      '0;holder="a"',
      '7.0;holder="a"',
      '7e3;holder="a"',
      '0x7;holder="a"',
      '１;holder="a"',
      'NaN;holder="a"',
      'Infinity;holder="a"',
      '9007199254740992;holder="a"',
      '9999999999999999;holder="a"',
      '99999999999999999;holder="a"',
      `7;holder="${'a'.repeat(65)}"`,
      '7;holder="a\\"b"',
      '7;holder="a\n"',
      '7;holder="a"\n',
      '7;holder="é"',
      `7;holder="a";election="${'x'.repeat(129)}"`,
      `${'9'.repeat(1_000_000)};holder="a"`,
    ]) {
      expect(read(wrong), wrong.slice(0, 60)).toBe('ELECTION_MESSAGE_INVALID')
    }
    expect(read(['7;holder="a"', '8;holder="a"'])).toBe('ELECTION_MESSAGE_INVALID')
    expect(read(['7;holder="a"'])).toBe('ELECTION_MESSAGE_INVALID')
    expect(read([])).toBe('ELECTION_MESSAGE_INVALID')
  })

  it('E6: random values are refused or are claims, never a crash', () => {
    const near = fc
      .array(
        fc.constantFrom(
          '7',
          '0',
          ';',
          '=',
          '"',
          'holder',
          'election',
          'a',
          '\\',
          ' ',
          ',',
          '\r\n',
          '-',
          '\0',
        ),
        {
          maxLength: 14,
        },
      )
      .map((parts) => parts.join(''))
    const bytes = fc.uint8Array().map((values) => Buffer.from(values).toString('latin1'))
    const anything = fc.oneof(near, fc.string(), bytes, fc.array(fc.string()))
    fc.assert(
      fc.property(anything, (value) => {
        try {
          const claim = readFenceHeader({ headers: { 'conclave-fencing-token': value } })
          expect(fenceHeaders(claim!)[FENCING_HEADER]).toBe(value)
        } catch (error) {
          expect(isElectionError(error, 'ELECTION_MESSAGE_INVALID')).toBe(true)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('the middleware', () => {
  it('R42: passes the leader on, and refuses the former one with 412 and the seen token', async () => {
    const { port, written, refused } = await ledger()
    expect(await put(port, fenceHeaders(leader(7, 'a')))).toEqual([200, 'written'])
    expect(await put(port, fenceHeaders(leader(8, 'b')))).toEqual([200, 'written'])
    expect(await put(port, fenceHeaders(leader(7, 'a')))).toEqual([
      412,
      {
        error: 'ELECTION_STALE_TOKEN',
        message: 'token 7 of a is stale: token 8 of b was seen',
        token: 7,
        seenToken: 8,
        seenHolder: 'b',
      },
    ])
    expect(await put(port, fenceHeaders(leader(8, 'a')))).toMatchObject([412, { seenToken: 8 }])
    expect(await put(port, fenceHeaders(leader(8, 'b')))).toEqual([200, 'written'])
    expect(written).toHaveLength(3)
    expect(refused.map(({ code }) => code)).toEqual(['ELECTION_STALE_TOKEN', 'ELECTION_STALE_TOKEN'])
  })

  it('bug 64: the request that a frozen leader had half sent is refused when the rest arrives', async () => {
    const { port, written } = await ledger()
    expect((await put(port, fenceHeaders(leader(7, 'a'))))[0]).toBe(200)
    const frozen = connect(port, '127.0.0.1')
    frozen
      .setEncoding('latin1')
      .write('PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n')
    expect((await put(port, fenceHeaders(leader(8, 'b'))))[0]).toBe(200)
    frozen.write(`${FENCING_HEADER}: 7;holder="a";election="invoices"\r\n\r\n`)
    const [answer] = await once(frozen, 'data')
    expect(answer).toMatch(/^HTTP\/1\.1 412 /)
    expect(written).toHaveLength(2)
    frozen.destroy()
  })

  it('answers 428, 400, 409, 503, 500 for what is not a refusal of the token, and passes none of it on', async () => {
    const { port, written } = await ledger()
    const valid = fenceHeaders(leader(7, 'a'))
    await put(port, valid)
    expect(await put(port, {})).toMatchObject([428, { error: 'ELECTION_MESSAGE_INVALID' }])
    expect(await put(port, { [FENCING_HEADER]: 'seven' })).toMatchObject([
      400,
      { error: 'ELECTION_MESSAGE_INVALID' },
    ])
    const other = { ...leader(9, 'a'), name: 'reports' }
    expect(await put(port, fenceHeaders(other))).toMatchObject([409, { error: 'ELECTION_CONFIG_INVALID' }])
    expect(written).toHaveLength(1)

    const closed = await ledger({ fence: memoryFence({ floor: () => Promise.reject(new Error('secret')) }) })
    const unavailable = await put(closed.port, valid)
    expect(unavailable).toMatchObject([503, { error: 'ELECTION_TRANSPORT_FAILED' }])
    expect(JSON.stringify(unavailable)).not.toContain('secret')
    expect(closed.written).toEqual([])

    const throwing = await ledger({
      resource: () => {
        throw new Error('secret')
      },
    })
    const failed = await put(throwing.port, valid)
    expect(failed).toMatchObject([500, { error: 'ELECTION_CONFIG_INVALID' }])
    expect(JSON.stringify(failed)).not.toContain('secret')
    expect(throwing.refused[0]!.cause).toEqual(new Error('secret'))
    expect(throwing.written).toEqual([])
  })

  it('takes the resource from the request; a name that is none is answered 400', async () => {
    const { port } = await ledger({ resource: (request) => decodeURIComponent(request.url!.slice(1)) })
    expect((await put(port, fenceHeaders(leader(8, 'b')), '/one'))[0]).toBe(200)
    expect((await put(port, fenceHeaders(leader(7, 'a')), '/two'))[0]).toBe(200)
    expect((await put(port, fenceHeaders(leader(7, 'a')), '/one'))[0]).toBe(412)
    expect((await put(port, fenceHeaders(leader(7, 'a')), '/__proto__'))[0]).toBe(200)
    expect((await put(port, fenceHeaders(leader(7, 'a')), '/'))[0]).toBe(400)
    expect((await put(port, fenceHeaders(leader(7, 'a')), '/a%0Ab'))[0]).toBe(400)
    expect((await put(port, fenceHeaders(leader(7, 'a')), '/%ff'))[0]).toBe(500)
  })

  it('E6: two headers are never one claim, folded and injected ones are refused', async () => {
    const { port, written } = await ledger()
    const request = (lines: string): string =>
      `PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines}\r\n\r\n`
    const header = `${FENCING_HEADER}: 7;holder="a"`
    expect(await raw(port, request(header))).toBe(200)
    expect(await raw(port, request(header.toUpperCase().replace('HOLDER="A"', 'holder="a"')))).toBe(200)
    expect(written).toHaveLength(2)
    expect(await raw(port, request(`${header}\r\n${header}`))).toBe(400)
    expect(await raw(port, request(`${header}\r\n${FENCING_HEADER}: 8;holder="a"`))).toBe(400)
    expect(await raw(port, request(`${FENCING_HEADER}: 7;\r\n holder="a"`))).toBe(400)
    expect(await raw(port, request(`${FENCING_HEADER}: 7\0;holder="a"`))).toBe(400)
    expect(await raw(port, request(`${FENCING_HEADER}: 7;holder="a"\rX: 1`))).toBe(400)
    expect(await raw(port, Buffer.from(request(`${FENCING_HEADER}: 7;holder="\xff"`), 'latin1'))).toBe(400)
    expect(await raw(port, request(`${FENCING_HEADER}: `))).toBe(400)
    expect(written).toHaveLength(2)
  })

  it('B.19: what `next` returns is waited for before another claim is judged', async () => {
    const trace: string[] = []
    const fence = memoryFence()
    const fenced = fenceMiddleware<IncomingMessage, ServerResponse>({ fence, resource: 'ledger' })
    let finish = (): void => undefined
    const port = await serve((request, response) =>
      fenced(request, response, async () => {
        trace.push('begin')
        await new Promise<void>((resolve) => (finish = resolve))
        trace.push('end')
        response.end()
      }),
    )
    const old = put(port, fenceHeaders(leader(7, 'a')))
    while (trace.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const newer = fence.check('ledger', leader(8, 'b')).then(() => trace.push('newer'))
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    finish()
    await Promise.all([old, newer])
    expect(trace).toEqual(['begin', 'end', 'newer'])
  })

  it('rejects only with what `next` threw, and never calls it for a refusal', async () => {
    const thrown = new Error('the handler failed')
    const answers: number[] = []
    const response = {
      statusCode: 0,
      headersSent: false,
      setHeader: () => 0,
      end: () => answers.push(response.statusCode),
    }
    const fenced = fenceMiddleware({ fence: memoryFence(), resource: 'r' })
    const request = { headers: { 'conclave-fencing-token': '7;holder="a"' } }
    await expect(fenced(request, response, () => Promise.reject(thrown))).rejects.toBe(thrown)
    await expect(
      fenced(request, response, () => {
        throw thrown
      }),
    ).rejects.toBe(thrown)
    await fenced({ headers: {} }, response, () => expect.unreachable())
    expect(answers).toEqual([428])
    await fenced(
      { headers: {} },
      { ...response, headersSent: true, end: () => expect.unreachable() },
      () => 0,
    )
  })

  it('works with a fence that can only check, and fails closed when it breaks the contract', async () => {
    const memory = memoryFence()
    const plain: Fence = {
      check: (resource, claim) => memory.check(resource, claim),
      highest: (resource) => memory.highest(resource),
    }
    const { port, written } = await ledger({ fence: plain })
    expect((await put(port, fenceHeaders(leader(8, 'b'))))[0]).toBe(200)
    expect((await put(port, fenceHeaders(leader(7, 'a'))))[0]).toBe(412)
    expect(written).toHaveLength(1)
    for (const check of [() => Promise.reject(new Error('odd')), () => Promise.reject(undefined)]) {
      const broken = await ledger({ fence: { ...plain, check } })
      expect((await put(broken.port, fenceHeaders(leader(8, 'b'))))[0]).toBe(500)
      expect(broken.written).toEqual([])
    }
  })

  it('B.9: an observer that throws or rejects changes nothing and becomes a warning', async () => {
    const warnings: Error[] = []
    const listen = (warning: Error): void => void warnings.push(warning)
    process.on('warning', listen)
    onTestFinished(() => void process.off('warning', listen))
    for (const onRefused of [
      () => {
        throw new Error('observer')
      },
      async () => {
        throw new Error('observer')
      },
    ]) {
      const { port } = await ledger({ onRefused })
      expect((await put(port, {}))[0]).toBe(428)
    }
    await new Promise((resolve) => setImmediate(resolve))
    expect(warnings.map(({ message }) => message)).toEqual([
      'onRefused of a fence threw',
      'onRefused of a fence threw',
    ])
  })

  it('wrong options are refused at once', () => {
    const fence = memoryFence()
    const handler = (): void => undefined
    for (const make of [
      () => fenceMiddleware({ fence: {} as Fence, resource: 'r' }),
      () => fenceMiddleware({ fence, resource: '' }),
      () => fenceMiddleware({ fence, resource: 7 as unknown as string }),
      () => fenceMiddleware({ fence, resource: 'r', onRefused: 7 as unknown as () => void }),
      () =>
        fencedHandler(
          { fence: { ...fence, check: fence.check, guard: 7 as never } as never, resource: 'r' },
          handler,
        ),
    ]) {
      expect(make).toThrow(expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' }))
    }
  })
})

describe('the fenced handler', () => {
  it('B.19: a slow write of the old leader ends before the new one is accepted, even if its client is gone', async () => {
    const written: string[] = []
    let finish = (): void => undefined
    let started = (): void => undefined
    const begun = new Promise<void>((resolve) => (started = resolve))
    const fence = memoryFence()
    const port = await serve(
      fencedHandler<IncomingMessage, ServerResponse>(
        { fence, resource: 'ledger' },
        async (request, response) => {
          const { holder } = readFenceHeader(request)!
          if (holder === 'a') {
            started()
            await new Promise<void>((resolve) => (finish = resolve))
          }
          written.push(holder)
          response.end('written')
        },
      ),
    )
    const client = connect(port, '127.0.0.1')
    client.on('error', () => undefined)
    client.write(`PUT / HTTP/1.1\r\nHost: x\r\n${FENCING_HEADER}: 7;holder="a"\r\n\r\n`)
    await begun
    client.destroy()
    const newer = put(port, fenceHeaders({ token: 8, holder: 'b' }))
    await fence.check('another', { token: 1, holder: 'a' })
    expect(written).toEqual([])
    finish()
    expect(await newer).toEqual([200, 'written'])
    expect(written).toEqual(['a', 'b'])
    expect((await put(port, fenceHeaders({ token: 7, holder: 'a' })))[0]).toBe(412)
    expect(written).toEqual(['a', 'b'])
  })

  it('passes on what the handler throws, and the resource is free again', async () => {
    const fence = memoryFence({ waitMs: 50 })
    const thrown = new Error('the handler failed')
    const handler = fencedHandler({ fence, resource: 'r' }, () => Promise.reject(thrown))
    const request = { headers: { 'conclave-fencing-token': '7;holder="a"' } }
    const response = { statusCode: 0, headersSent: false, setHeader: () => 0, end: () => 0 }
    await expect(handler(request, response)).rejects.toBe(thrown)
    await fence.check('r', { token: 8, holder: 'b' })
    await handler(request, response)
    expect(response.statusCode).toBe(412)
  })
})
