/**
 * Goal: the protocol as it is seen on the wire does not change unnoticed. Method: each scenario is run on the shipping core
 * and driver in virtual time, and its transcript compared with the one in `transcripts/`.
 */
import { describe, expect, it } from 'vitest'
import { SCENARIOS } from './scenarios'
import { transcribe } from './script'

describe('golden transcripts', () => {
  it.each(SCENARIOS)('$name', async ({ name, script }) => {
    await expect(transcribe(script)).toMatchFileSnapshot(`transcripts/${name}.txt`)
  })

  it('a script runs the same way twice', () => {
    for (const { script } of SCENARIOS) expect(transcribe(script)).toBe(transcribe(script))
  })

  it('a command that does not exist is a mistake of the script', () => {
    expect(() => transcribe('nodes a\nreboot a')).toThrow('no command reboot')
  })

  it('a violation stops a transcript', () => {
    // A win without a lease, reported by hand: nothing that the core would do.
    expect(() => transcribe('nodes a b\nstart\nforge a')).toThrow(
      'a won term 1 of jobs without a valid lease',
    )
  })
})
