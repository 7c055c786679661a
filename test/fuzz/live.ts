/**
 * A live election under fire: two real processes' worth of runtime over TCP, between which a leadership stands, and
 * anybody who can reach their ports (E3-E7, R9).
 *
 * What must hold. Strangers: no term moves, no leadership ends, no byte is answered beyond the opening and a refusal, every
 * connection ends by the deadline. A member that sends what cannot be read: its session ends, no term moves, nobody stops
 * leading. A member that talks nonsense in proper form: it may move terms, it ends nothing for good; a leader stands
 * again soon after. Nothing throws, nobody's memory grows.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createElection, type Election } from 'conclave'
import { tcp } from 'conclave/tcp'
import type { Greeting } from '../../src/ports/transport'
import { plainFrame } from '../../src/transports/tcp-frames'
import { encodeOpening, FRAME_KINDS, NEWEST_VERSION, PartDecoder } from '../../src/wire'
import { freePort } from '../transports/node'
import { joinAs, knock, type Member, throwAt } from './client'
import { BodyMaker, noise } from './grammar'
import { joined, mutated, Random } from './random'
import { counted, nothing, type Target } from './target'

const SECRET = 'a secret of the fuzzer, long enough'
const HANDSHAKE_MS = 400
/** What a stranger may learn: an opening, and a refusal. */
const MAX_ANSWER = 64
const NAME = 'jobs'
const TIMING = { promiseMs: 1_500 } as const
/** A pause of this process that may cost a leadership by itself: nothing is proved by a round in which it happened. */
const STALL_MS = 300

/** Two members that run, and the place of a third one. */
export class Live {
  readonly elections: Election[] = []
  readonly ports: number[] = []
  /** Rounds that were run again because the machine had stood still. */
  stalls = 0
  private readonly dir = mkdtempSync(join(tmpdir(), 'conclave-fuzz-live-'))
  private lives = 0

  async start(): Promise<void> {
    const voters: Record<string, string> = {}
    for (const id of ['a', 'b', 'c']) {
      const port = await freePort()
      this.ports.push(port)
      voters[id] = `127.0.0.1:${port}`
    }
    for (const id of ['a', 'b']) {
      const election = createElection({
        cluster: 'fuzzed',
        name: NAME,
        id,
        voters,
        transport: tcp({ secret: SECRET, handshakeMs: HANDSHAKE_MS }),
        dataDir: join(this.dir, id),
        timing: TIMING,
        maxElections: 2_000,
      })
      this.elections.push(election)
    }
    await Promise.all(this.elections.map((election) => election.start()))
    await this.settled()
  }

  /** A port of one of the two. */
  port(random: Random): number {
    return this.ports[random.below(2)] as number
  }

  get leader(): Election | null {
    return this.elections.find((election) => election.isLeader()) ?? null
  }

  /** An operator resumes the election, and again where another word was newer. */
  async resume(): Promise<void> {
    const [election] = this.elections
    while ((await election?.resume({ timeoutMs: 10_000 }))?.isPaused === true);
  }

  /** Waits for a leader that both agree on and that stands for a while. */
  async settled(limitMs = 20_000): Promise<Election> {
    for (const end = Date.now() + limitMs; Date.now() < end; await sleep(20)) {
      const { leader } = this
      if (leader === null || this.elections.some((each) => each.leader !== leader.id)) continue
      await sleep(300)
      if (this.leader === leader) return leader
    }
    const why = this.elections.map((each) => each.status().whyNotLeader.join('; '))
    throw new Error(`nobody leads after ${limitMs} ms: ${why.join(' | ')}`)
  }

  /**
   * Runs it and throws unless the same leadership stands before and after, was never lost, and no term moved. If the
   * machine stood still meanwhile it is run again.
   */
  async undisturbed(run: () => Promise<void>): Promise<void> {
    for (;;) {
      const stall = await this.watched(run)
      if (stall < STALL_MS) return
      this.stalls += 1
    }
  }

  /** Returns how long this process stood still at a time; throws if the leadership moved although it never did for long. */
  private async watched(run: () => Promise<void>): Promise<number> {
    const leader = await this.settled()
    const term = leader.leadership?.term
    const floor = await leader.readFloor({ timeoutMs: 10_000 })
    let losses = 0
    let stall = 0
    let looked = Date.now()
    const lost = (): void => {
      losses += 1
    }
    const look = setInterval(() => {
      stall = Math.max(stall, Date.now() - looked - 10)
      looked = Date.now()
    }, 10)
    leader.on('revoked', lost)
    try {
      await run()
    } finally {
      leader.off('revoked', lost)
      clearInterval(look)
    }
    const stands = losses === 0 && leader.leadership?.term === term
    const after = stands ? await leader.readFloor({ timeoutMs: 10_000 }) : floor
    if (stands && after === floor) return 0
    if (stall >= STALL_MS) return stall
    if (!stands) throw new Error(`a leadership was lost; the longest stall was ${stall} ms`)
    throw new Error(`the term went from ${floor} to ${after}`)
  }

  /** Who the third member says it is; another life each time it is asked for one. */
  greeting(anew: boolean): Greeting {
    if (anew || this.lives === 0) this.lives += 1
    return {
      clusterId: 'fuzzed',
      nodeId: 'c',
      storageId: 'disk-of-c',
      incarnation: this.lives,
      nonce: this.lives.toString(16).padStart(32, '0'),
      rho: 0.1,
      deltaMs: 2,
      configTerm: 0,
      configVersion: 1,
    }
  }

  /** Connects as the third member; while the last connection is being cleared away it may take a second try. */
  async join(port: number, anew: boolean): Promise<Member> {
    const greeting = this.greeting(anew)
    for (let tries = 0; ; tries++) {
      try {
        return await joinAs(port, greeting, SECRET)
      } catch (error) {
        if (tries > 50) throw error
        await sleep(20)
      }
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.elections.map((election) => election.stop()))
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Resolves to false if it takes longer. */
async function within(ms: number, done: Promise<unknown>): Promise<boolean> {
  return await Promise.race([done.then(() => true), sleep(ms, false)])
}

/** Everything that anybody can send to an open port. */
export function strangersTarget(live: Live, connections = 120): Target {
  const count = nothing()
  const opening = (random: Random) =>
    plainFrame(FRAME_KINDS.hello, encodeOpening({ oldest: 1, newest: 1, nonce: random.bytes(32) }))
  return {
    name: 'strangers -> live listener',
    count,
    round: (seed) =>
      live.undisturbed(async () => {
        const random = new Random(seed)
        const port = live.port(random)
        const seen = await knock(port, live.greeting(false), 'another secret, also long enough')
        const one = async (): Promise<void> => {
          const pieces: Uint8Array[] = random.once(2) ? [opening(random)] : []
          while (pieces.length === 0 || !random.once(3)) {
            const base = seen.length > 0 && random.once(2) ? random.pick(seen) : opening(random)
            pieces.push(
              random.pick([
                () => noise(random),
                () => base,
                () => mutated(base, base, random),
                () => random.bytes(600),
              ])(),
            )
          }
          const done = throwAt(port, pieces, 0, random.once(6))
          if (!(await within(HANDSHAKE_MS + 3_000, done)))
            throw new Error('a stranger was not shown the door')
          if ((await done) > MAX_ANSWER) throw new Error(`a stranger was told ${await done} bytes`)
          for (const _piece of pieces) counted(count, false)
        }
        for (let n = 0; n < connections; n += 12) await Promise.all(Array.from({ length: 12 }, one))
      }),
  }
}

/** Connections that say something now and then, to stay. */
export function slowTarget(live: Live, connections = 12): Target {
  const count = nothing()
  return {
    name: 'slow strangers -> live listener',
    count,
    round: (seed) =>
      live.undisturbed(async () => {
        const random = new Random(seed)
        const port = live.port(random)
        const one = async (): Promise<void> => {
          const announced = plainFrame(random.pick([1, 2, 9]), random.bytes(400))
          const pieces = Array.from({ length: 400 }, (_, i) => announced.subarray(i, i + 1))
          const began = Date.now()
          const done = throwAt(port, pieces, 10 + random.below(60), true)
          if (!(await within(HANDSHAKE_MS + 3_000, done)))
            throw new Error(`it stayed for ${Date.now() - began} ms`)
          counted(count, false)
        }
        await Promise.all(Array.from({ length: connections }, one))
      }),
  }
}

/** A member that sends frames which cannot be read. */
export function malformedTarget(live: Live, connections = 60): Target {
  const count = nothing()
  return {
    name: 'malformed frames of a member -> live node',
    count,
    round: (seed) =>
      live.undisturbed(async () => {
        const random = new Random(seed)
        const port = live.port(random)
        for (let n = 0; n < connections; n++) {
          const member = await live.join(port, false)
          for (let pings = random.below(4); pings > 0; pings--) {
            member.send(FRAME_KINDS.ping, new Uint8Array(0))
            counted(count, true)
          }
          unreadable(member, random)
          counted(count, false)
          if (!(await within(5_000, member.closed))) throw new Error('its session goes on')
        }
      }),
  }
}

/** One frame that must end the session: for its content, its kind, its size, or its seal. */
function unreadable(member: Member, random: Random): void {
  const how = random.below(8)
  if (how === 0) member.send(random.pick([0, 1, 4, 10, 77, 255]), random.bytes(random.below(30)))
  else if (how === 1) member.send(random.pick([FRAME_KINDS.ping, FRAME_KINDS.pong]), random.bytes(1))
  else if (how === 2) member.send(FRAME_KINDS.welcome, random.bytes(8))
  else if (how === 3) member.raw(Uint8Array.of(0xff, random.next(), 0, 0, 0))
  else if (how === 4) member.raw(joined(Uint8Array.of(0, 0, 0, 60), random.bytes(60)))
  else member.send(FRAME_KINDS.parts, unreadableBody(random))
}

function unreadableBody(random: Random): Uint8Array {
  for (;;) {
    const maker = new BodyMaker(random, 131_072, 8, NEWEST_VERSION)
    const made = maker.body(1 + random.below(4)).slice()
    const body = random.once(2) ? made : mutated(made, made, random)
    if (body.length < 60_000 && !new PartDecoder().decode(body).ok) return body
  }
}

/** A member that speaks in proper form and without sense: other terms, other holders, releases, ends, requests. */
export function nonsenseTarget(live: Live, frames = 3_000): Target {
  const count = nothing()
  return {
    name: 'nonsense of a member -> live node',
    count,
    async round(seed) {
      await live.settled()
      const random = new Random(seed)
      const port = live.port(random)
      const member = await live.join(port, true)
      const maker = new BodyMaker(random, 131_072, 0, NEWEST_VERSION, [NAME, 'other'])
      for (let n = 0; n < frames && !member.isClosed; n++) {
        member.send(FRAME_KINDS.parts, maker.body(1 + random.below(4)))
        counted(count, true)
        if (n % 100 === 0) await sleep(1)
      }
      await sleep(50)
      member.end()
      // a member may pause an election; whoever operates the others can resume it, whatever it said (R80)
      await live.resume()
      const leader = await live.settled()
      const { leadership } = leader
      if (leadership !== null && !Number.isSafeInteger(leadership.term))
        throw new Error(`term ${leadership.term}`)
      if (leader.status().process.phase !== 'running') throw new Error('it does not run any more')
    },
  }
}
