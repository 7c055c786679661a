/**
 * Goal: a lease wherever a voter has two-way links with a quorum, held; none anywhere else (P8, P9). Method: the sweep of
 * `npm run connectivity`, one seed per graph, on the families that are small; the modes of `run.ts` take turns.
 */
import { describe, expect, it } from 'vitest'
import {
  ableToLead,
  allConnected,
  allDirected,
  allOverThreeStores,
  allTieBreakers,
  type Family,
  isTwoWay,
  NAMED,
  sampledDirected,
} from './graphs'
import { picture } from './picture'
import { familyTable } from './report'
import { MODES, type Outcome, runGraph } from './run'
import { count, emptyTally } from './tally'

function sweep({ graphs }: Family): Outcome[] {
  return graphs.map((graph, i) => runGraph(graph, 100 + i))
}

function wrongIn(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ graph, seed, wrong }) =>
    wrong === null ? [] : [`${graph.name}, ${seed}: ${wrong}`],
  )
}

describe('partial connectivity', () => {
  const overStores = allOverThreeStores()
  const some = {
    name: 'every eighth over three stores',
    graphs: overStores.graphs.filter((_, i) => i % 8 === 5),
  }

  it.each([allDirected(3), allConnected(4), NAMED, allTieBreakers(), some])(
    'P9: wherever some voter has two-way links with a quorum there is a lease, held: $name',
    (family) => {
      const outcomes = sweep(family)
      expect(wrongIn(outcomes)).toEqual([])
      for (const { able, uptime, changes } of outcomes) {
        expect([uptime, changes]).toEqual([able.length > 0 ? 1 : 0, 0])
      }
    },
  )

  it('Cloudflare 2020: the leader that lost one follower stays, in every mode', () => {
    const graph = NAMED.graphs.find(({ name }) => name === 'Cloudflare 2020')
    for (let seed = 0; seed < 2 * MODES.length && graph !== undefined; seed++) {
      expect(runGraph(graph, seed)).toMatchObject({ leader: 'a', settledMs: 0, wrong: null })
    }
    expect(graph?.leads).toBe('a')
  })

  it('the same seed gives the same run, to the byte', () => {
    const graph = NAMED.graphs.find(({ name }) => name === 'three stores')
    if (graph === undefined) throw new Error('no such graph')
    expect(runGraph(graph, 7, {}).trace).toBe(runGraph(graph, 7, {}).trace)
  })
})

describe('the graphs', () => {
  it('families are complete and hold no graph twice', () => {
    const counts: [Family, number][] = [
      [allDirected(3), 64],
      [allConnected(4), 38],
      [allConnected(5), 728],
      [sampledDirected(5, 50, 1), 50],
      [allTieBreakers(), 36],
      [allOverThreeStores(), 512],
    ]
    for (const [{ graphs }, size] of counts) {
      expect(graphs).toHaveLength(size)
      expect(new Set(graphs.map(({ links }) => [...links].sort().join())).size).toBe(size)
    }
    expect(new Set(NAMED.graphs.map(({ name }) => name)).size).toBe(NAMED.graphs.length)
  })

  it('whoever has two-way links with a quorum can lead, and nobody else', () => {
    const by = (name: string): string | undefined => {
      const graph = NAMED.graphs.find((each) => each.name === name)
      return graph && ableToLead(graph).join('')
    }
    expect(['one-way ring', 'star of five', 'send-only', 'chain of five'].map(by)).toEqual([
      '',
      'c',
      'ab',
      'bcd',
    ])
    const [first] = allDirected(3).graphs.filter(({ links }) => links.size === 1)
    expect(first && isTwoWay(first, 'a', 'b')).toBe(false)
  })
})

describe('the report', () => {
  it('says how many runs were wrong, and paints their graphs', () => {
    const family: Family = { name: 'two', graphs: NAMED.graphs.slice(0, 2) }
    const tally = emptyTally(family)
    for (const each of tally.graphs) count(each, runGraph(each.graph, 1))
    expect(familyTable([tally])).toContain('| two | 2 of 2 | 2 | 100 % | 0 |')
    expect(picture([tally], tally)).not.toContain('#d1242f"><title>')
    const [first] = tally.graphs
    if (first === undefined) throw new Error('no graph')
    count(first, { ...runGraph(first.graph, 1), uptime: 0.5, wrong: 'no lease' })
    expect(familyTable([tally])).toMatch(/\| two \| 2 of 2 \| 3 \| 50\.00 % .* \| 1 \|$/m)
    expect(picture([tally], tally)).toContain('#d1242f"><title>')
  })
})
