/**
 * Goal: `conclave simulate` says what it found and ends with the code that a build reads. Method: the command in this process,
 * with a terminal that remembers.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UsageError } from '../../src/cli/command'
import { readPlan } from '../../src/cli/plan-file'
import { COMMANDS } from '../../src/cli/run'
import { parseSimulate } from '../../src/cli/simulate-options'
import { add, addRun, emptyTally, report } from '../../src/cli/tally'
import { systemTerminal } from '../../src/cli/terminal'
import { type Plan, planFor, runSeed } from '../../src/simulation'
import { call } from './memory-terminal'

const home = process.cwd()
let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'conclave-cli-'))
  process.chdir(dir)
})
afterAll(() => {
  process.chdir(home)
  rmSync(dir, { recursive: true, force: true })
})

/** Of two processes one loses its disk: nobody can ever be elected again, and P9 breaks. */
function hopeless(): Plan {
  const { setup, ...plan } = planFor(40, 'partitions', 6000)
  const rates = { a: 1, b: 1 }
  const steps = [
    { at: 1000, action: { do: 'campaign', node: 'a', election: 'jobs' } as const },
    { at: 4000, action: { do: 'diskLosesLastWrite', node: 'b' } as const },
    { at: 4500, action: { do: 'crash', node: 'b', fin: true, downMs: null } as const },
  ]
  const nodes = ['a', 'b']
  return {
    ...plan,
    steps,
    setup: { ...setup, nodes, contenders: nodes, elections: ['jobs'], rates, timingOf: {} },
  }
}

describe('the command line', () => {
  it.each([
    ['', 'Which command?'],
    ['fly', 'There is no command "fly".'],
    ['constructor', 'There is no command "constructor".'],
    ['simulate --speed 3', "Unknown option '--speed'."],
    ['simulate now', "Unexpected argument 'now'."],
    ['simulate --seeds', "Option '--seeds <value>' argument missing."],
    ['simulate --seeds 0', '--seeds takes a whole number from 1 to 4294967296, not "0".'],
    ['simulate --seed 1.5', '--seed takes a whole number from 0 to 4294967295, not "1.5".'],
    ['simulate --minutes -1', '--minutes'],
    ['simulate --minutes soon', '--minutes takes a number that is not negative, not "soon".'],
    ['simulate --workers 0', '--workers takes a whole number from 1 to 256, not "0".'],
    ['simulate --profile sunny', '--profile takes one of lan, wan,'],
    ['simulate --plan none.json', 'no such file'],
    ['simulate --plan x --seed 3', '--plan says everything about a run'],
    ['simulate --from 3', '--from and --to say what a picture shows'],
    ['simulate --svg x --from 3 --to 2', '3 is not before 2'],
    ['simulate --seed 1 --profile calm --svg no/such/folder.svg', 'cannot write the picture'],
  ])('exit code 2 and a sentence for "%s"', async (line, sentence) => {
    const { code, complaints } = await call(line)
    expect(code).toBe(2)
    expect(complaints.join('\n')).toContain(sentence)
  })

  it('helps: each command is listed, each option named', async () => {
    const { code, text } = await call('--help')
    expect(code).toBe(0)
    for (const name of Object.keys(COMMANDS)) expect(text).toContain(name)
    const help = await call('simulate --help')
    expect(help.code).toBe(0)
    for (const option of 'seeds seed minutes profile workers plan trace html svg from to'.split(' ')) {
      expect(help.text).toContain(`--${option} `)
    }
    expect((await call('help simulate')).text, 'the other way round, too').toBe(help.text)
    expect((await call('help fly')).code).toBe(2)
    const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string }
    expect((await call('--version')).text).toBe(version)
  })

  it('reads its options', () => {
    expect(parseSimulate(['--seeds', '3', '--minutes', '0.5', '--profile', 'wan', '--trace'])).toMatchObject({
      ...{ seeds: 3, seed: null, minutes: 0.5, profile: 'wan', workers: null, plan: null, trace: true },
      ...{ html: null, svg: null, from: null, to: null, worker: false },
    })
    expect(() => parseSimulate(['--seeds', ' '])).toThrow(UsageError)
  })
})

describe('conclave simulate', () => {
  it('runs seeds and prints the table; no colours and no control codes', async () => {
    const { code, text } = await call('simulate --seeds 4 --seed 20 --profile calm --workers 1')
    expect(code).toBe(0)
    for (const row of [
      'runs  ',
      'simulated time',
      'simulated years per core-hour',
      'elections',
      'leases',
      'faults by kind',
      'VIOLATIONS',
    ]) {
      expect(text).toContain(row)
    }
    expect(text).toMatch(/^ {2}runs +4$/m)
    expect(text).toMatch(/^ {2}VIOLATIONS +0$/m)
    expect(text).toContain('seeds 20 to 23')
    expect(text.replaceAll('\n', '')).toMatch(/^[ -~]*$/)
  })

  it('prints the seed that it drew, when none was given', async () => {
    const { text } = await call('simulate --seeds 2 --profile calm')
    expect(text).toMatch(/^seeds from \d+, profile calm/)
  })

  it('prints the trace of one seed', async () => {
    const { code, text } = await call('simulate --seed 8 --profile calm --trace')
    expect(code).toBe(0)
    expect(text).toContain(runSeed(8, { profile: 'calm', trace: {} }).trace?.trimEnd())
  })

  it('draws one seed', async () => {
    const { code, text } = await call(
      'simulate --seed 8 --profile calm --html a.html --svg a.svg --from 100 --to 900',
    )
    expect(code).toBe(0)
    expect(text).toContain('drawn: a.svg\ndrawn: a.html')
    expect(readFileSync('a.html', 'utf8')).toMatch(/^<!doctype html>/)
    expect(readFileSync('a.svg', 'utf8')).toContain('--seed 8 --profile calm --svg a.svg --from 100 --to 900')
  })

  it('a violation: exit code 1, the seed, the smallest plan, a command that replays it, a picture', async () => {
    writeFileSync('bad.json', JSON.stringify(hopeless()))
    const { code, text } = await call('simulate --plan bad.json --svg bad.svg')
    expect(code).toBe(1)
    expect(text).toContain('VIOLATION of P9 liveness, seed 40: no lease')
    expect(text).toContain('replay: npx conclave simulate --plan bad.json --trace')
    expect(text).toContain('smallest plan found, 3 -> 2 steps')
    expect(text).toMatch(/4000\.000 ms {2}\{"do":"diskLosesLastWrite","node":"b"\}/)
    expect(readFileSync('bad.svg', 'utf8')).toContain('P9 liveness')
    const kept = 'conclave-seed-40.plan.json'
    expect(text).toContain(`that plan is kept in ${kept}`)
    expect(readPlan(kept).steps).toHaveLength(2)
    const again = await call(`simulate --plan ${kept}`)
    expect(again.code).toBe(1)
    expect(again.text).toContain('VIOLATION of P9 liveness, seed 40')
  })

  it.each([
    ['[]', 'it is no object'],
    ['{', 'is not JSON'],
    ['{"seed":1}', 'its `profile`'],
    ['{"seed":1,"profile":"lan","safetyMs":5}', 'no `setup`'],
    ['{"seed":1,"profile":"lan","safetyMs":5,"setup":{"nodes":[]}}', 'no names in `nodes`'],
    [
      '{"seed":1,"profile":"lan","safetyMs":5,"setup":{"nodes":["a"],"elections":["e"],"timing":{},"rates":{}},"steps":[{}]}',
      'step 1',
    ],
  ])('refuses the plan %s', async (plan, why) => {
    writeFileSync('wrong.json', plan)
    const { code, complaints } = await call('simulate --plan wrong.json')
    expect(code).toBe(2)
    expect(complaints.join()).toContain(why)
  })
})

describe('the table', () => {
  it('adds runs and the sums of others', () => {
    const one = emptyTally()
    addRun(one, runSeed(3, { profile: 'calm', safetyMs: 5000 }))
    const both = emptyTally()
    add(both, one)
    add(both, one)
    expect(both.runs).toBe(2)
    expect(both.events).toBe(2 * one.events)
    expect(both.profiles).toEqual({ calm: 2 })
    expect(both.worstRecoveryMs).toBe(one.worstRecoveryMs)
    expect(report({ ...both, simulatedMs: 365.25 * 24 * 3.6e6, cpuSeconds: 7200 }, 0, 1)).toMatch(
      /core-hour +0\.500\n/,
    )
  })
})

describe('a terminal', () => {
  const write = (isTTY: boolean) => {
    let out = ''
    const stream = {
      isTTY,
      columns: 40,
      write: (text: string) => {
        out += text
        return true
      },
    }
    const terminal = systemTerminal({ stdout: stream, stderr: stream } as unknown as NodeJS.Process)
    terminal.progress('x'.repeat(60))
    terminal.print('done')
    return out
  }

  it('redraws one line of progress, no longer than itself, and clears it before the next result', () => {
    expect(write(true)).toBe(`\r\u001b[K${'x'.repeat(39)}\r\u001b[Kdone\n`)
  })

  it('elsewhere writes whole lines', () => {
    expect(write(false)).toBe(`${'x'.repeat(60)}\ndone\n`)
  })
})
