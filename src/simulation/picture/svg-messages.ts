/**
 * Messages of the static picture: arrows between lanes, from sending to reading, and what they say where there is room.
 *
 * A message that is lost ends in a cross; an answer is dashed; a heartbeat is faint. Read next: `svg-parts.ts`.
 */
import type { Message } from './story'
import { escapeText, type Frame, hover, millis, round, tag, widthOf } from './svg-tools'

/** More heartbeats than that are left out: they would hide everything else. */
const MOST_ROUTINE = 350
/** Share of the way at which a frame that never left the network ends. */
const LOST_AT = 0.42

/** Frames: heartbeats faint and below, everything else above. */
export function messages(frame: Frame): string[] {
  const { story, window } = frame
  const seen = story.messages.filter(
    ({ sentMs, arrivedMs, lostMs }) =>
      sentMs < window.toMs && (arrivedMs ?? lostMs ?? sentMs) >= window.fromMs,
  )
  // Replays of old frames are many, and change nothing (R24): the page shows them on demand.
  const inTime = seen.filter(({ again }) => again !== 'replay')
  const routine = inTime.filter((message) => message.routine)
  const shown = routine.length > MOST_ROUTINE ? [] : routine
  const others = inTime.filter((message) => !message.routine)
  return [
    ...shown.flatMap((message) => arrow(frame, message)),
    ...others.flatMap((message) => arrow(frame, message)),
    ...others.map((message) => label(frame, message)),
  ]
}

interface Ends {
  readonly x1: number
  readonly y1: number
  readonly x2: number
  readonly y2: number
}

/** Where an arrow begins and ends: at the edges of the bars, cut off at the edges of the window. */
function endsOf({ story, window, stack, left, right, y }: Frame, message: Message): Ends {
  const { from, to, sentMs, arrivedMs, lostMs } = message
  const down = story.nodes.indexOf(to) > story.nodes.indexOf(from) ? 1 : -1
  const scale = (right - left) / (window.toMs - window.fromMs)
  const x = (at: number): number => left + (at - window.fromMs) * scale
  const y1 = y(from) + down * (stack / 2 + 1)
  const y2 = y(to) - down * (stack / 2 + 1)
  const way = (at: number, share = 1): Ends => ({ x1: x(sentMs), y1, x2: x(at), y2: y1 + (y2 - y1) * share })
  if (arrivedMs !== null) return way(arrivedMs)
  if (lostMs !== null && lostMs > sentMs) return way(lostMs)
  return lostMs === null ? way(window.toMs, 1) : way(sentMs + 6 / scale, LOST_AT)
}

function kindOf({ routine, reply, again }: Message): string {
  if (again === 'replay') return 'replay'
  return routine ? 'routine' : reply ? 'reply' : 'ask'
}

function arrow(frame: Frame, message: Message): string[] {
  const { x1, y1, x2, y2 } = endsOf(frame, message)
  const { left, right } = frame
  if (x2 < left || x1 > right) return []
  // Cut off what lies outside, at the same slope.
  const at = (x: number): number => (x2 === x1 ? y2 : y1 + ((y2 - y1) * (x - x1)) / (x2 - x1))
  const a = x1 < left ? [left, at(left)] : [x1, y1]
  const b = x2 > right ? [right, at(right)] : [x2, y2]
  const [ax = 0, ay = 0] = a
  const [bx = 0, by = 0] = b
  const kind = kindOf(message)
  const d = `M${round(ax)} ${round(ay)}L${round(bx)} ${round(by)}`
  const out = [tag('path', { d, class: kind }, hover(describe(message)))]
  if (x2 > right) return out
  out.push(message.lost === null ? head(x1, y1, x2, y2, kind) : cross(x2, y2))
  return out
}

/** What happened to a message, as a sentence. */
function describe({ from, to, text: what, sentMs, arrivedMs, lost, again }: Message): string {
  const fate =
    lost === null ? (arrivedMs === null ? 'under way' : `read at ${millis(arrivedMs)}`) : `lost: ${lost}`
  return `${from} to ${to}: ${what} (${again === null ? '' : `${again}, `}sent at ${millis(sentMs)}, ${fate})`
}

/** The head of an arrow. */
export function head(x1: number, y1: number, x2: number, y2: number, kind: string): string {
  const length = Math.hypot(x2 - x1, y2 - y1)
  if (length < 4) return ''
  const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length]
  const size = kind === 'routine' ? 4 : 6.5
  const wing = (side: number): string =>
    `${round(x2 - size * ux - side * size * 0.42 * uy)} ${round(y2 - size * uy + side * size * 0.42 * ux)}`
  return tag('path', { d: `M${round(x2)} ${round(y2)}L${wing(1)}L${wing(-1)}Z`, class: `${kind} head` })
}

/** Where something was lost. */
export function cross(x: number, y: number): string {
  return tag('path', { d: `M${round(x - 3)} ${round(y - 3)}l6 6m0 -6l-6 6`, class: 'lost' })
}

/** What a message says, in a word or two: what stands first in it, and its term. */
function shortText({ text: what }: Message): string {
  const parts = what.split('; ').filter((part) => !/^(?:heartbeat|probe|ack) /.test(part))
  const [first = ''] = parts
  const [kind = '', ...rest] = first.split(' ')
  const term = /\bT\d+/.exec(first)?.[0] ?? ''
  const answer = /\b(?:yes|no\b[^,;]*)/.exec(rest.join(' '))?.[0] ?? ''
  const name = kind
    .replace('requestVote', 'vote?')
    .replace('preVote', 'pre-vote?')
    .replace(/^(?:vote|pre-vote\?)Reply$/, '')
  const more = parts.length > 1 ? ` +${parts.length - 1}` : ''
  return `${[name, answer === '' ? term : answer].filter(Boolean).join(' ')}${more}`
}

function label(frame: Frame, message: Message): string {
  if (message.again !== null) return ''
  const { x1, y1, x2, y2 } = endsOf(frame, message)
  const plain = shortText(message)
  const wide = widthOf(plain, 10)
  for (const share of [0.5, 0.35, 0.65, 0.2]) {
    const x = x1 + (x2 - x1) * share + 4
    const y = y1 + (y2 - y1) * share + 4
    if (frame.isBetweenLanes(y - 9, y + 2) && frame.claim(x, y - 9, wide, 11)) {
      const kind = message.reply ? 'replyt' : 'askt'
      return tag('text', { x, y, class: `small halo ${kind}` }, escapeText(plain) + hover(describe(message)))
    }
  }
  return ''
}
