/**
 * Goal: a cluster is updated one process at a time, and two versions that have nothing in common do each other no harm. Method:
 * real processes, some of them built with other numbers in `src/wire/limits.ts`, each started on the directory that its
 * predecessor wrote. What must hold of every run: no overlap, rising tokens (`cluster.ts`).
 *
 * Between `former` and `present` the layout of every part has changed. The page: `examples/upgrading.md`.
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { parseAddress } from '../../src/transports/tcp-address'
import { probe } from '../../src/transports/tcp-probe'
import {
  COMPACT_VERSION,
  NEWEST_VERSION,
  OLDEST_VERSION,
  OPERATOR_VERSION,
  type VersionRange,
} from '../../src/wire/limits'
import { call } from '../cli/memory-terminal'
import { bundleMember, Cluster, clockMs, endOf } from './cluster'

/** Releases, by what they speak. */
const RELEASES = {
  present: { oldest: OLDEST_VERSION, newest: NEWEST_VERSION },
  /** The last one whose numbers had a fixed width. */
  former: { oldest: 1, newest: COMPACT_VERSION - 1 },
  /** The next one: speaks one version more. */
  next: { oldest: NEWEST_VERSION, newest: NEWEST_VERSION + 1 },
  /** One that came much later: has nothing in common with the present one. */
  distant: { oldest: NEWEST_VERSION + 1, newest: NEWEST_VERSION + 1 },
  /** The first one, which knew of no operators. */
  first: { oldest: 1, newest: 1 },
} satisfies Readonly<Record<string, VersionRange>>
type Release = keyof typeof RELEASES

const SECRET = 'a secret of the tests, long enough'

class Releases extends Cluster {
  private readonly programs = new Map<Release, string>()
  private readonly running = new Map<string, Release>()

  static async running(release: Release = 'present'): Promise<Releases> {
    const cluster = new Releases({ size: 3, timing: 'default' })
    if (release !== 'present') await cluster.build(release)
    for (const id of cluster.ids) cluster.running.set(id, release)
    await cluster.start()
    await cluster.leading()
    return cluster
  }

  async build(release: Release): Promise<void> {
    this.programs.set(release, await bundleMember(this.fileFor(`${release}/member.mjs`), RELEASES[release]))
  }

  protected override programOf(id: string): string {
    return this.programs.get(this.running.get(id) ?? 'present') ?? super.programOf(id)
  }

  /** Stops it in order and starts that release on its directory. Returns when it runs. */
  async replace(id: string, release: Release): Promise<void> {
    this.order(id, { kind: 'stop' })
    await this.until(() => !this.member(id).alive, 15_000, `${id} has stopped`)
    expect(this.member(id).exit).toEqual({ code: 0, signal: null })
    this.running.set(id, release)
    await this.startMember(id)
  }

  async leading(): Promise<string> {
    const isSeen = () =>
      this.leader !== null && (this.reigns.at(-1)?.to ?? 0) > (this.reigns.at(-1)?.electedAt ?? 0)
    await this.until(isSeen, 20_000, 'somebody leads')
    return this.leader as string
  }

  get followers(): string[] {
    return this.ids.filter((id) => id !== this.leader)
  }

  /** All that are named see each other, and may vote again (R19): what an operator waits for before the next one. */
  async linked(...ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      for (let tries = 0; ; tries++) {
        const { members, bootWaitMs } = (await this.status(id))['process'] as Process
        const isLinked = members.every((member) => !ids.includes(member.id) || member.isConnected)
        if (isLinked && bootWaitMs === 0) break
        expect(tries, `${id} is linked`).toBeLessThan(200)
        await sleep(50)
      }
    }
  }

  /** Versions that it speaks with the others. */
  async spoken(id: string): Promise<number[]> {
    const { members } = (await this.status(id))['process'] as Process
    return members.flatMap(({ protocolVersion }) => protocolVersion ?? [])
  }

  /** A command of this release for operators; only these members are asked. */
  operate(command: string, ids: readonly string[] = this.ids): ReturnType<typeof call> {
    const secret = this.fileFor('secret')
    writeFileSync(secret, SECRET)
    const members = ids.map((id) => `${id}=${this.addresses[id]}`).join(',')
    return call(`${command} --cluster real --members ${members} --secret-file ${secret}`)
  }

  /** How long nobody led, between the first and the last leadership, ms. */
  leaderlessMs(): number {
    return this.reigns.reduce((sum, reign, i) => {
      const before = this.reigns[i - 1]
      return before === undefined ? sum : sum + Math.max(0, reign.from - endOf(before))
    }, 0)
  }
}

interface Process {
  readonly phase: string
  readonly bootWaitMs: number
  readonly members: readonly {
    readonly id: string
    readonly isConnected: boolean
    readonly lastError: string | null
    readonly protocolVersion: number | null
  }[]
  readonly warnings: readonly string[]
  readonly transport: { readonly refused: Readonly<Record<string, number>> }
}

let cluster: Releases | null = null

afterEach(() => {
  const done = cluster
  cluster = null
  try {
    expect(done?.violations()).toEqual([])
  } finally {
    done?.stop()
  }
})

describe('a rolling upgrade', () => {
  it.each([
    ['the former release to the present one', 'former', 'present'],
    ['the present release to the next one', 'present', 'next'],
  ] as const)('from %s: the followers, then the leader, which hands over', async (_, from, to) => {
    const c = await Releases.running(from)
    cluster = c
    if (to !== 'present') await c.build(to)
    const [before, after] = [RELEASES[from].newest, RELEASES[to].newest]
    const first = await c.leading()
    await c.linked('a', 'b', 'c')
    expect(await c.spoken(first)).toEqual([before, before])
    for (const id of c.followers) {
      await c.replace(id, to)
      await c.linked('a', 'b', 'c')
    }
    expect(await c.spoken(first), 'the version that both know').toEqual([before, before])
    const [one = '', two = ''] = c.followers
    expect((await c.spoken(one)).sort()).toEqual([before, after])
    expect(c.reigns, 'nobody else has led meanwhile').toHaveLength(1)
    await c.replace(first, to)
    const second = await c.leading()
    expect(second).not.toBe(first)
    await c.linked('a', 'b', 'c')
    for (const id of [first, one, two]) {
      expect(await c.spoken(id)).toEqual([after, after])
    }
    expect(c.reigns).toHaveLength(2)
    expect(c.leaderlessMs(), 'one hand-over, no lease that ran out').toBeLessThan(2_000)

    c.signal(second, 'SIGKILL')
    await c.until(() => c.reigns.length === 3, 20_000, 'the new ones fail over by themselves')
  })

  it('and back: a release that was rolled out is taken back', async () => {
    const c = await Releases.running()
    cluster = c
    await c.build('next')
    const [one = ''] = c.followers
    await c.replace(one, 'next')
    await c.linked('a', 'b', 'c')
    for (let tries = 0; c.leader !== one && tries < 5; tries++) {
      c.order(await c.leading(), { kind: 'resign', to: one })
      await sleep(3_000)
    }
    expect(c.leader, 'the new one leads').toBe(one)
    await c.replace(one, 'present')
    expect(await c.leading()).not.toBe(one)
    await c.linked('a', 'b', 'c')
  })
})

describe('operators', () => {
  it('a member that speaks version 1 alone has none: both versions, what to do, and the exit code', async () => {
    const c = await Releases.running()
    cluster = c
    await c.build('first')
    const [old = ''] = c.followers
    await c.replace(old, 'first')
    await c.linked('a', 'b', 'c')
    const status = await c.operate('status')
    const why = `it speaks protocol version 1, this command versions ${OPERATOR_VERSION} to ${NEWEST_VERSION}: upgrade that member, or use the conclave of its release (wrongVersion)`
    expect(status.text).toContain('cluster real: 2 of 3 members answered')
    expect(status.text).toMatch(new RegExp(`^${old} .* refused .*\\n  ${why.replace(/[()]/g, '\\$&')}$`, 'm'))
    expect(status.text, 'the others speak both').toMatch(new RegExp(`^[abc] .* 1, ${NEWEST_VERSION}$`, 'm'))
    expect([status.code, status.complaints], 'two of three answered, and one of them leads').toEqual([0, []])
    expect((await c.operate('status', [old])).code, 'nobody answered').toBe(1)
    const history = await c.operate('history', [old])
    expect([history.code, history.complaints.join()]).toEqual([1, expect.stringContaining(why)])
  })
})

describe('two versions with nothing in common', () => {
  it('the others go on, everybody says why; when a majority has changed sides it leads, with a higher token', async () => {
    const c = await Releases.running()
    cluster = c
    await c.build('distant')
    const first = await c.leading()
    const [one = '', two = ''] = c.followers

    await c.replace(one, 'distant')
    await sleep(3_000)
    expect(c.reigns, 'the two others have their leader').toHaveLength(1)
    expect(c.leader).toBe(first)
    const stranger = (await c.status(one)) as { process: Process; whyNotLeader: readonly string[] }
    expect(stranger.process).toMatchObject({ phase: 'running' })
    for (const id of [first, two]) {
      const why = stranger.process.members.find((member) => member.id === id)
      expect(why).toMatchObject({ isConnected: false })
      expect(why?.lastError).toContain('wrongVersion')
    }
    expect(stranger.whyNotLeader.join()).toContain('reach')
    const { process: leader } = (await c.status(first)) as { process: Process }
    expect(leader.transport.refused['wrongVersion']).toBeGreaterThan(0)
    expect(leader.members.find(({ id }) => id === one)?.lastError).toContain('wrongVersion')
    expect(leader.warnings.join()).toContain(
      `${one} speaks no version of the protocol that this process speaks`,
    )
    const { host, port } = parseAddress(c.addresses[one] as string, 'address')
    const { text, code } = await c.operate('status', [one])
    expect([code, text]).toEqual([
      1,
      expect.stringContaining(`it speaks no protocol versions ${OPERATOR_VERSION} to ${NEWEST_VERSION}`),
    ])
    const { versions } = await probe({ host, port }, 5_000, clockMs)
    expect(versions, 'anybody may ask').toEqual(RELEASES.distant)

    await c.replace(two, 'distant')
    await c.until(() => c.reigns.length > 1, 20_000, 'the majority that has changed sides elects')
    expect([one, two]).toContain(await c.leading())
    expect(c.reigns.at(-1)?.term).toBeGreaterThan(c.reigns[0]?.term ?? 0)
    await sleep(1_000)
    await c.replace(first, 'distant')
    await c.linked('a', 'b', 'c')
    expect(c.reigns).toHaveLength(2)
    expect(c.leaderlessMs(), 'from the stop of the second to the election').toBeLessThan(15_000)
  })
})
