/** Goal: the undisturbed life of a cluster on the bare core. Method: the Lab, with everything delivered at once. */
import { describe, expect, it } from 'vitest'
import { Lab } from './lab'

describe('an undisturbed election', () => {
  for (const size of [1, 2, 3, 4, 5, 7]) {
    it(`elects one leader of ${size} and keeps it`, () => {
      const lab = new Lab('abcdefg'.slice(0, size).split(''))
      const leader = lab.settle()
      lab.run(20_000)
      expect(lab.leader()).toBe(leader)
      expect(lab.history).toHaveLength(1)
      for (const id of lab.ids) expect(lab.election(id).leader).toBe(leader)
    })
  }

  it('elects another one when the leader dies', () => {
    const lab = new Lab(['a', 'b', 'c'])
    const first = lab.settle()
    lab.crash(first)
    lab.run(5_000, () => lab.leader() !== null)
    expect(lab.leader()).not.toBe(first)
    expect(lab.history).toHaveLength(2)
    expect(lab.history[1]?.term).toBe(2)
  })

  it('hands over on request within a few messages', () => {
    const lab = new Lab(['a', 'b', 'c'])
    const first = lab.settle()
    const to = lab.ids.find((id) => id !== first) as string
    const at = lab.at
    lab.act(first, { type: 'renounce', election: 'e', reason: 'transferred', to, cooldownMs: 100 })
    lab.run(1_000, () => lab.leader() !== null)
    expect(lab.leader()).toBe(to)
    expect(lab.at - at).toBeLessThan(1)
  })
})
