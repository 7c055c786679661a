/**
 * Goal: no scenario of the list is forgotten, and no test names one that is not on it. Method: the table of `names.ts` against
 * the titles in this folder's test files, and against what `README.md` says is left out.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ETCD, HASHICORP } from './names'
import { SCRIPTS } from './scripts'

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

/** Upstream names in the titles of a test file: what stands before the colon. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/\bit\(\s*['"`]((?:etcd|hashicorp) [^:'"`$]+):/g)].map(([, name]) => name ?? '')
}

const titles = new Set([
  ...readdirSync(new URL('.', import.meta.url))
    .filter((name) => name.endsWith('.test.ts') && name !== 'catalogue.test.ts')
    .flatMap((name) => namesIn(read(name))),
  ...SCRIPTS.map(({ name }) => `etcd testdata/${name}`),
])

describe.each([
  { source: 'etcd', list: ETCD, least: 95 },
  { source: 'hashicorp', list: HASHICORP, least: 20 },
])('scenarios of $source', ({ source, list, least }) => {
  const all = Object.entries(list)
  const tested = all.filter(([, state]) => state === 'tested').map(([name]) => name)
  const leftOut = all.filter(([, state]) => state !== 'tested')

  it(`at least ${least} are named, and most of them tested`, () => {
    expect(all.length).toBeGreaterThanOrEqual(least)
    expect(tested.length).toBeGreaterThan(0.75 * all.length)
  })

  it('every name has a test of that title, or a reason', () => {
    expect(tested.filter((name) => !titles.has(`${source} ${name}`))).toEqual([])
    expect(leftOut.filter(([, reason]) => !/^(?:waits for|concerns only) \w+/.test(reason))).toEqual([])
  })

  it('no name has both, and no title names what is not on the list', () => {
    expect(leftOut.filter(([name]) => titles.has(`${source} ${name}`))).toEqual([])
    const named = [...titles].filter((title) => title.startsWith(`${source} `))
    expect(named.filter((title) => list[title.slice(source.length + 1)] === undefined)).toEqual([])
  })

  it('README.md lists exactly what is left out, with the reason, and the counts', () => {
    const text = read('README.md')
    const rows = text.split('\n').filter((line) => line.startsWith(`| ${source}`))
    const wanted = leftOut.map(([name, reason]) => `\`${name}\` | ${reason} |`)
    expect(rows.map((row) => row.slice(row.indexOf('`')))).toEqual(wanted)
    expect(text.replaceAll('\n', ' ')).toContain(`${tested.length} of ${all.length} of ${source}`)
  })
})

it('a title without a colon, or of nobody, is no scenario', () => {
  expect(namesIn("it('etcd TestLeaderElection: one wins'")).toEqual(['etcd TestLeaderElection'])
  expect(namesIn("it('etcd TestLeaderElection'")).toEqual([])
  expect(namesIn("it('R7: nobody is deposed'")).toEqual([])
})
