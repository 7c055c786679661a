/**
 * Goal: the bugs of the catalogue that concern changing members (rows 12, 13, 20, 56) do not happen here. Method: their
 * schedules by hand over the shipping core; for the last one, all faults together in the simulator.
 */
import { describe, expect, it } from 'vitest'
import { MEMBERS, type ProcessId } from '../../src/core'
import { runSeed } from '../../src/simulation/swarm'
import { has } from '../core/lab'
import { ask, clusterOf, configAt, founded, leaderOf, remove, withVoter } from '../core/members-story'

describe('members that change', () => {
  it('bug 12: a new voter that was cut off before it heard of it votes all the same, and the election works', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
    const old = leaderOf(lab) as ProcessId
    for (const id of ['a', 'b', 'c']) lab.cuts.add(`${id}>d`)
    ask(lab, old, withVoter(lab, old, 'd'))
    lab.run(5000, () => clusterOf(lab, old).voters.length === 4)
    lab.run(200)
    expect(configAt(lab, 'd'), 'it believes that it has no vote').not.toContain('d')
    lab.crash(old)
    lab.cuts.clear()
    lab.run(10_000, () => leaderOf(lab) !== null)
    expect(leaderOf(lab), 'three of four are needed, and d is the third').not.toBeNull()
    expect(lab.node('d').state.isVoter).toBe(true)
  })

  it('bug 13: a leader goes by a hand-over first, and a removed one is silent', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const old = leaderOf(lab) as ProcessId
    const next = lab.ids.find((id) => id !== old) as ProcessId
    lab.act(old, { type: 'renounce', election: MEMBERS, reason: 'transferred', to: next, cooldownMs: 1000 })
    lab.run(5000, () => leaderOf(lab) === next)
    expect(remove(lab, old)).toBeNull()
    lab.run(500)
    const after = lab.sent.length
    lab.run(10_000)
    const said = lab.sent.slice(after).filter(({ from }) => from === old)
    const claims = said
      .flatMap(({ parts }) => parts)
      .filter((part) => part.kind !== 'heartbeat' || !part.probe)
    expect(claims.filter(({ kind }) => kind !== 'configAck' && kind !== 'contend')).toEqual([])
  })

  it('bug 20: a removed member that was cut off meanwhile never stands, and disturbs nobody', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c', 'd'])
    const leader = leaderOf(lab) as ProcessId
    const gone = lab.ids.find((id) => id !== leader) as ProcessId
    lab.contend('e', lab.ids)
    lab.run(5000, () => lab.leader('e') !== null)
    for (const id of lab.ids) {
      lab.cuts.add(`${id}>${gone}`)
      lab.cuts.add(`${gone}>${id}`)
    }
    lab.run(4000, () => lab.leader('e') !== null && lab.leader('e') !== gone)
    expect(remove(lab, gone)).toBeNull()
    lab.run(5000)
    const { term } = lab.election(leader, MEMBERS).lead ?? { term: 0 }
    lab.cuts.clear()
    const after = lab.sent.length
    lab.run(10_000)
    const asked = lab.sent.slice(after).filter((frame) => frame.from === gone && has(frame, 'requestVote'))
    expect(asked).toEqual([])
    expect(lab.election(leader, MEMBERS).lead?.term, 'the leader stays').toBe(term)
    expect(lab.node(gone).state.isVoter).toBe(false)
  })

  it('bug 56: members come, go and lose their disks under every other fault, and nothing is wrong', () => {
    let changes = 0
    for (let seed = 1; seed <= 4; seed++) {
      const { violations, stats } = runSeed(seed, { profile: 'members', safetyMs: 12_000 })
      expect(violations.map(({ property, text }) => `seed ${seed}: ${property}: ${text}`)).toEqual([])
      changes += (stats.faults['addMember'] ?? 0) + (stats.faults['removeMember'] ?? 0)
    }
    expect(changes).toBeGreaterThan(4)
  }, 60_000)
})
