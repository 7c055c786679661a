/**
 * The sweep as one SVG without scripts, fonts or network: every named graph drawn, every other one a coloured cell.
 *
 * Green rings and cells: a lease, held. Grey: nobody has a quorum, and there was no lease. Red: what should not be. Decides
 * nothing. Read next: `report.ts` (the same as tables).
 */
import type { ProcessId } from 'conclave/core'
import type { Graph } from './graphs'
import { degree, isTwoWay } from './graphs'
import { linksOf } from './report'
import { type FamilyTally, type GraphTally, most, quantile, split } from './tally'

const WIDTH = 1200
const MARGIN = 30
const INK = '#1f2933'
const SOFT = '#66727f'
const LINE = '#3e4c59'
const ONE_WAY = '#d9730d'
const ABLE = '#1a7f5a'
const IDLE = '#d5dae0'
const WRONG = '#d1242f'
/** From at once to slow: how long after the last fault the lease was settled for good. */
const SCALE = ['#d8f3dc', '#a9dfbf', '#6fc39a', '#3d9f78', '#1f7a5c', '#0d5641']
const SCALE_STEP_MS = 700

/** The whole picture. */
export function picture(families: readonly FamilyTally[], named: FamilyTally): string {
  const body: string[] = []
  let y = 112
  for (const [i, tally] of named.graphs.entries()) {
    const column = i % 6
    if (column === 0 && i > 0) y += CARD.height
    body.push(card(tally, MARGIN + column * CARD.width, y))
  }
  y += CARD.height + 30
  body.push(text(MARGIN, y, 'Every other graph', 17, INK, 'bold'))
  y += 22
  body.push(legend(y))
  y += 34
  for (const family of families) {
    body.push(text(MARGIN, y, family.name, 13, INK, 'bold'), summary(family, y))
    y += 10
    const { svg, height } = cells(family, y)
    body.push(svg)
    y += height + 32
  }
  body.push(text(MARGIN, y, 'From the last fault to a lease that stays, all runs', 17, INK, 'bold'))
  y += 18
  const wide = (WIDTH - 2 * MARGIN) / families.length
  for (const [i, family] of families.entries()) body.push(histogram(family, MARGIN + i * wide, y, wide - 24))
  y += 170
  return frame(body.join('\n'), y)
}

function frame(body: string, height: number): string {
  const marker = `<marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 1L9 5L0 9z" fill="${ONE_WAY}"/></marker>`
  const title = 'Leases under partial connectivity'
  const subtitle =
    'Faults for 20 s, then only these links. Wherever a voter has two-way links with a quorum: a lease for all of the last 20 s, no election.'
  const key =
    'Filled: can lead. Square: a store that votes. Ring: share of the runs that it led in the end. Dashed: one way only. *: made leader before the links broke.'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" role="img" aria-label="${title}">
<defs>${marker}</defs>
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
${text(MARGIN, 42, title, 24, INK, 'bold')}
${text(MARGIN, 66, subtitle, 13.5, SOFT)}
${text(MARGIN, 88, key, 12, SOFT)}
${body}
</svg>
`
}

function text(
  x: number,
  y: number,
  words: string,
  size: number,
  fill: string,
  weight = 'normal',
  anchor = 'start',
): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" fill="${fill}" font-weight="${weight}" text-anchor="${anchor}">${escaped}</text>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

// --- named graphs -----------------------------------------------------------------------------------------------------

const CARD = { width: 190, height: 232, radius: 50 }

interface Point {
  readonly x: number
  readonly y: number
}

function card(tally: GraphTally, left: number, top: number): string {
  const { graph, able, settledMs } = tally
  const middle = left + CARD.width / 2
  const centre = { x: middle, y: top + 100 }
  const all = [...graph.ids, ...graph.stores]
  const places = new Map(all.map((id, i) => [id, place(centre, all.length, i)]))
  const parts = [
    `<rect x="${left + 5}" y="${top}" width="${CARD.width - 10}" height="${CARD.height - 12}" rx="8" fill="#fafbfc" stroke="#e4e7eb"/>`,
    `<title>${graph.story} ${linksOf(tally).replaceAll('>', '&gt;')}</title>`,
    text(middle, top + 22, graph.name, 13.5, INK, 'bold', 'middle'),
    ...edges(graph, places),
    ...graph.ids.map((id) => member(tally, id, places.get(id) ?? centre)),
    ...graph.stores.map((id) => store(id, places.get(id) ?? centre)),
  ]
  const held = tally.wrong.length === 0
  if (able.length === 0) {
    parts.push(text(middle, top + 190, 'nobody has a quorum', 12, SOFT, 'bold', 'middle'))
    parts.push(
      text(
        middle,
        top + 207,
        held ? 'never a lease' : 'a lease!',
        11,
        held ? SOFT : WRONG,
        'normal',
        'middle',
      ),
    )
  } else {
    const uptime = `lease ${(100 * tally.leastUptime).toFixed(tally.leastUptime === 1 ? 0 : 1)} %, ${tally.mostChanges} changes`
    parts.push(text(middle, top + 190, uptime, 12, held ? ABLE : WRONG, 'bold', 'middle'))
    const settled = `settled in ${(quantile(settledMs, 0.5) / 1000).toFixed(1)} s, at most ${(most(settledMs) / 1000).toFixed(1)} s`
    parts.push(text(middle, top + 207, settled, 11, SOFT, 'normal', 'middle'))
  }
  return `<g>${parts.join('')}</g>`
}

function place(centre: Point, size: number, index: number): Point {
  const angle = -Math.PI / 2 + (2 * Math.PI * index) / size
  return { x: centre.x + CARD.radius * Math.cos(angle), y: centre.y + CARD.radius * Math.sin(angle) }
}

function edges(graph: Graph, places: ReadonlyMap<ProcessId, Point>): string[] {
  const lines: string[] = []
  const all = [...graph.ids, ...graph.stores]
  for (const a of all) {
    for (const b of all) {
      const from = places.get(a)
      const to = places.get(b)
      if (a === b || from === undefined || to === undefined || !graph.links.has(`${a}>${b}`)) continue
      if (isTwoWay(graph, a, b)) {
        if (a < b) lines.push(edge(from, to, `stroke="${LINE}" stroke-width="1.8"`, 0))
      } else {
        lines.push(
          edge(
            from,
            to,
            `stroke="${ONE_WAY}" stroke-width="1.5" stroke-dasharray="4 3" marker-end="url(#arrow)"`,
            19,
          ),
        )
      }
    }
  }
  return lines
}

function edge(from: Point, to: Point, style: string, gap: number): string {
  const length = Math.hypot(to.x - from.x, to.y - from.y)
  const share = gap / length
  const x = (value: number): number => round(from.x + (to.x - from.x) * value)
  const y = (value: number): number => round(from.y + (to.y - from.y) * value)
  return `<line x1="${x(share)}" y1="${y(share)}" x2="${x(1 - share)}" y2="${y(1 - share)}" ${style}/>`
}

/** A circle with its name; the ring around it is the share of runs that it led in the end. */
function member({ able, leaders, graph, runs }: GraphTally, id: ProcessId, { x, y }: Point): string {
  const canLead = able.includes(id)
  const share = (leaders.get(id) ?? 0) / Math.max(1, runs)
  const around = 2 * Math.PI * 16.5
  const ring =
    share === 0
      ? ''
      : `<circle cx="${round(x)}" cy="${round(y)}" r="16.5" fill="none" stroke="${ABLE}" stroke-width="4" stroke-dasharray="${round(share * around)} ${round(around)}" transform="rotate(-90 ${round(x)} ${round(y)})"/>`
  const fill = canLead ? '#e3f5ec' : '#ffffff'
  const stroke = canLead ? ABLE : '#9aa5b1'
  const star = graph.leads === id ? '*' : ''
  return `<circle cx="${round(x)}" cy="${round(y)}" r="13" fill="${fill}" stroke="${stroke}" stroke-width="1.2"/>${ring}${text(x, y + 4.5, `${id}${star}`, 13, canLead ? INK : SOFT, 'bold', 'middle')}`
}

/** A square: it votes, and never leads. */
function store(id: ProcessId, { x, y }: Point): string {
  return `<rect x="${round(x - 12)}" y="${round(y - 12)}" width="24" height="24" rx="4" fill="#eef1f4" stroke="#9aa5b1" stroke-width="1.2"/>${text(x, y + 4.5, id, 13, SOFT, 'bold', 'middle')}`
}

// --- all graphs -------------------------------------------------------------------------------------------------------

const CELL = 9

function colour(tally: GraphTally): string {
  if (tally.wrong.length > 0) return WRONG
  if (tally.able.length === 0) return IDLE
  const step = Math.min(SCALE.length - 1, Math.floor(most(tally.settledMs) / SCALE_STEP_MS))
  return SCALE[step] ?? IDLE
}

function legend(y: number): string {
  const entries: [string, string][] = [
    [IDLE, 'nobody has a quorum: never a lease'],
    ...SCALE.map((fill, i): [string, string] => [
      fill,
      i === SCALE.length - 1
        ? `${((i * SCALE_STEP_MS) / 1000).toFixed(1)} s and more`
        : `< ${(((i + 1) * SCALE_STEP_MS) / 1000).toFixed(1)} s`,
    ]),
    [WRONG, 'no lease, or not held'],
  ]
  let x = MARGIN
  const parts: string[] = []
  for (const [i, [fill, label]] of entries.entries()) {
    if (i === 1) {
      parts.push(text(x, y, 'held; the slowest run settled in', 12, SOFT))
      x += 206
    }
    parts.push(`<rect x="${x}" y="${y - 10}" width="12" height="12" rx="2" fill="${fill}"/>`)
    parts.push(text(x + 17, y, label, 12, SOFT))
    x += 17 + label.length * 6.3 + 16
  }
  return parts.join('')
}

function summary(family: FamilyTally, y: number): string {
  const { led, leaderless } = split(family)
  const wrong = family.graphs.reduce((sum, each) => sum + each.wrong.length, 0)
  const runs = family.graphs.reduce((sum, each) => sum + each.runs, 0)
  const words = `${led.length} with a possible leader, ${leaderless.length} without; ${runs} runs, ${wrong} wrong; sorted by number of links`
  return text(WIDTH - MARGIN, y, words, 12, SOFT, 'normal', 'end')
}

function cells(family: FamilyTally, top: number): { svg: string; height: number } {
  const columns = Math.floor((WIDTH - 2 * MARGIN) / CELL)
  const sorted = [...family.graphs].sort(
    (a, b) => degree(a.graph) - degree(b.graph) || a.able.length - b.able.length,
  )
  // few graphs get large cells, so that no family looks empty
  const size = Math.min(18, Math.max(CELL, Math.floor((WIDTH - 2 * MARGIN) / sorted.length)))
  const perRow = size === CELL ? columns : sorted.length
  const rects = sorted.map((tally, i) => {
    const x = MARGIN + (i % perRow) * size
    const y = top + Math.floor(i / perRow) * size
    const words = `${linksOf(tally) || 'no link'}: ${tally.able.length === 0 ? 'nobody has a quorum' : `${tally.able.join(' ')} can lead`}`
    return `<rect x="${x}" y="${y}" width="${size - 1}" height="${size - 1}" rx="1.5" fill="${colour(tally)}"><title>${words.replaceAll('>', '&gt;')}</title></rect>`
  })
  return { svg: rects.join(''), height: Math.ceil(sorted.length / perRow) * size }
}

function histogram(family: FamilyTally, left: number, top: number, width: number): string {
  const settled = split(family).led.flatMap(({ settledMs }) => settledMs)
  const bins = new Array<number>(17).fill(0)
  for (const ms of settled)
    bins[Math.min(16, Math.ceil(ms / 250))] = (bins[Math.min(16, Math.ceil(ms / 250))] ?? 0) + 1
  const highest = Math.max(1, ...bins)
  const high = 88
  const base = top + 34 + high
  const bar = width / bins.length
  const bars = bins.map((runs, i) => {
    const tall = runs === 0 ? 0 : Math.max(1.5, (high * runs) / highest)
    const where = i === 0 ? 'already there' : `${(i - 1) * 250}..${i * 250} ms`
    return `<rect x="${round(left + i * bar)}" y="${round(base - tall)}" width="${round(bar - 1.5)}" height="${round(tall)}" fill="${i === 0 ? '#6fc39a' : '#1f7a5c'}"><title>${where}: ${runs} runs</title></rect>`
  })
  const already = ((100 * (bins[0] ?? 0)) / Math.max(1, settled.length)).toFixed(0)
  const ticks = [0, 1, 2, 3, 4].map((s) =>
    text(
      left + (1 + s * 4) * bar - bar / 2,
      base + 15,
      s === 4 ? '4 s+' : `${s}`,
      10.5,
      SOFT,
      'normal',
      'middle',
    ),
  )
  return [
    text(left, top + 16, family.name, 10, INK, 'bold'),
    text(left, top + 31, `${already} % never lost it; most ${(most(settled) / 1000).toFixed(2)} s`, 11, SOFT),
    ...bars,
    `<line x1="${round(left)}" y1="${base + 0.5}" x2="${round(left + width)}" y2="${base + 0.5}" stroke="#9aa5b1"/>`,
    ...ticks,
  ].join('')
}
