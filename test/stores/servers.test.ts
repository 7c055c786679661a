/**
 * Goal: the servers for tests go away with the tests, and their absence is said once. Method: a process that owns a server
 * is killed; the programs are looked for where there are none.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { sentenceOf } from '../servers/missing'
import { startProxy } from '../servers/proxy'
import { MISSING_FILE, requireServers } from '../servers/require'
import { eventually } from './support'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe.runIf(requireServers('the end of servers whose owner was killed', 'redis'))('a server', () => {
  it('ends, and its directory is removed, when the process that started it is killed', async () => {
    const script = `
      import { startProcess, temporaryDirectory, freePort } from './test/servers/process.ts'
      const directory = temporaryDirectory('orphan')
      const server = startProcess('redis-server', ['--port', String(await freePort())], directory)
      console.log(JSON.stringify({ directory, pid: server.pid }))`
    const args = ['--import', 'tsx', '--input-type=module', '-e', script]
    const owner = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    const said = await new Promise<string>((resolve) =>
      owner.stdout.once('data', (data) => resolve(String(data))),
    )
    const { directory, pid } = JSON.parse(said) as { directory: string; pid: number }
    expect([existsSync(directory), isAlive(pid)]).toEqual([true, true])
    owner.kill('SIGKILL')
    await eventually(() => !existsSync(directory) && !isAlive(pid))
  })
})

describe('missing servers', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })

  it('are named in one line, with what is therefore not run', () => {
    vi.stubEnv('PATH', '/nowhere')
    vi.stubEnv('CONCLAVE_REQUIRE_SERVERS', '')
    vi.stubEnv(MISSING_FILE, '')
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    expect(requireServers('the stores', 'redis', 'etcd')).toBe(false)
    expect(write.mock.calls).toEqual([['not run, no redis, etcd on this machine: the stores\n']])
  })

  it('of a whole run are said in one line, however many files left something out', () => {
    const notes = join(mkdtempSync(join(tmpdir(), 'conclave-notes-')), 'notes')
    vi.stubEnv('PATH', '/nowhere')
    vi.stubEnv('CONCLAVE_REQUIRE_SERVERS', '')
    vi.stubEnv(MISSING_FILE, notes)
    expect(requireServers('the stores', 'redis', 'etcd')).toBe(false)
    expect(requireServers('the fence', 'redis')).toBe(false)
    const said = readFileSync(notes, 'utf8')
    rmSync(dirname(notes), { recursive: true })
    expect(sentenceOf(said)).toBe(
      'not on this machine: redis, etcd; therefore not run: the stores; the fence',
    )
    expect(sentenceOf('')).toBeNull()
  })

  it('are a failure where they are required', () => {
    vi.stubEnv('PATH', '/nowhere')
    vi.stubEnv('CONCLAVE_REQUIRE_SERVERS', '1')
    expect(() => requireServers('the stores', 'redis')).toThrow(/no redis on this machine/)
  })
})

describe('the faulty proxy', () => {
  it('passes, holds, delays, strands, cuts and refuses', async () => {
    const echo = createServer((socket) => {
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
    const address = echo.address()
    const proxy = await startProxy(typeof address === 'object' ? (address?.port ?? 0) : 0)
    const open = async () => {
      const socket = createConnection({ host: '127.0.0.1', port: proxy.port })
      let heard = ''
      const state = { closed: false }
      socket.on('data', (data) => {
        heard += data
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        state.closed = true
      })
      await new Promise((resolve) => socket.once('connect', resolve))
      return { socket, heard: () => heard, closed: () => state.closed }
    }
    const one = await open()
    one.socket.write('a')
    await eventually(() => one.heard() === 'a')

    proxy.hold('down')
    const answered = proxy.next('down')
    one.socket.write('b')
    await answered
    expect(one.heard()).toBe('a')
    await proxy.heal()
    await eventually(() => one.heard() === 'ab')

    proxy.delay(50)
    const sentAt = performance.now()
    one.socket.write('c')
    await eventually(() => one.heard() === 'abc')
    expect(performance.now() - sentAt).toBeGreaterThan(90)
    await proxy.heal()

    proxy.strand()
    one.socket.write('d')
    const two = await open()
    two.socket.write('e')
    await eventually(() => two.heard() === 'e')
    expect([one.heard(), one.closed(), proxy.connections]).toEqual(['abc', false, 2])

    proxy.cut()
    await eventually(() => one.closed() && two.closed() && proxy.connections === 0)
    await proxy.refuse()
    const refused = createConnection({ host: '127.0.0.1', port: proxy.port })
    const error = await new Promise<Error>((resolve) => refused.once('error', resolve))
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
    await proxy.stop()
    await new Promise((resolve) => echo.close(resolve))
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
