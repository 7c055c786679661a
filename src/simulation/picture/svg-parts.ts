/**
 * The pieces of the static picture, in the order in which they are drawn: later ones lie above earlier ones.
 *
 * Each function takes the frame and gives elements. Labels claim their place and are left out where it is taken, the
 * important ones first. Read next: `svg.ts`.
 */
import type { LeaseSpan } from './story'
import { cross, head } from './svg-messages'
import { BAR, type Frame, hover, millis, round, tag, text, widthOf } from './svg-tools'

/** A band per process, its line while it lives, and what holds it up. */
export function lanes(frame: Frame): string[] {
  const { story, left, right, stack, x, y, shows } = frame
  const out: string[] = []
  for (const node of story.nodes) {
    const top = y(node) - stack / 2 - 5
    const band = { y: top, height: stack + 10 }
    out.push(
      tag('rect', { x: left, ...band, width: right - left, rx: 4, class: 'gone' }, hover(`${node} is down`)),
    )
    out.push(text(32, y(node) + 6, node, 'node'))
    for (const { node: id, fromMs, toMs } of story.lives.filter(
      (life) => life.node === node && shows(life),
    )) {
      const from = x(fromMs)
      out.push(tag('rect', { x: from, ...band, width: x(toMs) - from, class: 'lane' }))
      out.push(tag('line', { x1: from, x2: x(toMs), y1: y(id), y2: y(id), class: 'line' }))
    }
    for (const { kind, fromMs, toMs } of story.stills.filter(
      (still) => still.node === node && shows(still),
    )) {
      const what = kind === 'pause' ? 'stands still' : 'host is asleep'
      const from = x(fromMs)
      const width = Math.max(1.5, x(toMs) - from)
      const shade = { x: from, ...band, width, class: kind, 'fill-opacity': '.38' }
      out.push(tag('rect', shade, hover(`${node} ${what} for ${millis(toMs - fromMs)}`)))
      const label = kind === 'pause' ? 'paused' : 'suspended'
      if (width > widthOf(label, 10) && frame.claim(from + 3, top - 13, widthOf(label, 10), 11)) {
        out.push(text(from + 3, top - 4, label, 'small soft'))
      }
    }
  }
  return out
}

/** Grid and figures of true time. */
export function axis({ window, left, right, top, bottom, x }: Frame): string[] {
  const raw = (window.toMs - window.fromMs) / 9
  const power = 10 ** Math.floor(Math.log10(raw))
  const unit = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= raw) ?? raw
  const out: string[] = []
  for (let at = Math.ceil(window.fromMs / unit) * unit; at <= window.toMs; at += unit) {
    out.push(tag('line', { x1: x(at), x2: x(at), y1: top - 16, y2: bottom + 14, class: 'grid' }))
    if (x(at) < right - 30) out.push(text(x(at), bottom + 28, millis(at), 'soft middle'))
  }
  out.push(text(right, bottom + 28, 'true time', 'soft end'))
  out.push(tag('line', { x1: left, x2: right, y1: bottom + 14, y2: bottom + 14, class: 'grid' }))
  return out
}

/** What is cut, in a strip above the lanes. */
export function cuts({ story, top, x, shows, claim }: Frame): string[] {
  return story.cuts.filter(shows).flatMap(({ fromMs, toMs, text: what }) => {
    const from = x(fromMs)
    const width = Math.max(2, x(toMs) - from)
    const bar = tag(
      'rect',
      { x: from, y: top - 24, width, height: 4, rx: 2, class: 'cut' },
      hover(`cut ${what}`),
    )
    const label = `cut ${what}`
    const fits = width > 40 && claim(from, top - 38, widthOf(label, 10), 12)
    return fits ? [bar, text(from, top - 28, label, 'small cutt')] : [bar]
  })
}

/** Who stands: thin boxes; dashed for a pre-vote, which changes nothing anywhere (R8). */
export function roles(frame: Frame): string[] {
  const { story, x, bar, colour, shows } = frame
  return story.roles.filter(shows).map(({ node, election, role, fromMs, toMs }) => {
    const from = x(fromMs)
    const box = { x: from, y: bar(node, election) + 4, width: Math.max(1.5, x(toMs) - from), height: BAR - 8 }
    const style = `fill:${colour(election)};fill-opacity:${role === 'candidate' ? '.3' : '.12'};stroke:${colour(election)}`
    const dash = role === 'candidate' ? {} : { 'stroke-dasharray': '2 2' }
    return tag('rect', { ...box, rx: 2, style, ...dash }, hover(`${node} is ${role} in ${election}`))
  })
}

/** Leaderships: pale from winning to losing, solid where the lease is valid. */
export function leases(frame: Frame): string[] {
  return frame.story.leases.filter(frame.shows).flatMap((lease) => leaseBar(frame, lease))
}

function leaseBar({ x, bar, colour, shows, window, claim }: Frame, lease: LeaseSpan): string[] {
  const { node, election, term, fromMs, toMs, valid, reason } = lease
  const y = bar(node, election)
  const fill = colour(election)
  const last = valid.at(-1)
  const end = `${reason === null ? 'stands' : reason} at ${millis(toMs)}`
  const note = `${node} leads ${election} in term ${term} (token ${term}) from ${millis(fromMs)}; lease valid to ${millis(last?.toMs ?? fromMs)}; ${end}`
  const outer = { x: x(fromMs), y: y + 1, width: Math.max(1.5, x(toMs) - x(fromMs)), height: BAR - 2, rx: 3 }
  const out = [tag('rect', { ...outer, style: `fill:${fill};fill-opacity:.22;stroke:${fill}` }, hover(note))]
  for (const span of valid.filter(shows)) {
    const from = x(span.fromMs)
    const width = Math.max(1.5, x(span.toMs) - from)
    out.push(
      tag(
        'rect',
        { x: from, y, width, height: BAR, rx: 3, style: `fill:${fill}`, class: 'lease' },
        hover(note),
      ),
    )
  }
  const [first] = valid.filter(shows)
  if (first === undefined) return out
  const room = x(first.toMs) - x(first.fromMs)
  const label = [`${election}  T${term}`, `T${term}`].find((one) => widthOf(one, 11) + 8 < room)
  if (label !== undefined) out.push(text(x(first.fromMs) + 6, y + 13, label, 'onbar'))
  if (reason !== null && toMs < window.toMs) {
    const wide = widthOf(reason, 10)
    if (claim(x(toMs) + 4, y + 3, wide, 11)) out.push(text(x(toMs) + 4, y + 13, reason, 'small halo soft'))
  }
  return out
}

/** Two leases at once: nobody may overlook it. The bars that lie over each other are hatched. */
export function overlaps({ story, top, bottom, x, bar, shows, claim }: Frame): string[] {
  return story.overlaps.filter(shows).flatMap(({ fromMs, toMs, election, nodes }) => {
    const from = x(fromMs)
    const width = Math.max(3, x(toMs) - from)
    const note = `${nodes.join(' and ')} hold leases of ${election} at the same time for ${millis(toMs - fromMs)}`
    const band = { x: from, y: top - 12, width, height: bottom - top + 24, class: 'band' }
    const label = `two leases of ${election}`
    const labelled = claim(from, top - 38, widthOf(label, 12), 13)
    return [
      tag('rect', band, hover(note)),
      ...nodes.map((node) =>
        tag('rect', { x: from, y: bar(node, election), width, height: BAR, class: 'hatched' }, hover(note)),
      ),
      labelled ? text(from + 2, top - 28, label, 'bad') : '',
    ]
  })
}

/** Faults and orders, at the upper edge of the lane that they befall. */
export function faults(frame: Frame): string[] {
  const { story, window, stack, x, y } = frame
  const inside = story.marks.filter(({ atMs }) => atMs >= window.fromMs && atMs <= window.toMs)
  for (const { atMs, nodes } of inside) {
    for (const node of nodes) frame.claim(x(atMs) - 5, y(node) - stack / 2 - 17, 10, 11)
  }
  return inside.flatMap(({ atMs, kind, nodes, text: what }) =>
    nodes.flatMap((node) => {
      const at = x(atMs)
      const top = y(node) - stack / 2 - 5
      const line = tag('line', { x1: at, x2: at, y1: top, y2: top + stack + 10, class: 'markl' })
      const sign = tag(
        'path',
        { d: signOf(kind, at, top), class: 'mark' },
        hover(`${what} at ${millis(atMs)}`),
      )
      const word =
        kind === 'quality'
          ? 'links change'
          : what.replace(`of ${node} `, '').replace(`${node} `, '').replace(/^the /, '')
      const wide = widthOf(word, 10)
      const fits = wide < 200 && frame.claim(at + 6, top - 12, wide, 11)
      return fits ? [line, sign, text(at + 6, top - 3, word, 'small halo')] : [line, sign]
    }),
  )
}

/** A cross for an end, a triangle for a beginning, a diamond for a disk or a clock, a dot for an order. */
function signOf(kind: string, x: number, top: number): string {
  const at = `M${round(x)} ${round(top - 6)}`
  if (kind === 'crash') return `${at}m-5 -5l2 -2 3 3 3 -3 2 2 -3 3 3 3 -2 2 -3 -3 -3 3 -2 -2 3 -3z`
  if (kind === 'stop') return `${at}m-4 -4h8v8h-8z`
  if (kind === 'start') return `${at}m-4 4l4 -8 4 8z`
  if (kind === 'disk' || kind === 'clock') return `${at}m0 -5l4 5 -4 5 -4 -5z`
  return `${at}m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z`
}

/** What is what. */
export function legend(frame: Frame): string[] {
  const { story, bottom, left, width } = frame
  const out: string[] = []
  let x = left
  let y = bottom + 56
  const entry = (wide: number, label: string, draw: (x: number, y: number) => string): void => {
    const all = wide + 6 + widthOf(label, 11) + 16
    if (x + all > width - 16) {
      x = left
      y += 22
    }
    out.push(draw(x, y), text(x + wide + 6, y + 4, label, 'soft'))
    x += all
  }
  const rect =
    (style: string, extra: Readonly<Record<string, string>> = {}) =>
    (at: number, mid: number) =>
      tag('rect', { x: at, y: mid - 6, width: 24, height: 12, rx: 2, style, ...extra })
  const line = (kind: string) => (at: number, mid: number) =>
    tag('path', { d: `M${at} ${mid}h20`, class: kind }) + head(at, mid, at + 24, mid, kind)
  for (const election of story.elections)
    entry(24, `${election}: lease valid`, rect(`fill:${frame.colour(election)}`))
  entry(24, 'T3: term 3, token 3', (at, mid) =>
    tag('text', { x: at + 4, y: mid + 4, style: 'font-weight:650' }, 'T3'),
  )
  entry(24, 'stands for election', rect('fill:var(--e0);fill-opacity:.3;stroke:var(--e0)'))
  entry(24, 'request', line('ask'))
  entry(24, 'answer', line('reply'))
  entry(24, 'heartbeat', line('routine'))
  entry(12, 'lost', (at, mid) => cross(at + 6, mid))
  entry(24, 'down', rect('', { class: 'gone' }))
  entry(24, 'paused', rect('fill-opacity:.38', { class: 'pause' }))
  entry(24, 'asleep', rect('fill-opacity:.38', { class: 'suspend' }))
  return out
}
