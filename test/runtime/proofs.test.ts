/**
 * Goal: a proof of death counts if, and only if, it shows the key of the very life that it names (R55, E8). Method: a
 * simulated cluster of shipping drivers, whose nodes keep what their witnesses would show; notices that lie in each field.
 */
import { describe, expect, it } from 'vitest'
import type { DeathNotice } from '../../src/core/messages'
import { nonceOf } from '../../src/runtime/life-key'
import { act } from '../../src/simulation/faults'
import { SimCluster } from '../../src/simulation/sim-cluster'
import type { SimNode } from '../../src/simulation/sim-node'

/** A led cluster of three; `others` vote, and are bound to the leader. */
function led() {
  const cluster = new SimCluster({ seed: 3, nodes: ['a', 'b', 'c'] })
  cluster.start()
  expect(cluster.runUntil(() => cluster.leaderOf('jobs') !== null, 10_000)).toBe(true)
  cluster.run(2_000)
  const leader = cluster.node(cluster.leaderOf('jobs') as string)
  const others = [...cluster.nodes.values()].filter((node) => node !== leader) as [SimNode, SimNode]
  return { cluster, leader, others }
}

/** What its witness says; only after its death does anybody have that. */
function proofOf(node: SimNode): DeathNotice {
  if (node.dead === null) throw new Error(`${node.id} has not died`)
  return { kind: 'deathNotice', process: node.id, ...node.dead }
}

const supports = (voter: SimNode, process: SimNode): boolean =>
  voter.state?.supports.get(process.id)?.grant != null

const refusals = ({ driver }: SimNode) => driver?.counters.refused

/** A leader that died and came back; the others have met its new life and support it. */
function reborn() {
  const { cluster, leader, others } = led()
  cluster.crash(leader.id)
  const proof = proofOf(leader)
  cluster.restart(leader.id)
  const back = (): boolean =>
    leader.state !== null && leader.now() > leader.state.bootUntil && leader.state.nextHeartbeatAt > 0
  expect(cluster.runUntil(back, 20_000)).toBe(true)
  act(cluster, { do: 'campaign', node: leader.id, election: 'jobs' })
  cluster.run(5_000)
  return { cluster, leader, others, proof }
}

describe('R55, E8: a proof of death', () => {
  it('R55: frees the voters of the dead at once, also those to whom it is only passed on', () => {
    const { cluster, leader, others } = led()
    cluster.crash(leader.id)
    const at = cluster.now
    expect(others[0].bring(proofOf(leader))).toBe(true)
    expect(
      cluster.runUntil(() => cluster.leaderOf('jobs') !== null, 1_000),
      cluster.pending(),
    ).toBe(true)
    expect(cluster.now - at, 'far below the lease').toBeLessThan(leader.timing.promiseMs / 4)
    expect(cluster.violations).toEqual([])
  })

  it('E8: without the key of that life it is refused, counted, and changes nothing', () => {
    const { cluster, leader, others } = led()
    cluster.crash(leader.id)
    const proof = proofOf(leader)
    const [voter] = others
    const before = structuredClone(voter.state?.supports.get(leader.id))
    const nonce = nonceOf(proof.key)
    for (const key of [
      '0'.repeat(32),
      nonce,
      nonceOf(nonce),
      proof.key.replace(/.$/, (x) => (x === '0' ? '1' : '0')),
    ]) {
      voter.bring({ ...proof, key })
      cluster.run(1)
    }
    expect(voter.state?.supports.get(leader.id)).toEqual(before)
    expect(refusals(voter)).toEqual({ unauthenticated: 4 })
  })

  it('R55: it ends the life that it names and no other, storage, process or incarnation', () => {
    const { cluster, leader, others } = led()
    cluster.crash(leader.id)
    const proof = proofOf(leader)
    const [voter, third] = others
    const lies: Partial<DeathNotice>[] = [
      { incarnation: proof.incarnation + 1 },
      { incarnation: proof.incarnation - 1 },
      { storageId: 'another disk' },
      { process: third.id },
      { process: 'nobody' },
    ]
    for (const lie of lies) {
      voter.bring({ ...proof, ...lie })
      cluster.run(1)
    }
    expect(supports(voter, leader)).toBe(true)
    expect(refusals(voter)).toEqual({ staleIncarnation: lies.length })
    voter.bring(proof)
    cluster.run(1)
    expect(supports(voter, leader)).toBe(false)
  })

  it('R55: late, again, or in the name of a later life, the proof of an earlier one ends nothing', () => {
    const { cluster, leader, others, proof } = reborn()
    const [voter] = others
    const support = () => voter.state?.supports.get(leader.id)
    expect([support()?.incarnation, support()?.ended]).toEqual([proof.incarnation + 1, false])
    for (const incarnation of [proof.incarnation, proof.incarnation + 1]) {
      for (let again = 0; again < 3; again++) voter.bring({ ...proof, incarnation })
    }
    cluster.run(1)
    expect([support()?.incarnation, support()?.ended]).toEqual([proof.incarnation + 1, false])
    expect(refusals(voter)).toMatchObject({ staleIncarnation: 3, unauthenticated: 3 })
    expect(cluster.violations).toEqual([])
  })

  it('E8: the nonce tells nothing of the key: it is a digest of it', () => {
    expect(nonceOf('00112233445566778899aabbccddeeff')).toBe('a8faed6abbf35c12a4b26e40f6feb19d')
    expect(nonceOf('0'.repeat(32))).toMatch(/^[0-9a-f]{32}$/)
    expect(nonceOf('0'.repeat(32))).not.toBe(nonceOf(`1${'0'.repeat(31)}`))
  })
})
