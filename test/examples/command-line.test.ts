/**
 * Goal: the page on the command line shows what is printed. Method: every line of its console blocks that begins with `$` is run
 * in a shell, in the order of the page, against three members; `...` are the options of the first one. What is printed there is
 * compared with what comes, apart from times, ports, terms, and which of the members it is.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createElector, type Elector } from 'conclave'
import { tcp } from 'conclave/tcp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleMember, freePorts } from '../real/cluster'
import { read, root } from '../tidy/tree'

const SECRET = 'a secret of the tests, long enough'
const IDS = ['a', 'b', 'c']
const ELECTIONS = ['job', 'mail']

/** Commands of the page with what they print, by block. */
const blocks = [...read('examples/command-line.md').matchAll(/```console\n([\s\S]*?)```/g)].map(
  ([, text = '']) =>
    text
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [command = '', ...printed] = part.trimEnd().split('\n')
        return { command, printed: printed.join('\n') }
      }),
)

let dir = ''
let electors: Elector[] = []
let options = ''

beforeAll(async () => {
  mkdirSync(join(root, '.tmp'), { recursive: true })
  dir = mkdtempSync(join(root, '.tmp/command-line-'))
  await bundleMember(join(dir, 'member.mjs'))
  const program = `shift; exec ${process.execPath} ${join(dir, 'conclave.mjs')} "$@"`
  mkdirSync(join(dir, 'bin'))
  writeFileSync(join(dir, 'bin/npx'), `#!/bin/sh\n${program}\n`, { mode: 0o755 })
  const ports = await freePorts(3)
  const voters = Object.fromEntries(IDS.map((id, at) => [id, `127.0.0.1:${ports[at]}`]))
  options = `--cluster orders --members ${IDS.map((id) => `${id}=${voters[id]}`).join(',')}`
  electors = IDS.map((id) =>
    createElector({
      ...{ cluster: 'orders', id, voters, dataDir: join(dir, id) },
      ...{ transport: tcp({ secret: SECRET }), timing: { promiseMs: 5_000 } },
    }),
  )
  for (const elector of electors) for (const name of ELECTIONS) elector.election(name)
  await Promise.all(electors.map((elector) => elector.start()))
  await allAreLed()
})
afterAll(async () => {
  await Promise.all(electors.map((elector) => elector.stop()))
  rmSync(dir, { recursive: true, force: true })
})

const allAreLed = () =>
  Promise.all(
    electors.flatMap((elector) =>
      ELECTIONS.map((name) => elector.election(name).waitForLeader({ timeoutMs: 50_000 })),
    ),
  )

/** All that a shell prints of that line. */
function printedBy(line: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', `exec 2>&1; ${line}`], {
      env: { ...process.env, CONCLAVE_SECRET: SECRET, PATH: `${join(dir, 'bin')}:${process.env['PATH']}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    child.once('close', () => resolve(text.trimEnd()))
  })
}

/** The same text, whatever the time, the machine and the leader are. */
function shapeOf(text: string): string {
  return text
    .replace(/127\.0\.0\.1:\d+/g, 'ADDRESS')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z/g, 'TIME')
    .replace(/\b[\d,]+(?:\.\d)? ms/g, 'N ms')
    .replace(/\bterm \d+/g, 'term N')
    .replace(/\b[abc](?:, [abc])*(?![\w-])/g, 'ID')
    .replace(/ is resumed \(ID hold the word\); ID leads\.$/gm, ' is resumed (ID hold the word).')
    .replace(/^(job|mail)( +ID)? +\d+ /gm, '$1$2 N ')
    .replace(/ +/g, ' ')
}

async function compare(command: string, printed: string): Promise<void> {
  expect(command).toMatch(/^(CONCLAVE_SECRET=\S+ )?npx conclave /)
  const line = command.replace(/ --cluster orders --members \S+|(?<= \w+) \.\.\./, ` ${options}`)
  expect(line, 'the options are in it').toContain(options)
  const isEndless = line.includes('npx conclave watch ')
  const text = await printedBy(isEndless ? line.replace('npx', 'timeout --signal=INT 8 npx') : line)
  expect(shapeOf(text), command).toBe(shapeOf(printed))
}

describe.runIf(process.platform === 'linux')('the page on the command line', () => {
  const [first = [], commands = [], wrongSecret = [], watch = []] = blocks

  it('every command of an operator', async () => {
    expect(blocks.map((block) => block.length)).toEqual([1, 5, 1, 1])
    for (const { command, printed } of [...first, ...commands]) {
      if (command.includes(' history ')) await allAreLed()
      await compare(command, printed)
    }
  })

  it('another secret, and a member that is gone', async () => {
    for (const { command, printed } of wrongSecret) await compare(command, printed)
    await electors[2]?.stop()
    for (const { command, printed } of watch) await compare(command, printed)
  })
})
