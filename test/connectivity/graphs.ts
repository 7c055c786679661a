/**
 * Which links there are: every graph of the sweep, by family, with the graphs that have a name.
 *
 * A graph is a set of directed links between members `a`, `b`, ...; two links in opposite directions are one two-way link.
 * Stores are voters that only answer. Families are labelled, not up to isomorphism: the order of succession depends on names (R69), so the same shape with other
 * names is another case. Decides nothing about runs. Read next: `run.ts`.
 */
import type { ProcessId } from 'conclave/core'
import { Random } from 'conclave/simulation'

/** A topology. */
export interface Graph {
  /** Unique in its family; for people. */
  readonly name: string
  readonly ids: readonly ProcessId[]
  /** Names of stores; they are voters. Without stores every member is one. */
  readonly stores: readonly ProcessId[]
  readonly voters: readonly ProcessId[]
  /** `a>b` for every direction in which frames arrive; `a>s` are requests to a store, `s>a` its answers. */
  readonly links: ReadonlySet<string>
  /** What happened there, for the named ones. */
  readonly story: string
  /** Who leads when the topology begins, if that is the point of the story. */
  readonly leads: ProcessId | null
}

/** Graphs of one kind. */
export interface Family {
  readonly name: string
  readonly graphs: readonly Graph[]
}

/** Members of a graph of that size. */
function members(size: number): readonly ProcessId[] {
  return 'abcde'.slice(0, size).split('')
}

/** Members that vote, and no store. */
function graph(name: string, size: number, links: string, story = '', leads: ProcessId | null = null): Graph {
  const ids = members(size)
  return { name, ids, stores: [], voters: ids, links: parse(links), story, leads }
}

/** Stores as voters: together with both members of two, in place of the members otherwise. */
function withStores(
  name: string,
  size: number,
  stores: string,
  links: string,
  story = '',
  leads: ProcessId | null = null,
): Graph {
  const ids = members(size)
  const names = stores.split('')
  const voters = size === 2 ? [...ids, ...names] : names
  return { name, ids, stores: names, voters, links: parse(links), story, leads }
}

/** `ab` is two-way, `a>b` one way. */
function parse(links: string): ReadonlySet<string> {
  const ways = new Set<string>()
  for (const link of links.split(' ').filter((each) => each !== '')) {
    if (link[1] === '>') ways.add(link)
    else ways.add(`${link[0]}>${link[1]}`).add(`${link[1]}>${link[0]}`)
  }
  return ways
}

/** True if frames arrive in both directions. */
export function isTwoWay({ links }: Graph, a: ProcessId, b: ProcessId): boolean {
  return links.has(`${a}>${b}`) && links.has(`${b}>${a}`)
}

/** Members that have two-way links with a quorum of the voters, themselves counted if they vote: only they can hold a lease. */
export function ableToLead(each: Graph): readonly ProcessId[] {
  const quorum = Math.floor(each.voters.length / 2) + 1
  return each.ids.filter(
    (id) => each.voters.filter((voter) => voter === id || isTwoWay(each, id, voter)).length >= quorum,
  )
}

/** Number of directed links. */
export function degree({ links }: Graph): number {
  return links.size
}

function pairs(size: number): string[] {
  const ids = members(size)
  return ids.flatMap((a, i) => ids.slice(i + 1).map((b) => `${a}${b}`))
}

function arrows(size: number): string[] {
  const ids = members(size)
  return ids.flatMap((a) => ids.filter((b) => b !== a).map((b) => `${a}>${b}`))
}

function subset(links: readonly string[], mask: number): string {
  return links.filter((_, bit) => (mask & (1 << bit)) !== 0).join(' ')
}

function isConnected({ ids, links }: Graph): boolean {
  const seen = new Set(ids.slice(0, 1))
  for (const id of seen) for (const other of ids) if (links.has(`${id}>${other}`)) seen.add(other)
  return seen.size === ids.length
}

/** All directed graphs on that many members: 64 on three. */
export function allDirected(size: number): Family {
  const links = arrows(size)
  const graphs = Array.from({ length: 2 ** links.length }, (_, mask) => {
    const chosen = subset(links, mask)
    return graph(chosen === '' ? 'no link' : chosen, size, chosen)
  })
  return { name: `all directed graphs on ${size}`, graphs }
}

/** All connected undirected graphs on that many members: 38 on four, 728 on five. */
export function allConnected(size: number): Family {
  const links = pairs(size)
  const graphs = Array.from({ length: 2 ** links.length }, (_, mask) => {
    const chosen = subset(links, mask)
    return graph(chosen, size, chosen)
  }).filter(isConnected)
  return { name: `all connected graphs on ${size}`, graphs }
}

/** Distinct directed graphs, drawn so that sparse and dense ones come up alike. Same seed, same graphs. */
export function sampledDirected(size: number, count: number, seed: number): Family {
  const random = new Random(seed)
  const links = arrows(size)
  const found = new Map<string, Graph>()
  while (found.size < count) {
    const density = random.between(0.2, 1)
    const chosen = links.filter(() => random.chance(density)).join(' ')
    found.set(chosen, graph(chosen, size, chosen))
  }
  return { name: `${count} directed graphs on ${size}, drawn`, graphs: [...found.values()] }
}

/** Two members and a store that breaks the tie: every link between them, each way of reaching the store. */
export function allTieBreakers(): Family {
  const graphs: Graph[] = []
  for (const peers of ['', 'a>b', 'b>a', 'ab']) {
    for (const ofA of ['', 'a>s', 'as']) {
      for (const ofB of ['', 'b>s', 'bs']) {
        const links = [peers, ofA, ofB].filter((each) => each !== '').join(' ')
        graphs.push(withStores(links === '' ? 'no link' : links, 2, 's', links))
      }
    }
  }
  return { name: 'two peers and a store', graphs }
}

/** Three members over three stores that vote alone: everybody reaches every subset of them. */
export function allOverThreeStores(): Family {
  const links = ['as', 'at', 'au', 'bs', 'bt', 'bu', 'cs', 'ct', 'cu']
  const graphs = Array.from({ length: 2 ** links.length }, (_, mask) => {
    const chosen = subset(links, mask)
    return withStores(chosen === '' ? 'no link' : chosen, 3, 'stu', chosen)
  })
  return { name: 'three stores', graphs }
}

/** The shapes that have a name, here or elsewhere. */
export const NAMED: Family = {
  name: 'named',
  graphs: [
    graph('whole', 3, 'ab bc ac', 'Every link works.'),
    graph('chain', 3, 'ab bc', 'Only the middle one reaches everybody.'),
    graph(
      'Cloudflare 2020',
      3,
      'ab bc',
      'The leader a and the follower c lose each other; b hears both.',
      'a',
    ),
    graph('one-way link', 3, 'ab ac b>c', 'b does not hear c; everything else works.'),
    graph('send-only', 3, 'ab c>a c>b', 'c sends and hears nothing.'),
    graph('receive-only', 3, 'ab a>c b>c', 'c hears everybody and is heard by nobody.'),
    graph(
      'send-only leader',
      3,
      'bc a>b a>c',
      'The leader a goes on sending and hears nothing any more.',
      'a',
    ),
    graph('receive-only leader', 3, 'bc b>a c>a', 'The leader a hears all, and is heard no more.', 'a'),
    graph('one-way ring', 3, 'a>b b>c c>a', 'Everybody reaches everybody, nobody has an answer.'),
    graph('star of four', 4, 'ab ac ad', 'Only the hub has a quorum; another one leads before.', 'b'),
    graph('chain of five', 5, 'ab bc cd de', 'Three members have two neighbours each.'),
    graph('ring of five', 5, 'ab bc cd de ea', 'Everybody has a quorum, and a different one.'),
    graph(
      'star of five',
      5,
      'ca cb cd ce',
      'Quorum loss: only the hub reaches anybody; a leaf leads before.',
      'a',
    ),
    graph(
      'bridge',
      5,
      'ab de ca cb cd ce',
      'Two sides that meet only in c; the leader is on one of them.',
      'a',
    ),
    graph(
      'constrained',
      5,
      'ab ac ad',
      'The leader e is gone, and of the others only a reaches the rest.',
      'e',
    ),
    graph('send-only of five', 5, 'ab ac ad bc bd cd e>a e>b e>c e>d', 'The leader e hears nothing.', 'e'),
    graph('receive-only of five', 5, 'ab ac ad bc bd cd a>e b>e c>e d>e', 'Nobody hears the leader e.', 'e'),
    graph('two pairs', 5, 'ab cd', 'Nobody has a quorum.', 'a'),
    withStores('tie-breaker', 2, 's', 'as bs', 'Two peers lose each other; both reach the store.', 'a'),
    withStores('store for one', 2, 's', 'bs', 'The leader a loses its peer and the store.', 'a'),
    withStores('store away', 2, 's', 'ab', 'Nobody reaches the store.', 'a'),
    withStores(
      'deaf to the store',
      2,
      's',
      'a>s bs',
      'The leader a writes, and hears no answer any more.',
      'a',
    ),
    withStores('three stores', 3, 'stu', 'as at bt bu cu cs', 'Everybody reaches another two.', 'b'),
    withStores('a store each', 3, 'stu', 'as bt cu', 'Everybody reaches another one.', 'a'),
  ],
}
