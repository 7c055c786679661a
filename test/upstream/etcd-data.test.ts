/**
 * Scenarios of etcd-io/raft `testdata`, `quorum/testdata` and `confchange/testdata`, told anew.
 *
 * Five of them are transcripts as upstream's are: `scripts.ts` has the commands, `transcripts/` what came out, and the test
 * the lines that matter. The others need more than a script can say: held writes, closed links, proof of death.
 */

import { createElector, type ElectorOptions, memory } from 'conclave'
import { describe, expect, it } from 'vitest'
import {
  along,
  binding,
  boundTo,
  elect,
  keep,
  known,
  lastPart,
  parts,
  quiet,
  say,
  silence,
  stand,
  talk,
} from '../core/story'
import { transcribe } from '../golden/script'
import { announce, role, sound, wins } from './scenes'
import { SCRIPTS } from './scripts'

describe('transcripts', () => {
  for (const { name, point, script, says, never } of SCRIPTS) {
    it(`etcd testdata/${name}: ${point}`, async () => {
      const text = transcribe(script)
      let from = 0
      for (const line of says) {
        const at = text.indexOf(line, from)
        expect(at, `"${line}" in its place`).toBeGreaterThanOrEqual(from)
        from = at + line.length
      }
      for (const line of never) expect(text).not.toContain(line)
      await expect(text).toMatchFileSnapshot(`transcripts/${name}.txt`)
    })
  }
})

describe('forgetting the leader', () => {
  /** `a` leads three; `b` loses its link with it. */
  function forgetful() {
    const lab = quiet('abc', { preVote: true })
    elect(lab, 'a', 'bc')
    keep(lab, 200, 'a-b', 'a-c')
    lab.act('b', { type: 'closed', peer: 'a', incarnation: 1 })
    return lab
  }

  it('etcd testdata/forget_leader: a lost link is a suspicion (R56): nothing is forgotten, and the next heartbeat ends it', () => {
    const lab = forgetful()
    expect([boundTo(lab, 'b'), known(lab, 'b')]).toEqual(['a', 1])
    const before = binding(lab, 'b')
    lab.connect([['a', 'b']])
    keep(lab, 2000, 'a-b', 'a-c')
    expect([binding(lab, 'b'), lab.leader(), wins(lab)]).toEqual([before, 'a', ['a T1']])
  })

  it('etcd testdata/forget_leader_prevote_checkquorum: only proof of death frees a voter before its promise is over (R55)', () => {
    const lab = forgetful()
    lab.crash('a')
    expect(sound(lab, 'c', 'b', 2).refusal).toBe('bound')
    for (const id of 'bc') {
      lab.act(id, { type: 'death', process: 'a', storageId: 'disk-a', incarnation: 1, key: '' })
    }
    expect(sound(lab, 'c', 'b', 2).refusal).toBeNull()
    elect(lab, 'c', 'b')
    expect(lab.at, 'the promises would have stood until 1200').toBeLessThan(1000)
  })

  it('etcd testdata/forget_leader_read_only_lease_based: no voter can be talked out of the promise that a lease counts on', () => {
    const lab = forgetful()
    lab.act('c', { type: 'closed', peer: 'a', incarnation: 1 })
    for (let i = 0; i < 100 && lab.leads('a'); i++) {
      expect([sound(lab, 'c', 'b', 2).refusal, sound(lab, 'b', 'c', 2).refusal]).toEqual(['bound', 'bound'])
      stand(lab, 'b')
      talk(lab, 'b', 'c')
      silence(lab, 50)
    }
    expect([lab.leader(), wins(lab)]).toEqual([null, ['a T1']])
    silence(lab, 100)
    stand(lab, 'b')
    talk(lab, 'b', 'c')
    expect(wins(lab)).toEqual(['a T1', 'b T2'])
  })
})

describe('writes and counts', () => {
  it('etcd testdata/async_storage_writes_append_aba_race: a write that ends late answers only for what still stands (R1)', () => {
    const lab = quiet('abcdefg')
    elect(lab, 'b', 'acdef')
    lab.crash('b')
    keep(lab, 1100, 'a-c')
    lab.holdWrites.add('a')
    // a votes for c in term 2; before that is on its disk d leads term 3 and a is bound to it
    stand(lab, 'c')
    const asked = lab.hold(along('c', 'a'))
    for (const frame of asked) lab.hand(frame)
    expect(binding(lab, 'a')).toMatchObject({ leader: 'c', term: 2 })
    lab.drop()
    announce(lab, 'd', 'a', 3)
    for (const version of [...lab.node('a').heldWrites]) lab.completeWrite('a', version)
    expect(
      parts(lab, 'a', 'c', 'voteReply').filter(({ grant, term }) => grant !== null && term === 2),
    ).toEqual([])
    expect(binding(lab, 'a')).toMatchObject({ leader: 'd', term: 3, led: true })
    // asked once more, it says no with the term that it knows
    for (const frame of asked) lab.hand(frame)
    expect(lastPart(lab, 'a', 'c', 'voteReply')).toMatchObject({ grant: null, knownTerm: 3 })
  })

  it('etcd quorum/testdata/majority_vote: won, lost or open by the majority of all members, for one to seven of them', () => {
    for (let size = 1; size <= 7; size++) {
      const ids = 'abcdefg'.slice(0, size)
      const others = ids.slice(1)
      const quorum = Math.floor(size / 2) + 1
      for (let yes = 0; yes < size; yes++) {
        for (let no = 0; yes + no < size; no++) {
          const lab = quiet(ids)
          const [ayes, noes] = [others.slice(0, yes), others.slice(yes, yes + no)]
          for (const id of noes) lab.act(id, { type: 'storageFailed' })
          stand(lab, 'a')
          lab.deliver(({ from, to }) => `a${ayes}${noes}`.includes(from) && `a${ayes}${noes}`.includes(to))
          const open = no > size - quorum ? 'follower' : 'candidate'
          expect(role(lab, 'a'), `${size} members, ${yes} + 1 yes, ${no} no`).toBe(
            yes + 1 >= quorum ? 'leader' : open,
          )
        }
      }
    }
  })

  it('etcd quorum/testdata/majority_vote: the same vote twice is one vote', () => {
    const lab = quiet('abcde')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const [yes] = lab.hold(along('b', 'a'))
    if (yes === undefined) throw new Error('b did not answer')
    for (let i = 0; i < 4; i++) lab.hand(yes)
    expect([role(lab, 'a'), lab.election('a').campaign?.grants.size]).toEqual(['candidate', 2])
    say(lab, 'a', 'a', ...yes.parts)
    expect(role(lab, 'a')).toBe('candidate')
  })
})

describe('members', () => {
  const start = (voters: readonly string[]) => (): unknown => {
    const options: ElectorOptions = { cluster: 'upstream', id: 'a', voters, storage: memory() }
    return createElector(options)
  }

  it('etcd confchange/testdata/zero: a member without a name is refused when the process is made, not ignored', () => {
    expect(start(['a'])).not.toThrow()
    expect(start(['a', ''])).toThrow(/voters/)
  })

  it('etcd confchange/testdata/simple_idempotency: a member that is named twice is refused, so nobody has two votes', () => {
    expect(start(['a', 'a'])).toThrow(/voters/)
  })
})
