/**
 * Goal: processes that know nothing but a store elect one leader, keep it, and replace it when it is gone (R45-R51,
 * R66-R68). Method: the bare core of each process, a store voter each, one register store in memory whose answers take
 * time and get lost as a test says; virtual time that stops at every timer.
 */
import { describe, expect, it } from 'vitest'
import { type CoreConfig, createState, type Input, nextDeadline, type State, step } from '../../src/core'
import type { CasRecord } from '../../src/ports/cas-store'
import type { StoreAccess } from '../../src/stores/access'
import { StoreVoter } from '../../src/stores/store-voter'

type Body<T> = T extends Input ? Omit<T, 'now'> : never

/** Virtual time: callbacks in the order of their instants. */
class World {
  now = 0
  private readonly queue: { at: number; order: number; run: () => void; live: boolean }[] = []
  private order = 0

  at(at: number, run: () => void) {
    const entry = { at: Math.max(at, this.now), order: this.order++, run, live: true }
    this.queue.push(entry)
    return entry
  }

  run(ms: number, until: () => boolean = () => false): void {
    const end = this.now + ms
    while (!until()) {
      this.queue.sort((a, b) => a.at - b.at || a.order - b.order)
      const next = this.queue[0]
      if (next === undefined || next.at > end) break
      this.queue.shift()
      this.now = Math.max(this.now, next.at)
      if (next.live) next.run()
    }
    if (!until()) this.now = end
  }
}

/** One linearisable register per key. `fault` may lose a request or its answer. */
class Registers {
  readonly records = new Map<string, CasRecord>()
  reads = 0
  writes = 0
  private versions = 0
  fault: (process: string, kind: 'read' | 'write', key: string) => 'none' | 'lostRequest' | 'lostAnswer' =
    () => 'none'

  constructor(private readonly world: World) {}

  accessFor(process: string): StoreAccess {
    const later = (run: () => void) => this.world.at(this.world.now + 1, run)
    return {
      read: (keys, done) => {
        this.reads += 1
        const fault = this.fault(process, 'read', keys[0] ?? '')
        later(() => {
          if (fault !== 'none') return later(() => done({ kind: 'failed', error: new Error('lost') }))
          const records = keys.map((key) => this.records.get(key) ?? null)
          return later(() => done({ kind: 'ok', records }))
        })
      },
      write: (key, version, value, done) => {
        this.writes += 1
        const fault = this.fault(process, 'write', key)
        later(() => {
          if (fault === 'lostRequest')
            return later(() => done({ kind: 'ambiguous', error: new Error('lost') }))
          if ((this.records.get(key)?.version ?? null) !== version) {
            return later(() =>
              done(fault === 'none' ? { kind: 'conflict' } : { kind: 'ambiguous', error: new Error('lost') }),
            )
          }
          this.versions += 1
          const written = { version: `v${this.versions}`, value }
          this.records.set(key, written)
          return later(() =>
            done(
              fault === 'none'
                ? { kind: 'ok', version: written.version }
                : { kind: 'ambiguous', error: new Error('lost') },
            ),
          )
        })
      },
      watch: () => null,
    }
  }

  election(name: string): { term: number; holder: string | null; released: boolean } {
    return JSON.parse(
      this.records.get(`c/election/${name}`)?.value ?? '{"term":0,"holder":null,"released":true}',
    )
  }
}

/** One process: a core that has no vote of its own, and its link to the store. */
class Process {
  readonly state: State
  readonly voter: StoreVoter
  readonly config: CoreConfig
  readonly won: number[] = []
  alive = true
  private timer: { live: boolean } | null = null

  constructor(
    readonly id: string,
    private readonly world: World,
    registers: Registers,
    incarnation = 1,
  ) {
    this.config = {
      self: id,
      incarnation,
      storageId: id,
      cluster: { term: 0, version: 1, termFloor: 0, voters: [{ id: 'store', kind: 'store' }] },
      timing: {
        promiseMs: 1000,
        heartbeatMs: 200,
        campaignMs: 300,
        stepMs: 20,
        rho: 0.1,
        deltaMs: 2,
        backoffMs: 50,
        backoffMaxMs: 300,
        minPromiseMs: 100,
        maxPromiseMs: 5000,
      },
      preVote: true,
      succession: true,
      maxElections: 10,
      ephemeral: false,
    }
    const record = {
      format: 1,
      clusterId: 'c',
      nodeId: id,
      storageId: id,
      incarnation: 0,
      config: this.config.cluster,
      maxPromiseMs: 0,
      cleanNoPromise: true,
      pins: {},
    } as const
    this.state = createState(
      this.config,
      { process: record, terms: new Map() },
      { now: world.now, startedAt: world.now, seed: id.charCodeAt(0), wallMs: 0 },
    )
    this.voter = new StoreVoter({
      access: registers.accessFor(id),
      clock: {
        now: () => world.now,
        wall: () => world.now,
        setTimer: (at, run) => world.at(at, run),
        clearTimer: (handle) => {
          ;(handle as { live: boolean }).live = false
        },
      },
      clusterId: 'c',
      process: id,
      incarnation,
      nonce: `${id}${incarnation}`,
      rho: 0.1,
      durability: 'survives',
      maxPromiseMs: 1000,
      campaignMs: 300,
      pollMs: 200,
      listsContenders: false,
      host: {
        connected: (sentAt) =>
          this.act({
            type: 'connected',
            peer: 'store',
            incarnation: 1,
            storageId: 'store',
            rho: 0.1,
            deltaMs: 2,
            sentAt,
          }),
        received: (parts) =>
          this.act({ type: 'frame', from: 'store', fromIncarnation: 1, toIncarnation: incarnation, parts }),
        troubled: () => undefined,
        violation: (_, detail) => {
          throw new Error(detail)
        },
        duplicate: () => undefined,
      },
    })
    this.voter.start()
    this.act({ type: 'contend', election: 'e', contending: true, priority: 0 })
  }

  act(input: Body<Input>): void {
    if (!this.alive) return
    for (const effect of step(this.config, this.state, { ...input, now: this.world.now } as Input)) {
      if (effect.type === 'send') this.voter.send(effect.parts)
      else if (effect.type === 'elected') this.won.push(effect.term)
      else if (effect.type === 'persist') throw new Error('a process without a vote has nothing to persist')
    }
    if (this.timer !== null) this.timer.live = false
    this.timer = this.world.at(nextDeadline(this.state), () => this.act({ type: 'tick' }))
  }

  get leads(): boolean {
    const lead = this.state.elections.get('e')?.lead
    if (!this.alive || lead == null) return false
    return this.world.now < (this.state.leases.get(lead.lease)?.until ?? 0)
  }

  /** As kill -9: it says nothing any more. */
  crash(): void {
    this.alive = false
    this.voter.crash()
  }
}

function cluster(ids = ['p', 'q', 'r']) {
  const world = new World()
  const registers = new Registers(world)
  const processes = ids.map((id) => new Process(id, world, registers))
  const leaders = () => processes.filter((process) => process.leads)
  /** Runs, and looks at every instant whether two lead. */
  const run = (ms: number, until: () => boolean = () => false) => {
    world.run(ms, () => {
      expect(leaders().length, `two leaders at ${world.now}`).toBeLessThanOrEqual(1)
      return until()
    })
  }
  const elect = () => {
    run(5_000, () => leaders().length === 1)
    run(1_000)
    expect(leaders()).toHaveLength(1)
    return leaders()[0] as Process
  }
  return { world, registers, processes, leaders, run, elect }
}

describe('a store as the only voter', () => {
  it('elects one process and keeps it', () => {
    const c = cluster()
    const leader = c.elect()
    c.run(20_000)
    expect(c.leaders()).toEqual([leader])
    expect(c.processes.flatMap(({ won }) => won)).toHaveLength(1)
    expect(c.registers.election('e')).toMatchObject({ holder: leader.id, term: leader.won[0] })
    for (const { state } of c.processes) expect(state.elections.get('e')?.leader).toBe(leader.id)
  })

  it('R46, R67: replaces a dead leader after its D was observed and its session fenced, with a higher token', () => {
    const c = cluster()
    const old = c.elect()
    const at = c.world.now
    old.crash()
    c.run(10_000, () => c.leaders().length === 1)
    const [next] = c.leaders()
    expect(next?.id).not.toBe(old.id)
    expect(c.world.now - at).toBeGreaterThan(700)
    expect(c.world.now - at).toBeLessThan(2_000)
    expect(next?.won.at(-1)).toBeGreaterThan(old.won.at(-1) ?? 0)
    expect(JSON.parse(c.registers.records.get(`c/session/${old.id}`)?.value ?? '{}')).toMatchObject({
      fenced: true,
    })
  })

  it('R63: a resignation is seen at the next poll, without waiting for D', () => {
    const c = cluster()
    const old = c.elect()
    const at = c.world.now
    old.act({ type: 'renounce', election: 'e', reason: 'resigned', to: null, cooldownMs: 2_000 })
    c.run(10_000, () => c.leaders().length === 1)
    expect(c.leaders()[0]?.id).not.toBe(old.id)
    expect(c.world.now - at).toBeLessThan(600)
  })

  it('R47: an ambiguous renewal is recognised and loses nothing', () => {
    const c = cluster()
    const leader = c.elect()
    c.registers.fault = (process, kind, key) =>
      process === leader.id && kind === 'write' && key.includes('/session/') && c.registers.writes % 2 === 0
        ? 'lostAnswer'
        : 'none'
    c.run(20_000)
    expect(c.leaders()).toEqual([leader])
    expect(leader.won).toHaveLength(1)
  })

  it('R45: a leader that the store does not hear any more stops by its own clock before anybody else leads', () => {
    const c = cluster()
    const old = c.elect()
    c.registers.fault = (process) => (process === old.id ? 'lostRequest' : 'none')
    c.run(10_000, () => c.leaders().some(({ id }) => id !== old.id))
    expect(c.leaders().map(({ id }) => id)).not.toContain(old.id)
    c.registers.fault = () => 'none'
    c.run(5_000)
    expect(c.leaders()).toHaveLength(1)
  })

  it('R66: after a fence the old grant is dead and its holder starts a new one', () => {
    const c = cluster()
    const old = c.elect()
    const grant = JSON.parse(c.registers.records.get(`c/session/${old.id}`)?.value ?? '{}').grant as number
    c.registers.fault = (process) => (process === old.id ? 'lostRequest' : 'none')
    c.run(10_000, () => c.leaders().some(({ id }) => id !== old.id))
    c.registers.fault = () => 'none'
    const next = c.leaders()[0] as Process
    next.crash()
    c.processes.find(({ id }) => id !== next.id && id !== old.id)?.crash()
    c.run(10_000, () => old.leads)
    expect(old.leads).toBe(true)
    const session = JSON.parse(c.registers.records.get(`c/session/${old.id}`)?.value ?? '{}')
    expect(session.grant).toBeGreaterThan(grant)
    expect(session.fenced).toBe(false)
  })

  it('R47, R68: with a third of all requests and answers lost there are never two leaders, and tokens rise', () => {
    let random = 7
    const c = cluster()
    c.registers.fault = () => {
      random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fff_ffff
      return random % 6 === 0 ? 'lostRequest' : random % 6 === 1 ? 'lostAnswer' : 'none'
    }
    for (let i = 0; i < 30; i++) {
      c.run(2_000)
      const [leader] = c.leaders()
      if (i % 3 === 0)
        leader?.act({ type: 'renounce', election: 'e', reason: 'resigned', to: null, cooldownMs: 500 })
    }
    const terms = c.processes.flatMap(({ won }) => won)
    expect(terms.length).toBeGreaterThan(5)
    expect(new Set(terms).size).toBe(terms.length)
    c.registers.fault = () => 'none'
    c.run(10_000, () => c.leaders().length === 1)
    expect(c.leaders()).toHaveLength(1)
  })

  it('costs one write per heartbeat of the leader, and one read per poll of each process and per probe of each follower', () => {
    const c = cluster()
    c.elect()
    const { reads, writes } = c.registers
    c.run(20_000)
    expect(c.registers.writes - writes).toBeLessThanOrEqual(102)
    expect(c.registers.reads - reads).toBeLessThanOrEqual(3 * 102 + 2 * 42)
  })
})
