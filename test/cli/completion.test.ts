/**
 * Goal: shells complete what the commands take, all of it and nothing else. Method: the printed scripts in a real bash, zsh and
 * fish, asked for every command and every option of the table of commands, so that none goes stale.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/cli/run'
import { requireServers } from '../servers/require'
import { call } from './memory-terminal'
import { bashIn, fishIn, zshIn } from './shells'

const SHELLS = { bash: bashIn, zsh: zshIn, fish: fishIn } as const
const dir = mkdtempSync(join(tmpdir(), 'conclave-shells-'))

afterAll(() => rmSync(dir, { recursive: true, force: true }))

const sorted = (words: readonly string[]): string[] => [...new Set(words)].sort()

describe.each(Object.keys(SHELLS) as (keyof typeof SHELLS)[])('%s', (shell) => {
  const isHere = requireServers(`completion in ${shell}`, shell)
  const offeredBy = async (line: string): Promise<string[]> =>
    sorted(SHELLS[shell](dir, (await call(`completion ${shell}`)).text)(line))

  it.runIf(isHere)('completes the commands', async () => {
    const offered = (await offeredBy('conclave ')).filter((word) => word !== '--help')
    expect(offered).toEqual(sorted(Object.keys(COMMANDS)))
    expect(await offeredBy('conclave wit')).toEqual(['witness'])
  })

  it.runIf(isHere).each(Object.entries(COMMANDS))('completes what %s takes', async (name, command) => {
    const { flags, words, takesProgram = false } = command
    const options = [...Object.keys(flags).map((flag) => `--${flag}`), '--help']
    const offered = await offeredBy(`conclave ${name} --`)
    expect(offered.filter((word) => word !== '--')).toEqual(sorted(options))
    if (words !== undefined) {
      const first = await offeredBy(`conclave ${name} `)
      expect(first.filter((word) => !word.startsWith('--'))).toEqual(sorted(words))
    }
    for (const [flag, { choices }] of Object.entries(flags)) {
      if (choices === undefined) continue
      expect(await offeredBy(`conclave ${name} --${flag} `), `--${flag}`).toEqual(sorted(choices))
    }
    if (takesProgram) {
      expect(await offeredBy(`conclave ${name} -- /bin/cat`)).toContain(shell === 'zsh' ? 'cat' : '/bin/cat')
    }
  })

  it.runIf(isHere)('completes files where files are meant', async () => {
    writeFileSync(join(dir, 'a-secret.txt'), '')
    expect(await offeredBy('conclave witness --secret-file a-sec')).toEqual(['a-secret.txt'])
    expect(await offeredBy('conclave run -- cat a-sec')).toEqual(['a-secret.txt'])
    expect(await offeredBy('conclave witness --timing r')).toEqual(['relaxed'])
  })
})

describe('all three', () => {
  it('say what each command and option is for, where the shell shows it', async () => {
    for (const shell of ['zsh', 'fish']) {
      const { text } = await call(`completion ${shell}`)
      for (const { summary } of Object.values(COMMANDS)) expect(text).toContain(summary.slice(0, 20))
    }
  })
})

it.each(['completion', 'completion tcsh', 'completion bash zsh'])('%s: exit code 2', async (line) => {
  const { code, complaints } = await call(line)
  expect(complaints.length).toBeGreaterThan(0)
  expect(code).toBe(2)
})
