/**
 * Verbs for schedules that read like a story, on top of the lab.
 *
 * In a quiet lab nobody stands by itself: a campaign begins when a test says `stand`, and a frame arrives when a test
 * says so. `keep` is the one verb that lets time pass with some links up and all others down. Decides nothing about the
 * protocol; read next: `schedules.test.ts`.
 */
import { expect } from 'vitest'
import type { Binding, Effect, Frame, Input, Part, ProcessId, Timing } from '../../src/core'
import { along, type Flight, Lab, type LabOptions } from './lab'

/** So long that no back-off, step or turn in the succession comes up by itself. */
const NEVER = 1e12

/** Everybody is connected and contends, the first frames have arrived, no one stands unless told to. */
export function quiet(ids: string, options: LabOptions = {}): Lab {
  const timing: Partial<Timing> = { stepMs: NEVER, backoffMs: NEVER, backoffMaxMs: NEVER, ...options.timing }
  const lab = new Lab(ids.split(''), { preVote: false, succession: false, ...options, timing })
  lab.connect()
  for (const name of options.elections ?? ['e']) lab.contend(name)
  lab.deliver()
  return lab
}

/** Campaigns now, if the rules let it. Returns whether a campaign (or pre-vote) runs afterwards. */
export function stand(lab: Lab, id: ProcessId, name = 'e'): boolean {
  lab.act(id, { type: 'campaign', election: name })
  return lab.election(id, name).campaign !== null
}

/** `id` learns of a term by a late answer of another voter to some pre-vote (R8, R9). */
export function tell(lab: Lab, id: ProcessId, knownTerm: number, name = 'e'): void {
  const voter = lab.ids.find((other) => other !== id && lab.node(other).alive) as ProcessId
  const answer = { election: name, nonce: -1, refusal: 'term', knownTerm, leader: null } as const
  say(lab, voter, id, { kind: 'preVoteReply', ...answer })
  expect(known(lab, id, name)).toBeGreaterThanOrEqual(knownTerm)
}

/** Both directions between two processes. */
export function between(a: ProcessId, b: ProcessId): (frame: Flight) => boolean {
  return (frame) => (frame.from === a && frame.to === b) || (frame.from === b && frame.to === a)
}

/** Delivers what the two have for each other until both are silent. */
export function talk(lab: Lab, a: ProcessId, b: ProcessId): void {
  lab.deliver(between(a, b))
}

/** Elects `id` by exactly these voters: what concerns anybody else is lost. */
export function elect(lab: Lab, id: ProcessId, voters: string, name = 'e'): void {
  expect(stand(lab, id, name), `${id} may stand`).toBe(true)
  for (const voter of voters) talk(lab, id, voter)
  lab.drop()
  expect(lab.leads(id, name), `${id} leads ${name}`).toBe(true)
}

/** Sends a heartbeat round of that process now; nothing is delivered. */
export function beat(lab: Lab, id: ProcessId): void {
  lab.act(id, { type: 'heartbeatNow' })
}

/** One heartbeat of `from` reaches `to`, and the answers come back; what is for others is lost. */
export function exchange(lab: Lab, from: ProcessId, to: ProcessId): void {
  beat(lab, from)
  talk(lab, from, to)
  lab.drop()
}

/**
 * Lets true time pass: everybody alive ticks each 50 ms, frames on the named links arrive at once (`a-b` both ways,
 * `a>b` one way), all others are lost.
 */
export function keep(lab: Lab, ms: number, ...links: readonly string[]): void {
  const up = new Set(
    links.flatMap((link) => (link[1] === '>' ? [link] : [`${link[0]}>${link[2]}`, `${link[2]}>${link[0]}`])),
  )
  const end = lab.at + ms
  while (lab.at < end) {
    lab.pass(Math.min(50, end - lab.at))
    lab.tick()
    lab.deliver((frame) => up.has(`${frame.from}>${frame.to}`))
    lab.drop()
  }
}

/** Lets true time pass with every process ticking and every frame lost. */
export function silence(lab: Lab, ms: number): void {
  keep(lab, ms)
}

/** What a voter holds in its slot. */
export function binding(lab: Lab, voter: ProcessId, name = 'e'): Binding | null {
  return lab.election(voter, name).slot.binding
}

/** Whose binding stands at that voter at this instant (R59), or null. */
export function boundTo(lab: Lab, voter: ProcessId, name = 'e'): ProcessId | null {
  const { state, config } = lab.node(voter)
  const election = lab.election(voter, name)
  const held = election.slot.binding
  if (held === null || held.released) return null
  if (held.leader === config.self) {
    return election.lead !== null || election.campaign?.phase === 'vote' ? held.leader : null
  }
  const support = state.supports.get(held.leader)
  if (support === undefined || support.incarnation !== held.incarnation || support.ended) return null
  return support.grant === held.grant && lab.clock(voter) < support.until ? held.leader : null
}

/** The grant under which `voter` supports `holder` at this instant, or null. */
export function grantAt(lab: Lab, voter: ProcessId, holder: ProcessId): string | null {
  const support = lab.node(voter).state.supports.get(holder)
  return support !== undefined && lab.clock(voter) < support.until ? support.grant : null
}

/** End of the support of `holder` at `voter`, on the voter's clock. */
export function supportEnd(lab: Lab, voter: ProcessId, holder: ProcessId): number {
  return lab.node(voter).state.supports.get(holder)?.until ?? Number.NEGATIVE_INFINITY
}

/** Until when `holder` counts that grant of `voter`, on the holder's clock. */
export function counted(lab: Lab, holder: ProcessId, voter: ProcessId, grant: string): number {
  return lab.node(holder).state.accounts.get(voter)?.untilByGrant.get(grant) ?? Number.NEGATIVE_INFINITY
}

/** End of the lease, on the leader's clock; minus infinity if it does not lead. */
export function leaseEnd(lab: Lab, id: ProcessId, name = 'e'): number {
  const { state } = lab.node(id)
  const lead = state.elections.get(name)?.lead
  return lead == null ? Number.NEGATIVE_INFINITY : (state.leases.get(lead.lease)?.until ?? Number.NaN)
}

/** Known term of a voter. */
export function known(lab: Lab, id: ProcessId, name = 'e'): number {
  return lab.election(id, name).slot.knownTerm
}

/** Every part of that kind that ever left for `to`, oldest first. */
export function parts<K extends Part['kind']>(
  lab: Lab,
  from: ProcessId,
  to: ProcessId,
  kind: K,
): Extract<Part, { kind: K }>[] {
  return partsOf(
    lab.sent.filter((frame) => frame.from === from && frame.to === to),
    kind,
  )
}

/** Every part of that kind in these frames. */
export function partsOf<K extends Part['kind']>(
  frames: readonly Pick<Frame, 'parts'>[],
  kind: K,
): Extract<Part, { kind: K }>[] {
  return frames.flatMap(({ parts }) =>
    parts.filter((part): part is Extract<Part, { kind: K }> => part.kind === kind),
  )
}

/** The newest part of that kind that left for `to`. */
export function lastPart<K extends Part['kind']>(
  lab: Lab,
  from: ProcessId,
  to: ProcessId,
  kind: K,
): Extract<Part, { kind: K }> {
  const part = parts(lab, from, to, kind).at(-1)
  if (part === undefined) throw new Error(`${from} never sent ${kind} to ${to}`)
  return part
}

/** Effects of that type ever produced by a process. */
export function effects<T extends Effect['type']>(
  lab: Lab,
  id: ProcessId,
  type: T,
): Extract<Effect, { type: T }>[] {
  return lab.node(id).log.filter((effect): effect is Extract<Effect, { type: T }> => effect.type === type)
}

/** Gives one process another D from now on. */
export function promise(lab: Lab, id: ProcessId, promiseMs: number): void {
  retime(lab, id, { promiseMs })
}

/** Gives one process other timing from now on. */
export function retime(lab: Lab, id: ProcessId, timing: Partial<Timing>): void {
  const node = lab.node(id)
  node.config = { ...node.config, timing: { ...node.config.timing, ...timing } }
}

/** Runs every clock at its own rate from true time 0 on. */
export function rates(lab: Lab, rateOf: Readonly<Record<ProcessId, number>>): void {
  for (const [id, rate] of Object.entries(rateOf)) lab.node(id).rate = rate
}

/** A new life that remembers nothing at all: ephemeral processes, lost disks (R28). Not connected yet. */
export function forget(lab: Lab, id: ProcessId): void {
  const node = lab.node(id)
  lab.crash(id)
  node.disk = { process: { ...node.disk.process, maxPromiseMs: 0 }, terms: new Map() }
  lab.restart(id)
}

/** Hands parts over as if a peer had sent them in one frame now. */
export function say(lab: Lab, from: ProcessId, to: ProcessId, ...said: readonly Part[]): readonly Effect[] {
  const { config } = lab.node(from)
  return lab.act(to, {
    type: 'frame',
    from,
    fromIncarnation: config.incarnation,
    toIncarnation: lab.node(to).config.incarnation,
    parts: said,
  })
}

/** Ends a process as `close()` does; what is on its way stays on its way. */
export function end(lab: Lab, id: ProcessId): void {
  lab.act(id, { type: 'end', reason: 'stopped' })
}

/** Resigns, or hands over if `to` is given (R20, R21). */
export function renounce(lab: Lab, id: ProcessId, to: ProcessId | null = null, name = 'e'): void {
  const reason = to === null ? 'resigned' : 'transferred'
  lab.act(id, { type: 'renounce', election: name, reason, to, cooldownMs: 0 })
}

export { along, type Input, Lab }
