/**
 * Goal: shells complete what the commands take, all of it and nothing else. Method: the script for bash in a real bash; each
 * script against the table of commands, so that none goes stale.
 */
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/cli/run'
import { call } from './memory-terminal'

const { text: script } = await call('completion bash')

/** What bash offers for the last word of that line. */
function offered(line: string): string[] {
  const words = line.split(' ')
  const ask = [
    script,
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})`,
    `COMP_CWORD=${words.length - 1}`,
    '_conclave',
    `printf "%s\\n" "\${COMPREPLY[@]}"`,
  ]
  const output = execFileSync('bash', ['--norc', '-c', ask.join('\n')], { encoding: 'utf8' })
  return output.split('\n').filter(Boolean)
}

describe('bash', () => {
  it('completes the commands', () => {
    expect(offered('conclave ').sort()).toEqual(['--help', ...Object.keys(COMMANDS)].sort())
    expect(offered('conclave wit')).toEqual(['witness'])
  })

  it.each(Object.entries(COMMANDS))('completes what %s takes', (name, { flags, words = [] }) => {
    const options = [...Object.keys(flags).map((flag) => `--${flag}`), '--help', ...words]
    expect(offered(`conclave ${name} `).sort()).toEqual(options.sort())
    for (const [flag, { value, choices, isPath }] of Object.entries(flags)) {
      if (value === undefined || isPath) continue
      expect(offered(`conclave ${name} --${flag} `), `--${flag}`).toEqual(choices ?? [])
    }
  })

  it('completes files where files are meant', () => {
    expect(offered('conclave witness --secret-file package')).toContain('package.json')
    expect(offered('conclave witness --timing r')).toEqual(['relaxed'])
  })
})

describe.each([
  ['zsh', (name: string) => `--${name}[`],
  ['fish', (name: string) => ` -l ${name}`],
])('%s', (shell, form) => {
  it('names each command, option and value', async () => {
    const { text } = await call(`completion ${shell}`)
    for (const [name, { flags, summary }] of Object.entries(COMMANDS)) {
      const lines = text.split('\n').filter((line) => line.includes(name))
      expect(lines.join('\n')).toContain(summary.slice(0, 20))
      for (const [flag, { choices = [] }] of Object.entries(flags)) {
        const line = lines.find((one) => one.includes(form(flag)))
        expect(line, `${name} --${flag}`).toBeDefined()
        expect(line).toContain(choices.join(' '))
      }
    }
  })
})

it.each(['completion', 'completion tcsh', 'completion bash zsh'])('%s: exit code 2', async (line) => {
  const { code, complaints } = await call(line)
  expect(complaints.length).toBeGreaterThan(0)
  expect(code).toBe(2)
})
