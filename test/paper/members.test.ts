/**
 * Members that change, rule by rule (PROTOCOL A.4: R26, R29-R34, R72; P6).
 *
 * Each test puts one sentence of a rule to the shipping `step`, by hand.
 */
import { describe, expect, it } from 'vitest'
import {
  type Ack,
  type BindAck,
  type Config,
  compareConfigs,
  type Heartbeat,
  MEMBERS,
  type Part,
  type ProcessId,
  type VoteReply,
} from '../../src/core'
import { along, type Flight, has, type Lab } from '../core/lab'
import {
  add,
  ask,
  change,
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

/** Parts of that kind that went from one process to the other so far. */
function parts<K extends Part['kind']>(lab: Lab, from: ProcessId, to: ProcessId, kind: K) {
  return lab.sent
    .filter(along(from, to))
    .flatMap((frame) => frame.parts.filter((part): part is Extract<Part, { kind: K }> => part.kind === kind))
}

/** Hands parts to a process as if the other one had sent them now. */
function say(lab: Lab, from: ProcessId, to: ProcessId, ...said: readonly Part[]): void {
  const lives = {
    fromIncarnation: lab.node(from).config.incarnation,
    toIncarnation: lab.node(to).config.incarnation,
  }
  lab.hand({ from, to, ...lives, parts: said })
}

function version(lab: Lab, id: ProcessId) {
  const { term, version } = clusterOf(lab, id)
  return { term, version }
}

/** Cut from everybody, both ways. */
function isolate(lab: Lab, id: ProcessId): void {
  for (const other of lab.ids) {
    lab.cuts.add(`${id}>${other}`)
    lab.cuts.add(`${other}>${id}`)
  }
}

/** Time passes with ticks every 50 ms; parts of that kind from one process (or all) to another (or all) are lost. */
function runWithout(
  lab: Lab,
  forMs: number,
  kind: Part['kind'],
  { from = '', to = '' } = {},
): readonly Flight[] {
  const lost: Flight[] = []
  for (let passed = 0; passed < forMs; passed += 50) {
    lab.pass(50)
    lab.tick()
    for (let frames = lab.hold(); frames.length > 0; frames = lab.hold()) {
      for (const frame of frames) {
        const isLost = frame.from.startsWith(from) && frame.to.startsWith(to)
        if (isLost) lost.push(frame)
        lab.hand({ ...frame, parts: frame.parts.filter((part) => !isLost || part.kind !== kind) })
      }
    }
  }
  return lost
}

const others = (lab: Lab, ...ids: readonly (ProcessId | null)[]) => lab.ids.filter((id) => !ids.includes(id))
const one = (ids: readonly ProcessId[]): ProcessId => ids[0] as ProcessId

describe('founding', () => {
  it('R31: nobody votes at 0.1 before every other founder has said that it is there, too', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'], { contenders: [] })
    expect(leaderOf(lab), 'nobody contends').toBeNull()
    for (const id of lab.ids) expect(lab.node(id).state.membership?.unmet.size, id).toBe(0)
    lab.crash('c')
    lab.crash('b')
    lab.restart('b')
    lab.connect()
    lab.contend('e', lab.ids)
    lab.run(10_000)
    expect(lab.leader('e'), 'b cannot know whether it founds or forgot; c would tell').toBeNull()
    lab.restart('c')
    lab.connect()
    lab.contend('e', lab.ids)
    lab.run(10_000, () => lab.leader('e') !== null)
    expect(lab.leader('e')).not.toBeNull()
  })

  it('R30, R25: the first leader makes the configuration its own and names the storage of each voter', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const { term } = lab.election(leader, MEMBERS).lead ?? { term: 0 }
    for (const id of lab.ids) {
      expect(version(lab, id)).toEqual({ term, version: 1 })
      expect(clusterOf(lab, id).voters.map(({ storageId }) => storageId)).toEqual([
        'disk-a',
        'disk-b',
        'disk-c',
      ])
    }
  })

  it('R30: each later winner, too: the configurations of competing leaders are ordered', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const former = leaderOf(lab) as ProcessId
    const before = version(lab, former)
    lab.act(former, { type: 'renounce', election: MEMBERS, reason: 'resigned', to: null, cooldownMs: 5000 })
    lab.run(5000, () => leaderOf(lab) !== null && leaderOf(lab) !== former)
    lab.run(300)
    const next = version(lab, leaderOf(lab) as ProcessId)
    expect(next).toEqual({ term: before.term + 1, version: before.version })
    expect(version(lab, former)).toEqual(next)
  })
})

describe('R29: the order of configurations', () => {
  it('R29: a higher term is newer, whatever the version', () => {
    const compare = (a: [number, number], b: [number, number]) =>
      Math.sign(compareConfigs({ term: a[0], version: a[1] }, { term: b[0], version: b[1] }))
    expect(compare([2, 1], [1, 9])).toBe(1)
    expect(compare([1, 2], [1, 9])).toBe(-1)
    expect(compare([3, 3], [3, 3])).toBe(0)
  })
})

describe('R1: durable before in force', () => {
  it('R29: a configuration is in force, and said, when its write is done; a restart keeps the newest one', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    lab.holdWrites.add(leader)
    ask(lab, leader, withVoter(lab, leader, 'd'))
    lab.run(1500)
    expect(lab.node(leader).heldWrites, 'asked for').toHaveLength(1)
    expect(clusterOf(lab, leader).voters).toHaveLength(3)
    expect(
      lab.sent.some(({ parts: said }) =>
        said.some((part) => part.kind === 'config' && part.cluster.voters.length > 3),
      ),
    ).toBe(false)
    lab.holdWrites.clear()
    lab.completeWrite(leader)
    lab.run(500)
    for (const id of lab.ids) expect(clusterOf(lab, id).voters, id).toHaveLength(4)
    const follower = one(others(lab, leader, 'd'))
    lab.crash(follower)
    lab.restart(follower)
    expect(configAt(lab, follower)).toBe(configAt(lab, leader))
    expect(lab.node(follower).state.accounts.size).toBe(3)
  })
})

describe('R31: who may be voted for', () => {
  const vote = (term: number, config: { term: number; version: number }): Part => ({
    kind: 'requestVote',
    election: 'x',
    term,
    nonce: 7,
    certificate: null,
    config,
  })
  const beat = (round: number, config: { term: number; version: number }): Heartbeat => ({
    kind: 'heartbeat',
    round,
    promiseMs: 1000,
    probe: false,
    prompt: true,
    config,
  })

  it('R31: an older configuration is refused, and answered by the newer one', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
    expect(add(lab, 'd')).toBeNull()
    const old = { term: 1, version: 1 }
    say(lab, 'a', 'b', beat(9000, old), vote(5, old))
    expect(parts(lab, 'b', 'a', 'voteReply').at(-1)).toMatchObject({ grant: null, refusal: 'config' })
    expect(parts(lab, 'b', 'a', 'config').at(-1)?.cluster).toEqual(clusterOf(lab, 'b'))
    say(lab, 'a', 'b', beat(9001, version(lab, 'b')), vote(6, version(lab, 'b')))
    expect(parts(lab, 'b', 'a', 'voteReply').at(-1)).toMatchObject<Partial<VoteReply>>({ refusal: null })
  })

  it('R31: a newer one is installed first, and only then the vote is given', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const { cluster } = lab.node('b').state
    const newer: Config = { kind: 'config', cluster: { ...cluster, version: cluster.version + 1 } }
    const to = one(others(lab, leaderOf(lab), 'a'))
    say(lab, 'a', to, beat(9000, newer.cluster), vote(5, newer.cluster))
    expect(parts(lab, to, 'a', 'voteReply').at(-1)).toMatchObject({ grant: null, refusal: 'config' })
    say(lab, 'a', to, newer, beat(9001, newer.cluster), vote(6, newer.cluster))
    lab.deliver((frame) => frame.to !== leaderOf(lab))
    expect(version(lab, to)).toEqual({ term: cluster.term, version: cluster.version + 1 })
    say(lab, 'a', to, beat(9002, newer.cluster), vote(7, newer.cluster))
    expect(parts(lab, to, 'a', 'voteReply').at(-1)?.grant).not.toBeNull()
  })

  it('R31: the leader of `@members` installs nothing that others say while it leads', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const { cluster } = lab.node(leader).state
    say(lab, one(others(lab, leader)), leader, {
      kind: 'config',
      cluster: { ...cluster, term: cluster.term + 5 },
    })
    expect(clusterOf(lab, leader)).toEqual(cluster)
  })
})

describe('R32: what the leader of `@members` may do', () => {
  it('R32 a: nobody else changes anything, nor does a leader whose lease has ended', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const other = one(others(lab, leader, 'd'))
    expect(outcome(lab, other, ask(lab, other, withVoter(lab, other, 'd')))).toBe('notLeader')
    lab.pass(1001)
    expect(outcome(lab, leader, ask(lab, leader, withVoter(lab, leader, 'd')))).toBe('notLeader')
  })

  it('R32 b: not before a quorum of the present voters holds the present configuration', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    expect(add(lab, 'd')).toBeNull()
    const { membership } = lab.node(leader).state
    membership?.acks.clear()
    if (membership != null) membership.settledAt = Number.POSITIVE_INFINITY
    const nonce = ask(lab, leader, without(lab, leader, 'd'))
    runWithout(lab, 3000, 'configAck')
    expect(outcome(lab, leader, nonce), 'leads, but nobody has said that it holds 1.2').toBeUndefined()
    expect(clusterOf(lab, leader).voters).toHaveLength(4)
  })

  it('R32 b: the word of a voter that knows a later leader of `@members` does not count', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const { membership } = lab.node(leader).state
    membership?.acks.clear()
    const from = one(others(lab, leader, 'd'))
    const { term, version: number } = clusterOf(lab, leader)
    const word = { kind: 'configAck', term, version: number, maxTerm: 9, maxPromiseMs: 1000 } as const
    say(lab, from, leader, { ...word, membersTerm: term + 1 })
    expect(membership?.acks.size).toBe(0)
    say(lab, from, leader, { ...word, membersTerm: term })
    expect(membership?.acks.size).toBe(1)
  })

  it('R32 c, R26: one voter at a time; another disk under one name is two changes', () => {
    const lab = founded(['a', 'b', 'c', 'd', 'e'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const two = [...withVoter(lab, leader, 'd'), voter(lab, 'e')]
    expect(outcome(lab, leader, ask(lab, leader, two))).toBe('twoAtOnce')
    const other = one(others(lab, leader, 'd', 'e'))
    const swap = clusterOf(lab, leader).voters.map((each) =>
      each.id === other ? { ...each, storageId: 'new' } : each,
    )
    expect(outcome(lab, leader, ask(lab, leader, swap))).toBe('twoAtOnce')
    const first = ask(lab, leader, withVoter(lab, leader, 'd'))
    expect(
      outcome(lab, leader, ask(lab, leader, withVoter(lab, leader, 'e'))),
      'while one is under way',
    ).toBe('busy')
    lab.run(5000)
    expect(outcome(lab, leader, first)).toBeNull()
  })

  it('R32 d: it stays in itself, and one voter stays in any case', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    expect(outcome(lab, leader, ask(lab, leader, without(lab, leader, leader)))).toBe('self')
    expect(outcome(lab, leader, ask(lab, leader, clusterOf(lab, leader).voters))).toBe('unchanged')
    const alone = founded(['a'], ['a'])
    expect(outcome(alone, 'a', ask(alone, 'a', []))).toBe('lastVoter')
  })

  it('R72: not before the longest promise of the acknowledging voters has passed since they acknowledged', () => {
    const lab = founded(['a', 'b', 'c', 'd', 'e'], ['a', 'b', 'c'], { timing: { rho: 0.1 } })
    const leader = leaderOf(lab) as ProcessId
    lab.node(one(others(lab, leader, 'd', 'e'))).state.maxPromiseMs = 3000
    expect(add(lab, 'd')).toBeNull()
    const since = lab.at
    const nonce = ask(lab, leader, withVoter(lab, leader, 'e'))
    lab.run(10_000, () => outcome(lab, leader, nonce) !== undefined)
    expect(outcome(lab, leader, nonce)).toBeNull()
    expect(lab.at - since, '3,000 ms on a clock that is 10 % fast at most').toBeGreaterThanOrEqual(3290)
  })
})

describe('R33: leases and changes', () => {
  it('R33: a lease earned before stays until its own deadline; acks of the former configuration add nothing', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const before = lab.at
    const end = () => Math.max(...[...lab.node(leader).state.leases.values()].map(({ until }) => until))
    const nonce = ask(lab, leader, withVoter(lab, leader, 'd'))
    for (let i = 0; i < 40 && clusterOf(lab, leader).voters.length < 4; i++) {
      runWithout(lab, 50, 'config', { from: leader })
    }
    const earned = end()
    expect(earned, 'by two of three').toBeGreaterThan(before)
    runWithout(lab, 250, 'config', { from: leader })
    expect(clusterOf(lab, one(others(lab, leader, 'd'))).voters).toHaveLength(3)
    expect(end(), 'their acks are of 1.1, and three of four are needed').toBe(earned)
    expect(lab.leads(leader, MEMBERS)).toBe(true)
    lab.run(3000)
    expect(outcome(lab, leader, nonce)).toBeNull()
    expect(lab.leads(leader, MEMBERS)).toBe(true)
  })

  it('R33: a lease stays although too few of the present voters count yet', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const away = one(others(lab, leader, 'd'))
    isolate(lab, away)
    lab.run(2000)
    const nonce = ask(lab, leader, withVoter(lab, leader, 'd'))
    lab.run(5000, () => outcome(lab, leader, nonce) !== undefined)
    expect(outcome(lab, leader, nonce), 'three of four, with the newcomer').toBeNull()
    expect(lab.node(leader).log.filter(({ type }) => type === 'revoked')).toEqual([])
  })

  it('R13, R33: a lease that was kept joins the others when these last as long, and is not seen to end earlier for a moment', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'], {
      elections: [MEMBERS, 'e', 'f'],
      preVote: false,
      succession: false,
    })
    const leader = leaderOf(lab) as ProcessId
    const late = one(others(lab, leader, 'd'))
    lab.contend('e', [leader])
    lab.run(2000)
    const end = (name: string) => {
      const { leases, elections } = lab.node(leader).state
      return leases.get(elections.get(name)?.lead?.lease ?? 0)?.until ?? 0
    }
    runWithout(lab, 300, 'ack', { from: late, to: leader })
    ask(lab, leader, withVoter(lab, leader, 'd'))
    // from here on nobody's ack arrives: `e` stays on what two of three gave, `f` begins on what three of four have given
    const acks = runWithout(lab, 50, 'ack', { to: leader })
    lab.contend('f', [leader])
    lab.act(leader, { type: 'campaign', election: 'f' })
    runWithout(lab, 50, 'ack', { to: leader })
    const kept = end('e')
    expect(end('f')).toBeLessThan(kept)
    const ack = acks.findLast(({ from }) => from === late)?.parts.find(({ kind }) => kind === 'ack') as Ack
    const { lead, slot } = lab.election(leader, 'e')
    const bound: BindAck = {
      kind: 'bindAck',
      election: 'e',
      term: lead?.term ?? 0,
      grant: ack.grant,
      knownTerm: slot.knownTerm,
    }
    const before = lab.node(leader).log.length
    say(lab, late, leader, ack, bound)
    expect(end('e')).toBeGreaterThanOrEqual(kept)
    expect(end('f')).toBe(end('e'))
    const moves = lab
      .node(leader)
      .log.slice(before)
      .flatMap(({ type }) => (type === 'leaseChanged' || type === 'leaseExtended' ? [type] : []))
    expect(moves[0], 'the shared lease grows before anything is hung on it').toBe('leaseExtended')
    expect(moves).toContain('leaseChanged')
  })

  it('R33: a campaign ends when others vote from then on, and a yes that comes later is released', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'], { preVote: false })
    const leader = leaderOf(lab) as ProcessId
    const candidate = one(others(lab, leader, 'd'))
    const third = one(others(lab, leader, candidate, 'd'))
    expect(remove(lab, third)).toBeNull()
    expect(add(lab, 'd')).toBeNull()
    lab.run(1000)
    lab.act(candidate, { type: 'contend', election: 'e', contending: true, priority: 0 })
    lab.act(candidate, { type: 'campaign', election: 'e' })
    expect(lab.election(candidate).campaign?.phase).toBe('vote')
    lab.deliver((frame) => frame.from === candidate && has(frame, 'requestVote'))
    const yes = lab.hold((frame) => frame.to === candidate && has(frame, 'voteReply'))
    expect(yes.length).toBeGreaterThan(0)
    const { cluster } = lab.node(candidate).state
    const fewer = {
      ...cluster,
      version: cluster.version + 1,
      voters: cluster.voters.filter(({ id }) => id !== 'd'),
    }
    say(lab, leader, candidate, { kind: 'config', cluster: fewer })
    expect(configAt(lab, candidate)).not.toContain('d')
    expect(lab.election(candidate).campaign, 'it had no other end').toBeNull()
    for (const frame of yes) lab.hand(frame)
    expect(lab.leads(candidate)).toBe(false)
    expect(parts(lab, candidate, leader, 'release').at(-1)?.election).toBe('e')
  })

  it('R33: grants of another disk may bear old names, and count for nothing that the former one was bound to', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const [gone, stays] = others(lab, leader) as [ProcessId, ProcessId]
    const names = () => [...(lab.election(leader, MEMBERS).lead?.bound.get(gone) ?? [])]
    const old = names()
    expect(old.length).toBeGreaterThan(0)
    lab.crash(gone)
    lab.wipe(gone, 'new')
    expect(remove(lab, gone)).toBeNull()
    expect(names()).toEqual([])
    for (const lease of lab.node(leader).state.leases.values())
      expect([...lease.bound.keys()]).not.toContain(gone)
    lab.restart(gone)
    lab.connect()
    expect(add(lab, gone)).toBeNull()
    lab.run(2000)
    expect(lab.node(gone).config.incarnation).toBe(1)
    expect(names()).toEqual([...(lab.node(leader).state.accounts.get(gone)?.untilByGrant.keys() ?? [])])
    expect(lab.leads(leader, MEMBERS)).toBe(true)
    expect(lab.node(stays).state.accounts.get(gone)?.incarnation, 'lower than that of the former disk').toBe(
      1,
    )
  })
})

describe('R34: outside of the configuration', () => {
  it('R54, R26: another storage under a known name ends nothing before the promise to the former one is over', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c', 'd'])
    const leader = leaderOf(lab) as ProcessId
    const gone = one(others(lab, leader))
    const rest = others(lab, gone)
    lab.contend('e', [gone])
    lab.run(3000, () => lab.leader('e') === gone)
    lab.run(2000)
    isolate(lab, gone)
    expect(remove(lab, gone)).toBeNull()
    expect(lab.leader('e'), 'removed, and does not know it yet').toBe(gone)
    // its successor under that name, on another machine, with more restarts behind it
    const life = { incarnation: 9, storageId: 'disk-new', rho: 0, deltaMs: 0 }
    for (const id of rest) lab.act(id, { type: 'connected', peer: gone, ...life, sentAt: lab.clock(id) })
    lab.contend('e', rest)
    // the lab refuses two leaders at one instant
    lab.run(5000, () => ![gone, null].includes(lab.leader('e')))
    expect(rest).toContain(lab.leader('e'))
    lab.cuts.clear()
    const { incarnation } = lab.node(leader).config
    const probe: Heartbeat = { kind: 'heartbeat', round: 1, promiseMs: 1000, probe: true, prompt: true }
    lab.hand({ from: gone, fromIncarnation: 9, to: leader, toIncarnation: incarnation, parts: [probe] })
    expect(lab.node(leader).state.supports.get(gone), 'met as soon as that is over').toMatchObject({
      incarnation: 9,
      storageId: 'disk-new',
    })
  })

  it('R34: a joiner follows and has no voice, until the configuration that names it is in force there', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
    lab.contend('e', ['d'])
    lab.run(5000)
    expect(configAt(lab, 'd'), 'it follows').toBe(configAt(lab, 'a'))
    expect(lab.election('d').campaign).toBeNull()
    expect(lab.leader('e'), 'and does not stand').toBeNull()
    expect(lab.sent.some((frame) => frame.from === 'd' && has(frame, 'ack'))).toBe(false)
    const beat: Heartbeat = {
      kind: 'heartbeat',
      round: 9000,
      promiseMs: 1000,
      probe: false,
      prompt: true,
      config: version(lab, 'd'),
    }
    const request: Part = {
      kind: 'requestVote',
      election: 'x',
      term: 5,
      nonce: 1,
      certificate: null,
      config: version(lab, 'd'),
    }
    say(lab, 'a', 'd', beat, request)
    expect(parts(lab, 'd', 'a', 'voteReply').at(-1)).toMatchObject({ grant: null, refusal: 'config' })
    expect(add(lab, 'd')).toBeNull()
    lab.run(5000, () => lab.leader('e') === 'd')
    expect(lab.leader('e')).toBe('d')
    say(
      lab,
      'a',
      'd',
      { ...beat, round: 9001, config: version(lab, 'd') },
      { ...request, term: 6, config: version(lab, 'd') },
    )
    expect(parts(lab, 'd', 'a', 'voteReply').at(-1)?.grant, 'a voter like any other').not.toBeNull()
  })

  it('R34: a removed voter is told, stands no more, and what it led ends as `removed`', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const gone = one(others(lab, leader))
    lab.contend('e', [gone])
    lab.run(3000, () => lab.leader('e') === gone)
    expect(remove(lab, gone)).toBeNull()
    expect(configAt(lab, gone)).toBe(configAt(lab, leader))
    expect(lab.node(gone).log).toContainEqual(expect.objectContaining({ type: 'configured', removed: true }))
    lab.contend('e')
    lab.run(3000)
    expect(lab.node(gone).log).toContainEqual(
      expect.objectContaining({ type: 'revoked', election: 'e', reason: 'removed' }),
    )
    expect(lab.leader('e')).not.toBe(gone)
    expect(lab.leader('e')).not.toBeNull()
    const after = lab.sent.length
    lab.run(5000)
    const said = lab.sent.slice(after).filter(({ from }) => from === gone)
    expect(
      said.flatMap((frame) => frame.parts).filter(({ kind }) => kind === 'preVote' || kind === 'requestVote'),
    ).toEqual([])
  })

  it('R34: one that was away learns of its removal from whoever it asks', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const gone = one(others(lab, leader))
    isolate(lab, gone)
    expect(remove(lab, gone)).toBeNull()
    expect(clusterOf(lab, gone).voters).toHaveLength(3)
    lab.cuts.clear()
    lab.contend('e', [gone])
    lab.run(3000)
    expect(configAt(lab, gone)).toBe(configAt(lab, leader))
    expect(lab.node(gone).state.isVoter).toBe(false)
  })

  it('R19: who was removed waits after a restart, too: another leader may bring it back before its promises are over', () => {
    const ids = ['a', 'b', 'c', 'd', 'f']
    const lab = founded(ids, ids, { preVote: false, succession: false })
    lab.run(2000)
    const former = leaderOf(lab) as ProcessId
    const [gone, leader, next, rival] = others(lab, former) as [ProcessId, ProcessId, ProcessId, ProcessId]
    // it leads by its own word and those of `gone` and `next`; the two others hear nothing of it
    for (const id of [former, rival]) lab.cuts.add(`${leader}>${id}`)
    lab.contend('e', [leader])
    lab.run(700)
    expect(lab.leader('e')).toBe(leader)
    // nobody else is told of the change that removes `gone`
    ask(lab, former, without(lab, former, gone))
    lab.deliver(along(former, gone))
    lab.drop(({ from, to }) => from === former || to === former)
    expect(configAt(lab, gone)).toBe(
      `1.2 ${without(lab, former, gone)
        .map(({ id }) => id)
        .join('')}`,
    )
    lab.crash(gone)
    lab.restart(gone)
    // so a quorum of the first configuration follows another leader, who goes on with that
    lab.act(former, { type: 'renounce', election: MEMBERS, reason: 'resigned', to: null, cooldownMs: 9000 })
    lab.deliver((frame) => has(frame, 'release'))
    lab.act(next, { type: 'campaign', election: MEMBERS })
    lab.deliver(({ from, to }) => from !== former && to !== former)
    lab.connect()
    lab.deliver()
    expect(configAt(lab, gone)).toBe('2.1 abcdf')
    expect(lab.leads(leader), 'by the word that `gone` gave in its former life').toBe(true)
    lab.contend('e', [rival])
    for (let tries = 0; tries < 2; tries++) {
      lab.act(rival, { type: 'campaign', election: 'e' })
      lab.deliver()
      lab.pass(100)
    }
    expect(lab.leads(rival)).toBe(false)
  })

  it('R26: a wiped disk is no voter until it was removed and added', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const wiped = one(others(lab, leader))
    lab.crash(wiped)
    lab.wipe(wiped, 'new')
    lab.restart(wiped)
    // the door refuses it by its storage (R25); even so it is nobody to itself
    lab.connect(others(lab, wiped).map((id): [ProcessId, ProcessId] => [wiped, id]))
    lab.contend('e', [wiped])
    lab.run(5000)
    expect(lab.node(wiped).state.isVoter).toBe(false)
    expect(lab.leader('e')).toBeNull()
    expect(remove(lab, wiped)).toBeNull()
    expect(add(lab, wiped)).toBeNull()
    lab.run(5000, () => lab.leader('e') === wiped)
    expect(lab.leader('e')).toBe(wiped)
    expect(
      change(lab, (at) => clusterOf(lab, at).voters.map((each) => ({ ...each, address: `${each.id}:1` }))),
    ).toBe('twoAtOnce')
  })
})

describe('R24: names that come again', () => {
  it('R24, R26: a late frame of a storage that was given up does not make an old life of the one that has its name now', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const again = one(others(lab, leader))
    lab.crash(again)
    lab.restart(again)
    lab.connect()
    lab.run(500)
    const late = lab.sent.filter(along(again, leader)).at(-1)
    expect(late?.fromIncarnation).toBe(2)
    lab.crash(again)
    lab.wipe(again, 'new')
    expect(remove(lab, again)).toBeNull()
    lab.restart(again)
    lab.connect()
    expect(add(lab, again)).toBeNull()
    if (late !== undefined) lab.hand(late)
    expect(lab.node(leader).state.supports.get(again)).toMatchObject({ incarnation: 1, storageId: 'new' })
    lab.contend('e', [again])
    lab.run(5000, () => lab.leader('e') === again)
    expect(lab.leader('e')).toBe(again)
  })
})

describe('R72: the floor', () => {
  it('R72: two changes after a win the new voters vote above its term, whether or not they ever heard of it', () => {
    const lab = founded(['a', 'b', 'c', 'd'], ['a', 'b', 'c'], { elections: [MEMBERS, 'e'] })
    const leader = leaderOf(lab) as ProcessId
    const [x, y] = others(lab, leader, 'd') as [ProcessId, ProcessId]
    // e is won at x in term 40 by the leader and x alone
    lab.node(x).state.elections.set('e', {
      ...lab.election(x, MEMBERS),
      name: 'e',
      lead: null,
      campaign: null,
      contending: false,
      slot: { knownTerm: 40, binding: null },
      decidedTerm: 40,
    })
    expect(add(lab, 'd')).toBeNull()
    lab.run(200)
    expect(remove(lab, x)).toBeNull()
    expect(clusterOf(lab, leader).termFloor).toBeGreaterThanOrEqual(40)
    lab.contend('e', [y])
    lab.run(5000, () => lab.leader('e') !== null)
    expect(lab.election(y).lead?.term).toBeGreaterThan(40)
  })

  it('R72: nobody is bound anew below the floor, and says how high it is', () => {
    const lab = founded(['a', 'b', 'c'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const voter = one(others(lab, leader))
    lab.node(voter).state.termFloor = 70
    const config = version(lab, voter)
    const session = { round: 9000, promiseMs: 1000, probe: false, prompt: true, config }
    say(lab, leader, voter, { kind: 'heartbeat', ...session }, { kind: 'bind', election: 'e', term: 69 })
    expect(parts(lab, voter, leader, 'bindAck').at(-1)).toMatchObject({ grant: null, knownTerm: 70 })
    say(lab, leader, voter, { kind: 'bind', election: 'e', term: 70 })
    expect(parts(lab, voter, leader, 'bindAck').at(-1)?.grant, 'its one leader').not.toBeNull()
  })

  it('R72: who leads below the floor keeps its lease, and campaigns above it before it binds a new voter (R22)', () => {
    const lab = founded(['a', 'b', 'c', 'd', 'f'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const holder = one(others(lab, leader, 'd', 'f'))
    lab.contend('e', [holder])
    lab.run(3000, () => lab.leader('e') === holder)
    expect(lab.election(holder).lead?.term).toBe(1)
    lab.node(leader).state.elections.set('other', {
      ...lab.election(leader),
      name: 'other',
      lead: null,
      campaign: null,
      contending: false,
      slot: { knownTerm: 70, binding: null },
    })
    expect(add(lab, 'd')).toBeNull()
    let gap = 0
    lab.run(3000, () => {
      if (!lab.leads(holder)) gap += 1
      return (lab.election(holder).lead?.term ?? 0) > 70
    })
    expect(clusterOf(lab, holder).termFloor).toBe(70)
    expect(lab.election(holder).lead?.term, 'asked for by the refusal of d').toBe(71)
    expect(gap, 'without a gap').toBe(0)
    expect(
      lab
        .node(holder)
        .log.filter((effect) => effect.type === 'revoked')
        .map((effect) => effect.reason),
    ).toEqual(['reelected'])
  })
})

describe('P6: configurations that win intersect, or the older one is shut', () => {
  it('P6: a leader left behind in the first configuration cannot renew its lease two changes later', () => {
    const lab = founded(['a', 'b', 'c', 'd', 'f'], ['a', 'b', 'c'])
    const leader = leaderOf(lab) as ProcessId
    const left = one(others(lab, leader, 'd', 'f'))
    lab.contend('e', [left])
    lab.run(3000, () => lab.leader('e') === left)
    // it is told of no configuration any more, but everything else goes through
    const at = leader
    for (const id of ['d', 'f']) {
      const nonce = ask(lab, at, withVoter(lab, at, id))
      runWithout(lab, 3000, 'config', { to: left })
      expect(outcome(lab, at, nonce)).toBeNull()
    }
    expect(clusterOf(lab, left).voters).toHaveLength(3)
    expect(lab.leads(left), 'two of its three voters hold a newer configuration').toBe(false)
    lab.contend('e', others(lab, left))
    lab.run(5000, () => lab.leader('e') !== null && lab.leader('e') !== left)
    expect(lab.election(lab.leader('e') as ProcessId).lead?.term).toBeGreaterThan(1)
  })
})
