/**
 * Scenarios of etcd-io/raft and hashicorp/raft in which the members of a cluster change, in this library's words (R26, R29-R34).
 *
 * There is no log: what upstream proves of an entry that was committed or applied is proved here of a configuration that is
 * in force. A voter is added, or removed, one at a time; joint quorums are for elections that move to other voters altogether.
 */
import { describe, expect, it } from 'vitest'
import { isQuorum, MEMBERS, type ProcessId } from '../../src/core'
import { along, has, type Lab } from '../core/lab'
import {
  add,
  ask,
  clusterOf,
  configAt,
  founded,
  leaderOf,
  outcome,
  remove,
  voter,
  without,
  withVoter,
} from '../core/members-story'

const chief = (lab: Lab): ProcessId => leaderOf(lab) as ProcessId
const others = (lab: Lab, ...ids: readonly ProcessId[]) => lab.ids.filter((id) => !ids.includes(id))
const votersAt = (lab: Lab, id: ProcessId) => clusterOf(lab, id).voters.map((each) => each.id)

/** Cut from everybody, both ways. */
function isolate(lab: Lab, id: ProcessId): void {
  for (const other of others(lab, id))
    for (const link of [`${id}>${other}`, `${other}>${id}`]) lab.cuts.add(link)
}

/** The leader of `@members` hands over to that process. */
function handOver(lab: Lab, to: ProcessId): void {
  lab.act(chief(lab), { type: 'renounce', election: MEMBERS, reason: 'transferred', to, cooldownMs: 2000 })
  lab.run(3000, () => leaderOf(lab) === to)
  expect(leaderOf(lab)).toBe(to)
  lab.run(500)
}

/** A newcomer was added by those that hear it; one voter has not heard of that. */
function uninformed(): { lab: Lab; newcomer: ProcessId; voterBehind: ProcessId } {
  const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
  const voterBehind = others(lab, chief(lab), 'd')[0] as ProcessId
  isolate(lab, voterBehind)
  expect(add(lab, 'd')).toBeNull()
  expect([votersAt(lab, voterBehind).length, votersAt(lab, 'd').length]).toEqual([3, 4])
  return { lab, newcomer: 'd', voterBehind }
}

describe('voters that are added', () => {
  it('etcd testdata/confchange_v1_add_single: a cluster grows by one voter, which holds the configuration that names it', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
    expect(add(lab, 'd')).toBeNull()
    lab.run(500)
    for (const id of lab.ids) expect(configAt(lab, id)).toBe(configAt(lab, chief(lab)))
    expect(votersAt(lab, 'd')).toEqual(['a', 'b', 'c', 'd'])
  })

  it('etcd TestAddNode: the leader owes a new voter what it owes the others', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
    expect(lab.node(chief(lab)).state.accounts.has('d')).toBe(false)
    expect(add(lab, 'd')).toBeNull()
    lab.run(2000)
    expect(lab.node(chief(lab)).state.accounts.get('d')?.connected).toBe(true)
    expect(lab.election(chief(lab), MEMBERS).lead?.bound.has('d'), 'it is bound like the others').toBe(true)
  })

  it('etcd TestAddNodeCheckQuorum: a voter that was added this instant is not missed yet, and the lease stands', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
    const leader = chief(lab)
    expect(add(lab, 'd')).toBeNull()
    lab.tick(leader)
    expect(lab.leads(leader, MEMBERS)).toBe(true)
    // and when the new one is the one that does not answer, the others are a majority
    isolate(lab, 'd')
    lab.run(5000)
    expect(lab.leads(leader, MEMBERS)).toBe(true)
  })

  it('hashicorp fuzzy/TestRaft_AddMembership: three become five, one by one, and each of them can lead', () => {
    const lab = founded(['a', 'b', 'c', 'd', 'e'], ['a', 'b', 'c'])
    expect([add(lab, 'd'), add(lab, 'e')]).toEqual([null, null])
    for (const id of lab.ids) {
      if (leaderOf(lab) !== id) handOver(lab, id)
      expect(votersAt(lab, id)).toHaveLength(5)
    }
  })
})

describe('a voter that does not know it', () => {
  it('etcd testdata/campaign_learner_must_vote: one that was behind votes for a newcomer that it did not know, and is needed', () => {
    const { lab, newcomer, voterBehind } = uninformed()
    const gone = chief(lab)
    lab.crash(gone)
    lab.cuts.clear()
    lab.contend('e', [newcomer])
    lab.run(10_000, () => lab.leader('e') === newcomer)
    expect(lab.leader('e'), 'three of four, one of them was behind').toBe(newcomer)
    expect(votersAt(lab, voterBehind)).toContain(newcomer)
  })

  it('etcd TestLearnerCanVote: a process without a vote is asked under a newer configuration, installs it and votes', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
    const leader = chief(lab)
    const nonce = ask(lab, leader, withVoter(lab, leader, 'd'))
    // whatever tells the newcomer of its vote is lost, until it is asked for it
    for (let i = 0; i < 40 && outcome(lab, leader, nonce) === undefined; i++) {
      lab.pass(50)
      lab.tick()
      for (let frames = lab.hold(); frames.length > 0; frames = lab.hold())
        for (const frame of frames) if (frame.to !== 'd') lab.hand(frame)
    }
    expect([outcome(lab, leader, nonce), lab.node('d').state.isVoter]).toEqual([null, false])
    const sent = lab.sent.length
    lab.contend('e', [leader])
    lab.run(5000, () => lab.leader('e') === leader)
    lab.run(1000)
    expect(lab.node('d').state.isVoter).toBe(true)
    const said = lab.sent.slice(sent).filter(along('d', leader))
    expect(said.some((frame) => has(frame, 'configAck'))).toBe(true)
    expect(lab.election('d').slot.binding?.leader, 'bound like any voter').toBe(leader)
  })
})

describe('voters that are removed', () => {
  it('etcd testdata/confchange_v1_remove_leader: the leader cannot remove itself; the one that it hands over to can', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const first = chief(lab)
    expect(remove(lab, first)).toBe('self')
    const next = others(lab, first)[0] as ProcessId
    handOver(lab, next)
    expect(remove(lab, first)).toBeNull()
    lab.run(500)
    expect([votersAt(lab, next).includes(first), lab.node(first).state.isVoter]).toEqual([false, false])
  })

  it('etcd testdata/confchange_v1_remove_leader_stepdown: removed, it steps down by itself in all that it led, and stands no more', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const first = chief(lab)
    lab.contend('e', [first])
    lab.run(3000, () => lab.leader('e') === first)
    handOver(lab, others(lab, first)[0] as ProcessId)
    expect(remove(lab, first)).toBeNull()
    lab.run(3000)
    const removed = expect.objectContaining({ type: 'revoked', election: 'e', reason: 'removed' })
    expect(lab.node(first).log).toContainEqual(removed)
    expect(lab.node(first).state.campaigning.size).toBe(0)
  })

  it('hashicorp TestRaft_RemoveLeader_NoShutdown: a removed leader follows and goes on running, and the others elect', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const first = chief(lab)
    handOver(lab, others(lab, first)[0] as ProcessId)
    expect(remove(lab, first)).toBeNull()
    lab.contend('e')
    lab.run(3000, () => lab.leader('e') !== null)
    expect(others(lab, first)).toContain(lab.leader('e'))
    expect([lab.node(first).state.ended, lab.election(first).lead]).toEqual([false, null])
  })

  it('hashicorp fuzzy/TestRaft_RemoveLeader: of five, each leader in turn is removed, until two are left', () => {
    const ids = ['a', 'b', 'c', 'd', 'e']
    const lab = founded(ids, ids)
    const gone: ProcessId[] = []
    while (gone.length < 3) {
      const first = chief(lab)
      handOver(lab, others(lab, first, ...gone)[0] as ProcessId)
      expect(remove(lab, first)).toBeNull()
      gone.push(first)
      lab.run(500)
      expect(gone).not.toContain(leaderOf(lab))
    }
    expect(votersAt(lab, chief(lab))).toHaveLength(2)
  })

  it('hashicorp fuzzy/TestRaft_RemovePartitionedNode: one that was removed while it was cut off comes back and disturbs nobody', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c', 'd'])
    const leader = chief(lab)
    const away = others(lab, leader)[0] as ProcessId
    isolate(lab, away)
    expect(remove(lab, away)).toBeNull()
    lab.run(5000)
    const { term } = lab.election(leader, MEMBERS).lead ?? { term: 0 }
    lab.cuts.clear()
    lab.run(5000)
    expect(lab.election(leader, MEMBERS).lead?.term, 'the same leader in the same term').toBe(term)
    expect([lab.node(away).state.isVoter, configAt(lab, away)]).toEqual([false, configAt(lab, leader)])
  })
})

describe('which changes may be made', () => {
  it('etcd quorum/testdata/joint_vote: while elections move, a majority of the old voters and one of the new have to say yes', () => {
    const ids = [...'abcdef']
    const voters = ids.map((id) => ({ id, kind: 'peer' as const }))
    const majority = (set: readonly string[], yes: readonly string[]) =>
      set.filter((id) => yes.includes(id)).length > set.length / 2
    for (const [old, next] of [
      ['abc', 'def'],
      ['abc', 'bcd'],
      ['ab', 'abcde'],
      ['a', 'b'],
    ] as const) {
      const sets = [[...old], [...next]]
      for (let mask = 0; mask < 2 ** ids.length; mask++) {
        const yes = ids.filter((_, i) => (mask >> i) % 2 === 1)
        const cluster = { term: 0, version: 1, termFloor: 0, voters, sets }
        const both = sets.every((set) => majority(set, yes))
        expect(
          isQuorum(cluster, (id) => yes.includes(id)),
          `${old}|${next}: ${yes.join('')}`,
        ).toBe(both)
      }
    }
  })

  it('etcd confchange/testdata/simple_safety: nothing unknown, nothing twice, and never the last voter', () => {
    const lab = founded(['a', 'b', 'c', 'd', 'e'], ['a', 'b', 'c'])
    const leader = chief(lab)
    const [one, two] = others(lab, leader, 'd', 'e') as [ProcessId, ProcessId]
    const present = clusterOf(lab, leader).voters
    const refused = (voters: typeof present) => outcome(lab, leader, ask(lab, leader, voters))
    expect(refused([...present, voter(lab, 'd'), voter(lab, 'e')])).toBe('twoAtOnce')
    expect(refused(present.filter(({ id }) => id !== one && id !== two))).toBe('twoAtOnce')
    expect(refused(present)).toBe('unchanged')
    expect(refused(without(lab, leader, leader))).toBe('self')
    expect(remove(lab, one)).toBeNull()
    lab.run(2000)
    expect(remove(lab, two)).toBeNull()
    lab.run(2000)
    expect(refused([])).toBe('lastVoter')
    expect(votersAt(lab, leader)).toEqual([leader])
  })
})
