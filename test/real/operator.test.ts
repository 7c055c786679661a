/**
 * Goal: an operator with nothing but the command line sees and moves a running cluster, and disturbs no election (USERS 22).
 * Method: three real processes, with a secret and with certificates; the commands as they are typed, their exit codes.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createElection, type ElectionOptions, memory } from 'conclave'
import { tcp } from 'conclave/tcp'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { call } from '../cli/memory-terminal'
import { Authority } from '../transports/certificates'
import { Cluster, type ClusterOptions, freePorts } from './cluster'

const SECRET = 'a secret of the tests, long enough'
const dir = mkdtempSync(join(tmpdir(), 'conclave-operator-'))
const closing: (() => unknown)[] = []

afterAll(() => rmSync(dir, { recursive: true, force: true }))
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

function file(name: string, text: string): string {
  const path = join(dir, name)
  writeFileSync(path, text)
  return path
}

const members = (addresses: Readonly<Record<string, string>>): string =>
  Object.entries(addresses)
    .map(([id, address]) => `${id}=${address}`)
    .join(',')

/** Three processes with a secret, and the options that reach them. */
async function three(settings: ClusterOptions['settings'] = {}): Promise<{ c: Cluster; where: string }> {
  const c = new Cluster({ size: 3, timing: { preset: 'fast', promiseMs: 2_000 }, settings })
  closing.push(() => {
    try {
      expect(c.violations()).toEqual([])
    } finally {
      c.stop()
    }
  })
  await c.start()
  await c.reignNumber(1)
  const where = `--cluster real --members ${members(c.addresses)} --secret-file ${file('secret', SECRET)}`
  return { c, where }
}

describe('three real processes and a secret', () => {
  it('status, transfer, resign, pause, resume and history do what they say', async () => {
    const { c, where } = await three()
    const first = c.leader as string
    const status = await call(`status ${where}`)
    expect([status.complaints, status.code]).toEqual([[], 0])
    expect(status.text).toContain('cluster real: 3 of 3 members answered')
    expect(status.text).toMatch(new RegExp(`^job +${first} +\\d+ +[\\d,]+ ms  no$`, 'm'))
    expect(status.text, 'no control codes in a pipe').toMatch(/^[ -~\n]*$/)

    const other = c.ids.find((id) => id !== first) as string
    // on a busy machine the one that is named may lose to another, which the sentence and the exit code then say
    for (let tries = 0; c.leader !== other; tries++) {
      expect(tries, 'it takes over in the end').toBeLessThan(5)
      const { text, code } = await call(`transfer ${where} --to ${other}`)
      expect(text).toMatch(/^[abc] gave "job" up \(term \d+\); .*[abc] leads in term/)
      expect([code, text]).toEqual([text.includes(`; ${other} leads`) ? 0 : 1, text])
      await sleep(300)
    }
    expect((await call(`transfer ${where} --to ${other}`)).complaints.join()).toContain('already')
    expect((await call(`transfer ${where} --to nobody`)).code).toBe(1)
    const third = c.ids.find((id) => id !== first && id !== other) as string
    c.signal(third, 'SIGSTOP')
    const refused = await call(`transfer ${where} --to ${third} --timeout-ms 1000`)
    c.signal(third, 'SIGCONT')
    expect([refused.code, refused.complaints.join()]).toEqual([
      1,
      expect.stringMatching(/cannot take "job" over: it does not answer: .*; nothing was given up/),
    ])
    expect(c.leader, 'nothing was given up').toBe(other)

    const resign = await call(`resign ${where} --json`)
    expect(JSON.parse(resign.text)).toMatchObject({
      election: 'job',
      from: other,
      released: true,
      failure: null,
    })
    expect(resign.code).toBe(0)

    const pause = await call(`pause ${where} --leader stepsDown`)
    expect([pause.text, pause.code]).toEqual([expect.stringContaining('"job" is paused'), 0])
    await c.until(() => c.leader === null, 10_000, 'the leader steps down')
    const paused = await call(`status ${where} --election job`)
    expect(paused.code).toBe(1)
    expect(paused.text).toContain('leader steps down')
    expect(paused.text).toContain('nobody is elected before it is resumed')
    const resume = await call(`resume ${where}`)
    expect([resume.text, resume.code]).toEqual([expect.stringContaining('"job" is resumed'), 0])
    await c.until(() => c.leader !== null, 20_000, 'somebody leads again')

    const history = await call(`history ${where}`)
    for (const reason of ['transferred', 'resigned', 'paused', 'leads'])
      expect(history.text).toContain(reason)
    const { elections } = JSON.parse((await call(`status ${where} --json`)).text)
    expect(elections).toMatchObject([{ name: 'job', leader: c.leader, paused: null }])
    const states = await Promise.all(c.ids.map((id) => c.status(id)))
    for (const state of states) {
      const { members } = (state as { process: { members: { id: string }[] } }).process
      expect(
        members.map(({ id }) => id),
        'operators are no members',
      ).toEqual(['a', 'b', 'c'])
    }
  })

  it('watch in a pipe tells of a member that is killed, and of who leads then; Ctrl-C ends it', async () => {
    const { c, where } = await three()
    const args = `watch ${where} --every-ms 100 --timeout-ms 1000`.split(' ')
    const child = spawn(process.execPath, [c.fileFor('conclave.mjs'), ...args])
    closing.push(() => child.kill('SIGKILL'))
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    const first = c.leader as string
    await c.until(() => text.includes(`job: ${first} leads in term`), 30_000, 'watch shows the leader')
    c.signal(first, 'SIGKILL')
    await c.until(() => new RegExp(`${first}: unreachable`).test(text), 30_000, 'watch shows who is gone')
    await c.reignNumber(2)
    const second = c.leader as string
    await c.until(() => text.includes(`job: ${second} leads in term`), 30_000, 'watch shows who leads then')
    const status = await call(`status ${where}`)
    expect(status.code, 'two of three answer and one of them leads').toBe(0)
    expect(status.text).toMatch(new RegExp(`^${first} .* unreachable`, 'm'))
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve([code, signal])))
    child.kill('SIGINT')
    expect(await ended).toEqual([0, null])
    expect(text, 'no control codes').toMatch(/^[ -~\n]*$/)
  })

  it('another secret is refused, counted at the members, and a sentence; a member that is frozen hangs nothing', async () => {
    const { c, where } = await three()
    const wrong = where.replace(
      /--secret-file \S+/,
      `--secret-file ${file('wrong', 'another secret, long enough')}`,
    )
    for (const command of ['status', 'history', 'resign', 'pause', 'resume']) {
      const { code, text, complaints } = await call(`${command} ${wrong}`)
      expect([command, code]).toEqual([command, 1])
      expect([text, ...complaints].join()).toContain('does not accept the secret (unauthenticated)')
    }
    const refused = (await c.status('a')) as { process: { counters: { refused: Record<string, number> } } }
    expect(refused.process.counters.refused['unauthenticated']).toBeGreaterThanOrEqual(5)
    const frozen = c.ids.find((id) => id !== c.leader) as string
    c.signal(frozen, 'SIGSTOP')
    const began = performance.now()
    const status = await call(`status ${where} --timeout-ms 500`)
    c.signal(frozen, 'SIGCONT')
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(status.text).toContain('no answer within 500 ms')
  })

  it("operators: 'read' answers and obeys nobody, 'none' lets nobody in", async () => {
    const { c, where } = await three({ operators: 'read' })
    const before = c.reigns.length
    expect((await call(`status ${where}`)).code).toBe(0)
    for (const command of ['resign', 'pause', 'resume']) {
      const { code, complaints } = await call(`${command} ${where}`)
      expect([code, complaints.join()]).toEqual([1, expect.stringContaining('permissionDenied')])
    }
    expect(c.reigns.length).toBe(before)
    c.stop()
    const { where: closed } = await three({ operators: 'none' })
    const status = await call(`status ${closed}`)
    expect(status.code).toBe(1)
    expect(status.text).toContain('lets no operators in')
  })

  it('a worker thread takes commands as well', async () => {
    const { c, where } = await three({ worker: true })
    const first = c.leader as string
    const resign = await call(`resign ${where}`)
    expect(resign.text).toMatch(new RegExp(`^${first} gave "job" up`))
    expect((await call(`pause ${where}`)).code).toBe(0)
    expect((await call(`resume ${where}`)).code).toBe(0)
  })
})

describe('three elections and certificates', () => {
  it('E2: an operator with a certificate of the authority commands; one of another authority does not', async () => {
    const authority = new Authority()
    const stranger = new Authority('another one')
    closing.push(
      () => authority.close(),
      () => stranger.close(),
    )
    const ports = await freePorts(3)
    const voters = Object.fromEntries(['a', 'b', 'c'].map((id, at) => [id, `127.0.0.1:${ports[at]}`]))
    const elections = Object.keys(voters).map((id) => {
      const tls = authority.issue(id, `URI:conclave://tls/${id}`)
      const options: ElectionOptions = {
        ...{ cluster: 'tls', name: 'job', id, voters, storage: memory() },
        ...{ transport: tcp({ tls }), timing: { promiseMs: 5_000 } },
      }
      return createElection(options)
    })
    closing.push(() => Promise.all(elections.map((election) => election.stop())))
    await Promise.all(elections.map((election) => election.start()))
    await Promise.all(elections.map((election) => election.waitForLeader({ timeoutMs: 60_000 })))
    await sleep(500)
    const optionsOf = (name: string, { ca, cert, key }: { ca: string; cert: string; key: string }): string =>
      `--cluster tls --members ${members(voters)} --tls-ca ${file(`${name}.ca`, ca)} --tls-cert ${file(`${name}.cert`, cert)} --tls-key ${file(`${name}.key`, key)}`
    const own = optionsOf('deputy', authority.issue('deputy', null))
    const status = await call(`status ${own} --timeout-ms 10000`)
    expect([status.code, status.text]).toEqual([0, expect.stringContaining('3 of 3 members answered')])
    const resign = await call(`resign ${own}`)
    expect([resign.complaints, resign.text]).toEqual([[], expect.stringContaining('gave "job" up')])
    const forged = optionsOf('forged', stranger.issue('a', 'URI:conclave://tls/a'))
    expect((await call(`status ${forged}`)).code).toBe(1)
    expect((await call(`pause ${forged}`)).complaints.join()).toContain('no member answered')
  })
})

describe('wrong calls', () => {
  it.each([
    ['status', '--cluster is missing'],
    ['status --cluster x', '--members is missing'],
    ['status --cluster x --members a', '--members takes id=host:port'],
    ['status --cluster x --members a=10.0.0.1:7400', 'nothing proves who answers'],
    ['status --cluster x --members a=127.0.0.1:1 --secret hunter2', "Unknown option '--secret'"],
    ['transfer --cluster x --members a=127.0.0.1:1', '--to is missing'],
    ['pause --cluster x --members a=127.0.0.1:1 --leader explodes', '--leader takes one of stays, stepsDown'],
    ['watch --cluster x --members a=127.0.0.1:1 --every-ms 1', '--every-ms takes a whole number'],
  ])('%s is exit code 2 and a sentence', async (line, sentence) => {
    const { code, complaints, text } = await call(line)
    expect([code, text]).toEqual([2, ''])
    expect(complaints.join('\n')).toContain(sentence)
  })
})
