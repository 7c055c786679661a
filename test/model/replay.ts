/**
 * A counterexample of the exploration, replayed over real cores (`raw.ts`): does it break there, too?
 *
 * The messages are those that the real cores sent. What the exploration leaves open is chosen as the schedule needs it:
 * when a campaign's time is up, and when the heartbeat left that began a session or made a voter counted.
 */
import type { Part, Release } from '../../src/core'
import { Code } from './behaviour'
import { BASE, type Core, electionIn, LIFE, letter, NAME, offsetOf } from './process'
import { RawWorld } from './raw'
import type { Step } from './schedule'
import type { Limits, Search } from './search'

/** What the schedule breaks over real cores, or null if it breaks nothing there. For equal clocks. */
export function replay(core: Core, limits: Limits, search: Search, steps: readonly Step[]): string | null {
  const stage = new Stage(core, limits, search)
  for (const step of steps) {
    stage.play(step)
    if (stage.world.broken !== null) return stage.world.broken
  }
  return null
}

class Stage {
  readonly world: RawWorld

  constructor(
    core: Core,
    private readonly limits: Limits,
    private readonly search: Search,
  ) {
    this.world = new RawWorld(core, limits, 1_000_000)
  }

  play({ action, members }: Step): void {
    const { world } = this
    const { kind, seat, detail } = action
    const at = (place: number) => members[place % members.length] as number
    for (const { state } of world.members) if (state.ownRoundAt > 0) state.ownRoundAt = world.now
    switch (kind) {
      case 'tick':
        world.pass()
        break
      case 'crash':
        world.crash(at(seat))
        break
      case 'meet':
        world.connect(at(seat), at(detail & 7))
        break
      case 'handOver':
        this.renounce(at(seat), letter(at(seat + detail)))
        break
      case 'beat':
      case 'beatAcked':
        this.beat(at(seat), at(seat + detail), kind === 'beatAcked')
        break
      case 'holder':
        this.asHolder(at(seat), detail, (offset) => at(seat + offset))
        break
      case 'local':
        this.local(at(seat), detail, (offset) => at(seat + offset))
    }
    this.freeIdle()
  }

  private renounce(i: number, to: string | null): void {
    this.world.act(i, { type: 'renounce', election: NAME, reason: 'resigned', to, cooldownMs: 0 })
  }

  /** A round of that member that left at `sentAt`. */
  private round(i: number, sentAt: number): number {
    const { state } = this.world.member(i)
    state.round += 1
    state.rounds.set(state.round, { sentAt, promiseMs: this.limits.promise })
    return state.round
  }

  private say(from: number, to: number, parts: readonly Part[], livesAgo = 0): void {
    const { world } = this
    const fromIncarnation = world.member(from).life - livesAgo
    const toIncarnation = world.member(to).life
    world.deliver({ from: letter(from), fromIncarnation, to: letter(to), toIncarnation, parts })
  }

  private heartbeat(from: number, promiseMs: number): Part {
    const round = this.round(from, this.world.now)
    return { kind: 'heartbeat', round, promiseMs, probe: false, prompt: true }
  }

  private beat(holder: number, voter: number, acked: boolean): void {
    const { world } = this
    world.member(holder).state.ownRoundAt = world.now
    const before = world.sent.length
    this.say(holder, voter, [this.heartbeat(holder, this.limits.promise)])
    if (!acked) return
    for (const { parts } of world.sent.slice(before)) {
      const acks = parts.filter((part) => part.kind === 'ack')
      if (acks.length > 0) this.say(voter, holder, acks)
    }
  }

  private ack(voter: number, holder: number, age: number, renewed: boolean): void {
    const { world } = this
    const grant = world.member(voter).state.supports.get(letter(holder))?.grant ?? null
    this.say(voter, holder, [{ kind: 'ack', round: this.round(holder, world.now - age), grant, renewed }])
  }

  private asHolder(i: number, code: number, at: (offset: number) => number): void {
    if (code >= Code.ack) {
      const late = code - Code.ack
      return this.ack(at(late >> 4), i, this.limits.promise - (late & 15), true)
    }
    if (code < Code.learn) return this.ack(at(code & 7), i, 0, false)
    const learnt = code - Code.learn
    const about = { kind: 'voteReply', election: NAME, term: 0, nonce: -1, grant: null } as const
    this.say(at(learnt >> 3), i, [{ ...about, refusal: 'term', knownTerm: learnt & 7, leader: null }])
  }

  private local(i: number, code: number, at: (offset: number) => number): void {
    const { world } = this
    if (code === Code.campaign) world.act(i, { type: 'campaign', election: NAME })
    else if (code === Code.resign) this.renounce(i, null)
    else if (code === Code.written) world.written(i)
    else if (code < Code.passTick) {
      const { state } = world.member(i)
      const { campaign } = electionIn(state)
      if (code === Code.campaignEnds && campaign !== null) {
        campaign.deadline = world.now
        state.campaignsEndAt = world.now
      }
      world.act(i, { type: 'tick' })
    } else this.hear(i, code, at)
  }

  private hear(i: number, code: number, at: (offset: number) => number): void {
    const { from, life, part } = this.search.behaviour.hearings.at((code - Code.hear) >> 4)
    const session = (code - Code.hear) & 15
    const sender = at(from)
    const said = this.saidBefore(sender, i, LIFE - life, part)
    if (said === null) return
    if (part.kind === 'ack' && said.kind === 'ack') {
      const round = this.round(i, this.world.now + part.round - BASE)
      return this.say(sender, i, [{ ...said, round }], LIFE - life)
    }
    const parts = session > 0 ? [this.heartbeat(sender, session), said] : [said]
    this.say(sender, i, parts, LIFE - life)
  }

  /** The newest message like that one that was really sent. */
  private saidBefore(from: number, to: number, livesAgo: number, like: Part): Part | null {
    const { world } = this
    const life = world.member(from).life - livesAgo
    for (const frame of [...world.sent].reverse()) {
      if (frame.from !== letter(from) || frame.to !== letter(to) || frame.fromIncarnation !== life) continue
      for (const part of frame.parts) {
        if (part.kind !== like.kind) continue
        if ('term' in part && 'term' in like && part.term !== like.term) continue
        if ('grant' in part && part.grant === null) continue
        return part
      }
    }
    return null
  }

  /** Who is bound to somebody that has renounced hears of it at once, as in the exploration. */
  private freeIdle(): void {
    const { world } = this
    for (const [j, { state }] of world.members.entries()) {
      const held = electionIn(state).slot.binding
      if (held === null || held.released || held.leader === letter(j)) continue
      const holder = offsetOf(held.leader)
      const { lead, campaign } = electionIn(world.member(holder).state)
      if (lead !== null || campaign !== null) continue
      const like: Release = { kind: 'release', election: NAME, term: held.term, successor: null }
      const release = this.saidBefore(holder, j, 0, like)
      if (release !== null) this.say(holder, j, [release])
    }
  }
}
