/**
 * What the scenarios of others need beyond the verbs of `story.ts`: one request by hand and its answer, and a process in a
 * given role.
 *
 * A hand-made frame carries a round far above real ones, so that it renews the session of its sender. Decides nothing.
 */
import { expect } from 'vitest'
import type { BindAck, Certificate, PreVoteReply, ProcessId, Role, VoteReply } from '../../src/core'
import { elect, keep, type Lab, lastPart, parts, quiet, say, stand } from '../core/story'

function heartbeat(lab: Lab) {
  const round = 10_000 + lab.sent.length
  return { kind: 'heartbeat', round, promiseMs: 1000, probe: false, prompt: true } as const
}

/** Asks for a vote behind a heartbeat; the answer. */
export function request(
  lab: Lab,
  from: ProcessId,
  to: ProcessId,
  term: number,
  certificate: Certificate | null = null,
): VoteReply {
  const before = parts(lab, to, from, 'voteReply').length
  const nonce = 10_000 + before
  say(lab, from, to, heartbeat(lab), { kind: 'requestVote', election: 'e', term, nonce, certificate })
  const answers = parts(lab, to, from, 'voteReply').slice(before)
  expect(answers).toHaveLength(1)
  return answers[0] as VoteReply
}

/** Asks whether there would be a vote; the answer. */
export function sound(lab: Lab, from: ProcessId, to: ProcessId, term: number): PreVoteReply {
  const before = parts(lab, to, from, 'preVoteReply').length
  say(lab, from, to, { kind: 'preVote', election: 'e', term, nonce: 10_000 + before })
  const answers = parts(lab, to, from, 'preVoteReply').slice(before)
  expect(answers).toHaveLength(1)
  return answers[0] as PreVoteReply
}

/** Announces a leadership behind a heartbeat; the answer. */
export function announce(lab: Lab, from: ProcessId, to: ProcessId, term: number): BindAck {
  say(lab, from, to, heartbeat(lab), { kind: 'bind', election: 'e', term })
  return lastPart(lab, to, from, 'bindAck')
}

/** Role of a process. */
export function role(lab: Lab, id: ProcessId): Role {
  return lab.election(id).role
}

/** Terms won so far, in order, of all processes. */
export function wins(lab: Lab): readonly string[] {
  return lab.history.map(({ id, term }) => `${id} T${term}`)
}

/** A lab of three in which `b` has that role; `a` and `c` have promised nothing to anybody but a leading `b`. */
export function inRole(wanted: Role): Lab {
  const lab = quiet('abc', { preVote: wanted === 'preCandidate' })
  if (wanted === 'leader') elect(lab, 'b', 'a')
  else if (wanted !== 'follower') stand(lab, 'b')
  lab.drop()
  expect(role(lab, 'b')).toBe(wanted)
  return lab
}

/** All that a voter remembers of an election and of the others, as text. */
export function memory(lab: Lab, id: ProcessId): string {
  const { supports } = lab.node(id).state
  const { slot, role: now, decidedTerm } = lab.election(id)
  const kept = [...supports].map(([process, { grant, until }]) => [process, grant, until])
  return JSON.stringify([slot, now, decidedTerm, kept])
}

/** The leader is cut off until its lease and all promises to it are over. */
export function lapse(lab: Lab): void {
  keep(lab, 1100)
}
