/**
 * Goal: the program works as a program: worker processes, exit codes, nothing but lines when nobody looks. Method: started
 * from the sources, with its output piped.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

function conclave(line: string) {
  const args = ['--import', 'tsx', 'src/cli/main.ts', ...line.split(' ')]
  return spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 100_000 })
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

  it('a wrong call is exit code 2 and a sentence on the other stream', () => {
    const { status, stdout, stderr } = conclave('simulate --seeds many')
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain('--seeds takes a number')
  })
})
