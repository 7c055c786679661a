/**
 * Goal: the program works as a program: worker processes, exit codes, nothing but lines when nobody looks. Method: started
 * from the sources, with its output piped.
 */
import { type StdioOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { freePort } from '../transports/node'

const root = fileURLToPath(new URL('../..', import.meta.url))

function conclave(line: string) {
  const args = ['--import', 'tsx', 'src/cli/main.ts', ...line.split(' ')]
  return spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 100_000 })
}

/** Started, with its output going there; what it complains of and how it ends. */
function started(line: string, output: 'pipe' | 'ignore' | number) {
  const args = ['--import', 'tsx', 'src/cli/main.ts', ...line.split(' ')]
  const stdio: StdioOptions = ['ignore', output, 'pipe']
  const child = spawn(process.execPath, args, { cwd: root, stdio })
  let complaints = ''
  child.stderr?.on('data', (chunk) => {
    complaints += String(chunk)
  })
  const ended = new Promise<{ code: number | null; complaints: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, complaints: complaints.replace(/^npm .*$/gm, '').trim() }))
  })
  return { child, ended }
}

describe('the program', () => {
  it('shares the seeds among worker processes and adds up what they found', () => {
    const { status, stdout, stderr } = conclave('simulate --seeds 50 --seed 1 --profile calm --workers 2')
    expect(stderr.replace(/^npm .*$/gm, '').trim()).toBe('')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^ {2}runs +50$/m)
    expect(stdout).toContain('seeds 1 to 50')
    expect(stdout.replaceAll('\n', '')).toMatch(/^[ -~]*$/)
  })

  it('ends in time with --minutes, and prints the table', () => {
    const began = Date.now()
    const { status, stdout } = conclave('simulate --minutes 0.03 --seed 9 --profile calm --workers 2')
    expect(status).toBe(0)
    expect(stdout).toMatch(/VIOLATIONS +0$/m)
    expect(Date.now() - began).toBeLessThan(60_000)
  })

  it('a worker that is killed ends the run and the other workers, and says in which seeds it was', async () => {
    const { child, ended } = started('simulate --minutes 30 --seed 1 --profile calm --workers 2', 'ignore')
    const workers = (): number[] =>
      spawnSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
        .stdout.split('\n')
        .map((row) => row.trim().split(/\s+/))
        .filter(([, parent, ...args]) => Number(parent) === child.pid && args.includes('--worker'))
        .map(([pid]) => Number(pid))
    await expect.poll(() => workers().length, { timeout: 60_000 }).toBe(2)
    process.kill(workers()[0] as number, 'SIGKILL')
    const { code, complaints } = await ended
    expect(code).toBe(70)
    expect(complaints).toMatch(/a worker died with a signal in the seeds \d+ to \d+/)
  })

  it('a wrong call is exit code 2 and a sentence on the other stream', () => {
    const { status, stdout, stderr } = conclave('simulate --seeds many')
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain('--seeds takes a number')
  })
})

describe('a reader that has gone', () => {
  it.each([
    ['--help', 0],
    ['completion bash', 0],
    ['doctor --seconds 0.2', 0],
    ['status --cluster k --members a=127.0.0.1:9,b=127.0.0.1:9 --timeout-ms 100', 1],
    // far longer than the test may take: it ends because nobody reads what it finds
    ['simulate --minutes 30 --seed 1 --profile calm --workers 1', 0],
  ])('conclave %s | true ends with its own exit code, and without a stack trace', async (line, code) => {
    const { child, ended } = started(line, 'pipe')
    child.stdout?.destroy()
    expect(await ended).toEqual({ code, complaints: '' })
  })

  it('conclave watch | head -1 ends by itself, also when a look shows more than one change', async () => {
    const members = Array.from({ length: 5 }, (_, n) => `m${n}=127.0.0.1:9`).join(',')
    const { child, ended } = started(`watch --cluster k --members ${members} --timeout-ms 100`, 'pipe')
    child.stdout?.destroy()
    expect(await ended).toEqual({ code: 0, complaints: '' })
  })

  it('a witness goes on voting without a reader of its log, and stops in order', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'conclave-witness-'))
    const members = ['a', 'b', 'w'].map(async (id) => `${id}=127.0.0.1:${await freePort()}`)
    const line = `witness --cluster k --id w --members ${(await Promise.all(members)).join(',')} --data-dir ${dir}`
    const { child, ended } = started(`${line} --json`, 'pipe')
    // it has said that it is ready, and then that it knows of a stop
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    child.stdout?.destroy()
    child.kill('SIGTERM')
    expect(await ended).toEqual({ code: 0, complaints: '' })
    rmSync(dir, { recursive: true })
  })

  it('output that cannot be written for another reason is a failure, told once', async () => {
    const full = openSync('/dev/full', 'w')
    const { code, complaints } = await started('--help', full).ended
    closeSync(full)
    expect(code).toBe(74)
    expect(complaints).toMatch(/^conclave: the output cannot be written: ENOSPC.*$/)
  })
})

describe('conclave run', () => {
  it('a command that the system refuses by a throw cannot be started, as one that it refuses later', () => {
    const args = ['--import', 'tsx', 'src/cli/main.ts', 'run', '--', '']
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
    expect(status).toBe(126)
    expect(stderr).toMatch(/^conclave run: cannot start : .*cannot be empty.*$/m)
    expect(stderr).not.toContain('    at ')
  })

  /** Started by a parent that forked it, as a process manager does; what the command said to that one. */
  async function forked(...command: string[]) {
    const args = ['--import', 'tsx', 'src/cli/main.ts', 'run', '--', ...command]
    const began = Date.now()
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    const said: unknown[] = []
    child.on('message', (message) => void said.push(message))
    const [code] = await once(child, 'close')
    return { code: code as number | null, said, tookMs: Date.now() - began }
  }

  it('ends with its command, although a child of that lives on and holds what it inherited', async () => {
    const { code, tookMs } = await forked('sh', '-c', 'sleep 30 & exit 3')
    expect(code).toBe(3)
    expect(tookMs).toBeLessThan(25_000)
  })

  it('passes on what its command says before it ends, to the last word', async () => {
    const { code, said } = await forked(
      process.execPath,
      '-e',
      'for (let n = 0; n < 200; n++) process.send(n); process.exitCode = 5',
    )
    expect([code, said.length, said.at(-1)]).toEqual([5, 200, 199])
  })
})
