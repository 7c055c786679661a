/**
 * Goal: the page on small clusters works as printed. Method: its shell block in a shell, its programs beside it; the leader is
 * killed with SIGKILL, and the other replica leads with a higher token.
 *
 * `npx` finds the sources of the repository in place of an installed package.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startPostgres } from '../servers/postgres'
import { requireServers } from '../servers/require'
import { read, root } from '../tidy/tree'

const page = read('examples/small-clusters.md')
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text)
const LIMIT = { timeout: 40_000 }

let dir = ''
let running: { readonly child: ChildProcess; readonly text: () => string }[] = []

beforeEach(() => {
  mkdirSync(join(root, '.tmp'), { recursive: true })
  dir = mkdtempSync(join(root, '.tmp/small-'))
  for (const block of blocks('ts')) {
    const name = /^\/\/ (\S+)/.exec(block)?.[1] ?? ''
    writeFileSync(join(dir, name), block)
  }
  mkdirSync(join(dir, 'bin'))
  const program = `case $1 in conclave) shift; set -- ${root}/src/cli/main.ts "$@" ;; tsx) shift ;; esac`
  const shim = `#!/bin/sh\n${program}\nexec ${process.execPath} --import tsx "$@"\n`
  writeFileSync(join(dir, 'bin/npx'), shim, { mode: 0o755 })
})
afterEach(() => {
  for (const { child } of running) {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL')
    } catch {
      // nobody is left of that group
    }
  }
  running = []
  rmSync(dir, { recursive: true, force: true })
})

/** A program in a process group of its own. */
function start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(command, args, {
    cwd: dir,
    env: {
      ...process.env,
      PATH: `${join(dir, 'bin')}:${process.env['PATH']}`,
      TSX_TSCONFIG_PATH: join(root, 'tsconfig.json'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  }
  const started = { child, text: () => text }
  running.push(started)
  return started
}

/** Process that was started in this directory with that variable. */
function pidOf(variable: string): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const found = pids.filter((pid) => {
    try {
      const about = ['environ', 'cmdline'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8'))
      return about[0]?.split('\0').includes(variable) && about[0].includes(dir) && about[1]?.includes('.mts')
    } catch {
      return false // it has ended meanwhile
    }
  })
  expect(found, `processes with ${variable}`).toHaveLength(1)
  return Number(found[0])
}

const tokens = (text: string) =>
  [...text.matchAll(/^(\w) leads with token (\d+)$/gm)].map(
    ([, id = '', token]) => [id, Number(token)] as const,
  )

describe.runIf(process.platform === 'linux')('the page on small clusters', () => {
  it('two replicas and a witness', { timeout: 120_000 }, async () => {
    const { child, text } = start('/bin/sh', ['-c', blocks('sh').join('\n')])
    await expect.poll(text, LIMIT).toMatch(/^\w leads with token \d+$/m)
    await expect.poll(text, LIMIT).toMatch(/^ready: w votes, of a, b, w/m)
    await expect.poll(text, LIMIT).toMatch(/^invoices: \w leads, term \d+$/m)
    const [first] = tokens(text())
    process.kill(pidOf(`REPLICA=${first?.[0]}`), 'SIGKILL')
    await expect.poll(() => tokens(text()).length, LIMIT).toBe(2)
    const [, second] = tokens(text())
    expect(second?.[0]).not.toBe(first?.[0])
    expect(second?.[1]).toBeGreaterThan(first?.[1] ?? 0)
    const ended = new Promise((resolve) => child.once('exit', resolve))
    process.kill(-(child.pid ?? 0), 'SIGTERM')
    await ended
    await expect.poll(text, LIMIT).toMatch(/^stopped$/m)
  })

  const here = requireServers('two replicas and a record in PostgreSQL, as printed', 'postgresql')
  it.runIf(here)('two replicas and a record in a store', { timeout: 120_000 }, async () => {
    const server = await startPostgres()
    try {
      const env = { DATABASE_URL: server.url, CONCLAVE_SECRET: 'a secret of the tests, long enough' }
      const replicas = ['a', 'b'].map((REPLICA) =>
        start(process.execPath, ['--import', 'tsx', 'with-postgres.mts'], { ...env, REPLICA }),
      )
      const told = () => replicas.flatMap(({ text }) => tokens(text()))
      await expect.poll(() => told().length, LIMIT).toBe(1)
      const [first] = told()
      const other = first?.[0] === 'a' ? 1 : 0
      process.kill(pidOf(`REPLICA=${first?.[0]}`), 'SIGKILL')
      await expect.poll(() => told().length, LIMIT).toBe(2)
      const [second] = tokens(replicas[other]?.text() ?? '')
      expect(second?.[1]).toBeGreaterThan(first?.[1] ?? 0)
      const { child } = replicas[other] ?? {}
      const code = new Promise((resolve) => child?.once('exit', resolve))
      child?.kill('SIGTERM')
      expect(await code).toBe(0)
    } finally {
      await server.stop()
    }
  })
})
