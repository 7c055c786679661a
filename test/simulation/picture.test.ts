/**
 * Goal: a picture shows what happened, and nothing else. Method: bars and arrows against the trace of the same run; the SVG
 * read as XML; the page's script compiled; the picture of the README made again.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { drawPage, drawSvg, type Plan, runPlan, runSeed, type Story, simulate } from '../../src/simulation'
import { overlapsOf } from '../../src/simulation/picture/story'
import { windowOf } from '../../src/simulation/picture/window'

const FAILOVER = 'examples/pictures/failover'
const failover = JSON.parse(readFileSync(`${FAILOVER}.json`, 'utf8')) as Plan

function storyOf(plan: Plan | number): Story {
  const { story } =
    typeof plan === 'number'
      ? runSeed(plan, { record: true, safetyMs: 10_000, safetyOnly: true })
      : runPlan(plan, { record: true })
  if (story === null) throw new Error('nothing was recorded')
  return story
}

/** Names of the elements in order; throws if tags do not nest, attributes are not quoted or text is not escaped. */
function elementsOf(xml: string): string[] {
  const open: string[] = []
  const names: string[] = []
  for (const [whole, close, name = '', attributes = '', empty, text] of xml.matchAll(
    /<(\/?)([a-z]+)((?: [\w:-]+="[^"<]*")*)(\/?)>|([^<]+)|</gi,
  )) {
    if (text !== undefined) {
      expect(text.replace(/&(?:amp|lt|gt|quot);/g, ''), 'escaped text').not.toMatch(/&/)
    } else if (name === '') throw new Error(`no element: ${xml.slice(xml.indexOf(whole), 80)}`)
    else if (close === '/') expect(name).toBe(open.pop())
    else {
      names.push(name)
      expect(attributes).not.toMatch(/NaN|undefined|Infinity/)
      if (empty !== '/') open.push(name)
    }
  }
  expect(open).toEqual([])
  return names
}

describe('a recorded run', () => {
  it('has the leaderships of the trace, at the same instants', () => {
    for (const seed of [3, 7, 12]) {
      const { trace, story } = runSeed(seed, { trace: {}, record: true, safetyMs: 10_000, safetyOnly: true })
      const lines = (word: string) =>
        (trace ?? '')
          .split('\n')
          .flatMap((line) => (line.includes(word) ? [line.trim().split(/\s+/).slice(0, 2)] : []))
      const won = story?.leases.map(({ node, fromMs }) => [fromMs.toFixed(3), node])
      expect(won).toEqual(lines('ELECTED'))
      const ends = story?.leases.map(({ node, toMs }) => `${toMs.toFixed(3)} ${node}`)
      for (const [at, node] of lines('REVOKED')) expect(ends).toContain(`${at} ${node}`)
      expect(won?.length).toBeGreaterThan(0)
    }
  })

  it('ends a lease where its holder could last have said yes, not where it noticed', () => {
    const { leases, stills } = storyOf(failover)
    const [pause] = stills
    const held = leases.find(({ node, reason }) => node === pause?.node && reason === 'expired')
    const end = held?.valid.at(-1)?.toMs ?? 0
    expect(end).toBeGreaterThan(pause?.fromMs ?? 0)
    expect(end).toBeLessThan(pause?.toMs ?? 0)
    expect(held?.toMs).toBeGreaterThanOrEqual(pause?.toMs ?? 0)
    expect(leases.at(-1)?.fromMs, 'the next lease begins after its true end').toBeGreaterThan(end)
  })

  it('P2: leases overlap nowhere, and where clocks stop unseen the picture says so', () => {
    for (const seed of [3])
      expect(
        runSeed(seed, { record: true, profile: 'lan', safetyMs: 10_000, safetyOnly: true }).story?.overlaps,
      ).toEqual([])
    const run = { record: true, profile: 'hypervisor', safetyMs: 10_000, safetyOnly: true } as const
    const seen = [3, 4].map((seed) => runSeed(seed, run).story)
    const overlaps = seen.flatMap((story) => story?.overlaps ?? [])
    expect(overlaps.length).toBeGreaterThan(0)
    const shown = seen.find((story) => (story?.overlaps.length ?? 0) > 0) as Story
    const [first] = shown.overlaps
    const svg = drawSvg(shown, { fromMs: (first?.fromMs ?? 0) - 10, toMs: (first?.toMs ?? 0) + 10 })
    expect(svg.match(/class="hatched"/g)?.length).toBeGreaterThanOrEqual(2)
    expect(svg).toContain('at the same time for')
  })

  it('finds the stretch that two leases share', () => {
    const lease = { election: 'jobs', term: 1, fromMs: 0, toMs: 9, reason: null }
    const a = { ...lease, node: 'a', valid: [{ fromMs: 0, toMs: 5 }] }
    const b = { ...lease, node: 'b', valid: [{ fromMs: 4, toMs: 9 }] }
    expect(overlapsOf([a, b])).toEqual([{ election: 'jobs', nodes: ['a', 'b'], fromMs: 4, toMs: 5 }])
    expect(overlapsOf([a, { ...b, election: 'mail' }])).toEqual([])
  })

  it('is the same run: trace and figures do not change when somebody records', () => {
    const plain = runSeed(12, { trace: { heartbeats: true }, safetyMs: 10_000, safetyOnly: true })
    const recorded = runSeed(12, {
      trace: { heartbeats: true },
      safetyMs: 10_000,
      safetyOnly: true,
      record: true,
    })
    expect(recorded.trace).toBe(plain.trace)
    expect(recorded.stats).toEqual(plain.stats)
    expect(plain.story).toBeNull()
  })

  it('a message has one fate: read, lost, or still under way', () => {
    for (const { arrivedMs, lostMs, sentMs, text } of storyOf(7).messages) {
      expect(arrivedMs === null || lostMs === null, text).toBe(true)
      expect(arrivedMs ?? lostMs ?? sentMs).toBeGreaterThanOrEqual(sentMs)
    }
  })

  it('records services, too', async () => {
    const { story } = await simulate(
      {
        seed: 5,
        record: true,
        service: async ({ election, sleep }) => {
          await election('job').start()
          await election('job').lead(async ({ signal }) => {
            while (!signal.aborted) await sleep(50)
          })
        },
      },
      async (simulation) => {
        await simulation.until(() => simulation.leaderOf('job') !== null, 10_000)
        simulation.cluster.crash(simulation.leaderOf('job') ?? 'a')
        await simulation.until(() => simulation.leaderOf('job') !== null, 10_000)
        await simulation.advance(200)
      },
    )
    expect(story?.leases.map(({ valid }) => valid.length)).toEqual([1, 1])
    expect(story?.overlaps).toEqual([])
    expect(elementsOf(drawSvg(story as Story))).toContain('path')
  })
})

describe('the static picture', () => {
  it('is well-formed, also for many processes, and has no text that is not escaped', () => {
    for (const seed of [2, 12]) {
      const story = { ...storyOf(seed), title: 'a < b & "c"' }
      expect(elementsOf(drawSvg(story))[0]).toBe('svg')
    }
  })

  it('has a bar for every stretch of a lease in its window, as long as the lease', () => {
    const story = storyOf(failover)
    const svg = drawSvg(story, { fromMs: 700, toMs: 5900 })
    const bars = [...svg.matchAll(/<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"[^>]*class="lease"/g)]
    const scale = (1280 - 24 - 64) / (5900 - 700)
    const wanted = story.leases.flatMap(({ valid }) =>
      valid
        .filter(({ fromMs, toMs }) => fromMs < 5900 && toMs > 700)
        .map(({ fromMs, toMs }) => (Math.min(toMs, 5900) - Math.max(fromMs, 700)) * scale),
    )
    expect(bars).toHaveLength(wanted.length)
    for (const [i, [, , width]] of bars.entries()) expect(Number(width)).toBeCloseTo(wanted[i] as number, 0)
    expect(svg).toContain('>jobs  T2</text>')
  })

  it('shows the violation if there is one, else the first failover, else the first election', () => {
    const story = storyOf(failover)
    const [first] = story.leases
    const { fromMs, toMs } = windowOf(story)
    expect(fromMs).toBeLessThan(first?.toMs ?? 0)
    expect(toMs).toBeGreaterThan(story.leases[1]?.fromMs ?? 0)
    const broken = [{ atMs: 5000, property: 'P2 lease exclusivity', text: 'two' }]
    const around = windowOf({ ...story, broken })
    expect([around.fromMs < 5000, around.toMs >= 5000]).toEqual([true, true])
    expect(windowOf({ ...story, leases: [] }).fromMs).toBe(0)
    expect(windowOf(story, { fromMs: 10, toMs: 20 })).toEqual({ fromMs: 10, toMs: 20 })
  })

  it('the one of the README is made by the command below it, to the byte', () => {
    const command = `npx conclave simulate --plan ${FAILOVER}.json --svg ${FAILOVER}.svg --from 700 --to 5900`
    const made = drawSvg({ ...storyOf(failover), command }, { fromMs: 700, toMs: 5900 })
    expect(made).toBe(readFileSync(`${FAILOVER}.svg`, 'utf8'))
    expect(made.length).toBeLessThan(64_000)
    const readme = readFileSync('README.md', 'utf8')
    expect(readme).toContain(`${FAILOVER}.svg`)
    expect(readme).toContain(command)
  })
})

describe('the page', () => {
  const story = storyOf(12)
  const page = drawPage({ ...story, title: '</script><b>' })

  it('is one file that loads nothing', () => {
    expect(page).toContain("default-src 'none'")
    expect(page).not.toMatch(/(?:src|href)=|https?:|@import|url\((?!#)/)
    expect(page).toContain('<title>&lt;/script&gt;&lt;b&gt;</title>')
  })

  it('holds the whole story, and a script that compiles', () => {
    const scripts = [...page.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(
      (match) => match[1] as string,
    )
    const [data = '', code = ''] = scripts
    expect(scripts).toHaveLength(2)
    const packed = JSON.parse(data)
    expect(packed.leases).toHaveLength(story.leases.length)
    expect(packed.messages).toHaveLength(story.messages.length)
    expect(() => new Function(code)).not.toThrow()
  })

  it('is the same for the same run', () => {
    expect(drawPage(storyOf(7))).toBe(drawPage(storyOf(7)))
    expect(drawSvg(storyOf(7))).toBe(drawSvg(storyOf(7)))
  })
})
