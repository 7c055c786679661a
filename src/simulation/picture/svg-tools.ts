/**
 * Coordinates, elements and the placing of labels for `svg-parts.ts`. Knows nothing of elections.
 */
import type { ElectionName, ProcessId } from '../../core/types'
import { ELECTION_COLOURS } from './palette'
import type { Span, Story } from './story'

/** A rectangle that is taken. */
interface Box {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

/** Everything that a piece of the picture needs to know. */
export interface Frame {
  readonly story: Story
  readonly window: Span
  readonly width: number
  readonly height: number
  /** Left and right end of the lanes. */
  readonly left: number
  readonly right: number
  /** Upper edge of the first lane, and lower edge of the last. */
  readonly top: number
  readonly bottom: number
  /** Height of the stack of bars in a lane. */
  readonly stack: number
  x(ms: number): number
  /** Middle of a lane. */
  y(node: ProcessId): number
  /** Upper edge of the bar of an election in the lane of a node. */
  bar(node: ProcessId, election: ElectionName): number
  colour(election: ElectionName): string
  /** True if any of it is inside of the window. */
  shows(span: { readonly fromMs: number; readonly toMs: number }): boolean
  /** True if nothing between these heights lies over the bars of a lane. */
  isBetweenLanes(yTop: number, yBottom: number): boolean
  /** Takes the place of a label if it is free; false if something is there. */
  claim(x: number, y: number, w: number, h: number): boolean
}

/** Height of the bar of one election, and of the room between two lanes. */
export const BAR = 18
const GAP = 62
const GUTTER = 64
const HEAD = 96
const FOOT = 104

/** Places everything. */
export function frameOf(story: Story, window: Span, width: number): Frame {
  const { nodes, elections } = story
  const stack = Math.max(1, elections.length) * (BAR + 3) - 3
  const pitch = stack + GAP
  const top = HEAD + 26
  const bottom = top + nodes.length * pitch - GAP
  const left = GUTTER
  const right = width - 24
  const scale = (right - left) / (window.toMs - window.fromMs)
  const taken: Box[] = []
  const y = (node: ProcessId): number => top + nodes.indexOf(node) * pitch + stack / 2
  return {
    ...{ story, window, width, left, right, top, bottom, stack },
    height: bottom + FOOT,
    x: (ms) => left + (Math.min(Math.max(ms, window.fromMs), window.toMs) - window.fromMs) * scale,
    y,
    bar: (node, election) => y(node) - stack / 2 + elections.indexOf(election) * (BAR + 3),
    colour: (election) => `var(--e${elections.indexOf(election) % ELECTION_COLOURS})`,
    shows: ({ fromMs, toMs }) => fromMs < window.toMs && toMs > window.fromMs,
    isBetweenLanes: (yTop, yBottom) =>
      nodes.every((node) => yBottom < y(node) - stack / 2 - 5 || yTop > y(node) + stack / 2 + 5),
    claim(x, yTop, w, h) {
      if (x < left - 2 || x + w > right + 2) return false
      const hit = taken.some(
        (box) => x < box.x + box.w && box.x < x + w && yTop < box.y + box.h && box.y < yTop + h,
      )
      if (!hit) taken.push({ x, y: yTop, w, h })
      return !hit
    },
  }
}

/** A number with at most one digit behind the point. */
export function round(value: number): string {
  return String(Math.round(value * 10) / 10)
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Text as it may stand in SVG and HTML. */
export function escapeText(plain: string): string {
  return plain.replace(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign)
}

/** An element. */
export function tag(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  content = '',
): string {
  const list = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === 'number' ? round(value) : escapeText(value)}"`,
  )
  return content === '' ? `<${name}${list.join('')}/>` : `<${name}${list.join('')}>${content}</${name}>`
}

/** A line of text with its baseline at y. */
export function text(x: number, y: number, plain: string, kind: string): string {
  return plain === '' ? '' : tag('text', { x, y, class: kind }, escapeText(plain))
}

/** A time or duration for readers. */
export function millis(value: number): string {
  return `${(Math.round(value * 10) / 10).toLocaleString('en')} ms`
}

/** What a browser shows on hover. */
export function hover(plain: string): string {
  return `<title>${escapeText(plain)}</title>`
}

/** Width of a text of that many pixels of height, roughly and never too little. */
export function widthOf(plain: string, size: number): number {
  return plain.length * size * 0.58 + 2
}

/** Styles of all pieces. */
export const STYLE = `
text{font:11px ui-sans-serif,system-ui,"Segoe UI",Helvetica,Arial,sans-serif;fill:var(--text)}
.title{font-size:19px;font-weight:600}.code,.soft{fill:var(--soft)}.code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12px}
.bad{fill:var(--alarm);font-weight:600;font-size:12px}.node{font-size:17px;font-weight:650;text-anchor:middle}
.page{fill:var(--page)}.lane{fill:var(--lane)}.down{fill:var(--down)}.gone{fill:url(#gone)}
.grid{stroke:var(--grid)}.line{stroke:var(--line);stroke-width:1.5}
.onbar{font-weight:650;fill:var(--onBar)}.halo{stroke:var(--page);stroke-width:3px;paint-order:stroke;stroke-linejoin:round}
.ask,.reply,.routine,.replay{fill:none;stroke:var(--ask);stroke-width:1.2}.reply{stroke:var(--reply);stroke-dasharray:5 3}
.routine{stroke:var(--routine);stroke-width:.7}.replay{stroke:var(--replay);stroke-dasharray:1.5 3}
.head{stroke:none;fill:var(--ask)}.reply.head{fill:var(--reply)}.routine.head{fill:var(--routine)}.replay.head{fill:var(--replay)}
.lost{stroke:var(--alarm);stroke-width:1.6;fill:none}.small{font-size:10px}.askt{fill:var(--ask)}.replyt{fill:var(--reply)}
.band{fill:var(--alarm);fill-opacity:.08;stroke:var(--alarm);stroke-opacity:.6}.hatched{fill:url(#alarm);stroke:var(--alarm);stroke-width:2}
.mark{fill:var(--text)}.markl{stroke:var(--text);stroke-width:1;stroke-dasharray:2 2}.middle{text-anchor:middle}.end{text-anchor:end}
.pause{fill:var(--pause)}.suspend{fill:var(--suspend)}.cut{fill:var(--cut)}.cutt{fill:var(--cut);font-weight:600}
@media print{:root{color-scheme:light}}
`
