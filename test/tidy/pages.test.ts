/**
 * Goal: the pages under `examples` say what the code does. Method: every manifest is parsed and looked at, every number of a
 * table is computed from the code again. Their ```ts blocks: `../examples/pages.test.ts`.
 */
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { leaseLength, type VoterKind } from '../../src/core'
import { canFailOver, failoverOf } from '../../src/runtime/failover'
import { type ResolvedTiming, resolveTiming, type TimingPreset } from '../../src/runtime/timing'
import { FORMAT } from '../../src/storage/record'
import type { ElectionRecord } from '../../src/stores/records'
import { NEWEST_VERSION, OLDEST_VERSION } from '../../src/wire'
import { read } from './tree'

/** Blocks of one language, by page. */
function blocksOf(page: string, language: string): string[] {
  return [...read(page).matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    (match) => match[1] as string,
  )
}

describe('the manifests', () => {
  interface Manifest {
    readonly kind: string
    readonly metadata: { readonly name: string }
    readonly spec: {
      readonly serviceName?: string
      readonly replicas?: number
      readonly template?: {
        readonly spec: {
          readonly terminationGracePeriodSeconds: number
          readonly containers: readonly { readonly readinessProbe: { httpGet: { path: string } } }[]
        }
      }
    }
  }
  const manifestsOf = (page: string): Manifest[] =>
    blocksOf(page, 'yaml').flatMap((text) =>
      parseAllDocuments(text).map((document) => {
        expect(document.errors).toEqual([])
        return document.toJS() as Manifest
      }),
    )

  it('are valid, name each other, and leave time to stop', () => {
    const peers = manifestsOf('examples/kubernetes-statefulset.md')
    expect(peers.map(({ kind }) => kind)).toEqual(['Service', 'StatefulSet', 'PodDisruptionBudget'])
    const [service, set] = peers as [Manifest, Manifest]
    expect(set.spec.serviceName).toBe(service.metadata.name)
    expect(set.spec.replicas).toBe(3)
    const stores = manifestsOf('examples/kubernetes-deployment.md')
    expect(stores.map(({ kind }) => kind)).toEqual(['Deployment'])
    for (const [manifest, timing] of [
      [set, timingOf('default', false)],
      [stores[0] as Manifest, timingOf('default', true)],
    ] as const) {
      const pod = manifest.spec.template?.spec
      expect(pod?.containers[0]?.readinessProbe.httpGet.path).toBe('/readyz')
      expect((pod?.terminationGracePeriodSeconds ?? 0) * 1_000).toBeGreaterThan(5_000 + 2 * timing.promiseMs)
    }
  })

  it('of systemd: the sum of the table is what the unit says, and contains stopMs', () => {
    const [unit = ''] = blocksOf('examples/systemd.md', 'ini')
    const limit = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])
    const rows = [...read('examples/systemd.md').matchAll(/^\| ([^|]+) \| (\d+) s \|/gm)].map(
      ([, what = '', seconds]) => [what.replaceAll('`', ''), Number(seconds)] as const,
    )
    const seconds = Object.fromEntries(rows)
    const { promiseMs } = timingOf('default', false)
    expect(seconds['+ 2 promiseMs']).toBe((2 * promiseMs) / 1_000)
    expect(seconds['= stopMs']).toBe((seconds['drainMs'] ?? 0) + (2 * promiseMs) / 1_000)
    const extra = rows.filter(([what]) => what.startsWith('+ ') && !what.includes('promiseMs'))
    expect(seconds['= TimeoutStopSec']).toBe(
      extra.reduce((sum, [, each]) => sum + each, seconds['= stopMs'] ?? 0),
    )
    expect(seconds['= TimeoutStopSec']).toBe(limit)
    expect(unit).not.toContain('WatchdogSec')
  })
})

const PRESETS: readonly TimingPreset[] = ['fast', 'default', 'relaxed']

function timingOf(preset: TimingPreset, stores: boolean): ResolvedTiming {
  return resolveTiming({ preset }, { volatile: false, stores })
}

describe('tuning', () => {
  const page = read('examples/tuning.md')

  /** Numbers of the row that begins with that cell, in the section after `heading`. */
  function row(heading: string, first: string): number[] {
    const section = page.slice(page.indexOf(heading))
    const line = section.split('\n').find((one) => one.startsWith(`| ${first} |`))
    expect(line, first).toBeDefined()
    return (line ?? '')
      .split('|')
      .map((cell) => cell.trim())
      .filter((cell) => /^[\d,]+$/.test(cell))
      .map((cell) => Number(cell.replaceAll(',', '')))
  }
  const lease = ({ promiseMs, rho, deltaMs }: ResolvedTiming): number => leaseLength(promiseMs, rho, deltaMs)
  const each = (stores: boolean, of: (timing: ResolvedTiming) => number): number[] =>
    PRESETS.map((preset) => Math.floor(of(timingOf(preset, stores))))

  it('names the presets as they are', () => {
    for (const preset of PRESETS) {
      const values = [timingOf(preset, false).promiseMs, timingOf(preset, true).promiseMs]
      expect(row('## Choose', `\`${preset}\``)).toEqual(values)
    }
  })

  it('computes each class of failure as the code does (A.8)', () => {
    const bound = (timing: ResolvedTiming) => failoverOf(timing, { others: 2, stores: false })
    const at = (first: string): number[] => row('## What each failure costs', first)
    expect(at('`stop()`, `resign()`, `exit`, an uncaught error')).toEqual([10, 10, 10])
    expect(at('`kill -9`, out of memory, with a [proof of death](proof-of-death.md)')).toEqual([30, 30, 30])
    const detection = each(false, (timing) => bound(timing).detectionMs)
    expect(at('`kill -9`, power cut, partition: until nobody supports it')).toEqual(detection)
    expect(at('the same, until another one leads')).toEqual(detection)
    expect(at('the same at worst, if the first try succeeds')).toEqual(
      each(false, (timing) => bound(timing).worstMs),
    )
    expect(detection).toEqual(each(false, ({ promiseMs, rho }) => Math.ceil(promiseMs / (1 - rho))))
  })

  it('computes what a leader sees as the code does (R13)', () => {
    const at = (first: string): number[] => row('| what a leader sees', first)
    expect(at('a heartbeat every')).toEqual(each(false, ({ heartbeatMs }) => heartbeatMs))
    expect(at('its lease, from the sending of a heartbeat')).toEqual(each(false, lease))
    expect(at('cut off: its signal aborts after')).toEqual(
      each(false, (timing) => lease(timing) - timing.marginMs),
    )
    const budget = each(false, (timing) => lease(timing) - timing.marginMs - timing.heartbeatMs)
    expect(at('the budget of a renewal')).toEqual(budget)
    expect(at('its event loop may stand still for')).toEqual(budget)
  })

  it('computes the same for a store (R46)', () => {
    const bound = (timing: ResolvedTiming) => failoverOf(timing, { others: 0, stores: true })
    const at = (first: string): number[] => row('With a store that alone votes', first)
    expect(at('`stop()`, `resign()`: until the next look')).toEqual(
      each(true, ({ heartbeatMs }) => heartbeatMs),
    )
    expect(at('`kill -9`, power cut, partition: until D was seen to pass')).toEqual(
      each(true, (timing) => bound(timing).detectionMs),
    )
    expect(at('the same at worst, until another one leads')).toEqual(
      each(true, (timing) => bound(timing).worstMs),
    )
    expect(at('its lease, from the sending of a heartbeat')).toEqual(each(true, lease))
    expect(at('the budget of a renewal')).toEqual(
      each(true, (timing) => lease(timing) - timing.marginMs - timing.heartbeatMs),
    )
  })
})

describe('small clusters', () => {
  it('says what the code computes, and promises nothing where it does', () => {
    const [, section = ''] = read('examples/small-clusters.md').split('| who votes |')
    const cells = section
      .split('\n\n')[0]
      ?.split('\n')
      .slice(2)
      .map((row) => row.split('|').map((cell) => cell.trim()))
    const peers = { a: 'peer', b: 'peer', c: 'peer' } as const
    const clusters: readonly (readonly [Readonly<Record<string, VoterKind>>, stores: boolean])[] = [
      [{ a: 'peer' }, false],
      [{ a: 'peer', b: 'peer' }, false],
      [{ a: 'peer', b: 'peer', w: 'witness' }, false],
      [{ a: 'peer', b: 'peer', tie: 'store' }, true],
      [peers, false],
      [{ postgres: 'store' }, true],
      [peers, false],
    ]
    const computed = clusters.map(([kinds, stores]) => {
      const voters = Object.entries(kinds).map(([id, kind]) => ({ id, kind }))
      if (!canFailOver({ voters })) return 'never'
      const { worstMs } = failoverOf(timingOf('default', stores), { others: voters.length - 1, stores })
      return worstMs.toLocaleString('en')
    })
    expect(cells?.map((row) => row.at(-2))).toEqual(computed)
  })
})

describe('upgrading', () => {
  it('names the versions as they are', () => {
    const page = read('examples/upgrading.md')
    const today = (what: string): string | undefined =>
      page
        .split('\n')
        .find((line) => line.startsWith(`| ${what} |`))
        ?.split('|')[3]
        ?.trim()
    expect(today('the protocol between processes')).toBe(`${OLDEST_VERSION} to ${NEWEST_VERSION}`)
    expect(today('the record in `dataDir`')).toBe(`${FORMAT}`)
    const format: ElectionRecord['format'] = 1
    expect(today('records in a store')).toBe(`${format}`)
  })
})
