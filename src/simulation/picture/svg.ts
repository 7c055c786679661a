/**
 * Draws a window of a run as one static SVG: a lane per process, leases as bars on true time, messages as arrows.
 *
 * The same story and window give the same bytes. Text that would lie over other text is left out; everything has a
 * `<title>`, which a browser shows on hover. Needs no script, no font of its own and no network. Read next: `window.ts`
 * (what is shown), `svg-parts.ts` and `svg-messages.ts` (the pieces), `page.ts` (to zoom in).
 */
import { paletteCss } from './palette'
import type { Story } from './story'
import { messages } from './svg-messages'
import { axis, cuts, faults, lanes, leases, legend, overlaps, roles } from './svg-parts'
import { frameOf, hover, STYLE, tag, text } from './svg-tools'
import { type WindowChoice, windowOf } from './window'

/** How a picture is drawn. */
export interface SvgOptions extends WindowChoice {
  /** Width in pixels. Default 1,280. */
  readonly width?: number
}

/** The picture of a story, as the text of an SVG file. */
export function drawSvg(story: Story, options: SvgOptions = {}): string {
  const { width = 1280 } = options
  const frame = frameOf(story, windowOf(story, options), width)
  const { height } = frame
  const [violation] = story.broken
  const head = [
    text(24, 34, story.title, 'title'),
    text(24, 54, story.command, 'code'),
    violation === undefined
      ? ''
      : text(24, 74, `${violation.property}: ${violation.text}`.slice(0, 180), 'bad'),
  ]
  // What was done to the cluster comes first where labels compete for a place, and last where they lie over each other.
  const done = faults(frame)
  const body = [
    ...lanes(frame),
    ...axis(frame),
    ...cuts(frame),
    ...messages(frame),
    ...roles(frame),
    ...leases(frame),
    ...overlaps(frame),
    ...done,
    ...legend(frame),
  ]
  const size = { width, height, viewBox: `0 0 ${width} ${height}` }
  return `${tag(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', ...size, role: 'img' },
    [hover(story.title), `<style>${paletteCss()}${STYLE}</style>`, DEFS]
      .concat([tag('rect', { width, height, class: 'page' }), ...head, ...body])
      .filter((line) => line !== '')
      .join('\n'),
  )}\n`
}

const DEFS = `<defs>
<pattern id="gone" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" class="lane"/><rect width="2" height="6" class="down"/></pattern>
<pattern id="alarm" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="8" height="8" style="fill:var(--alarm)"/><rect width="3" height="8" style="fill:var(--page)"/></pattern>
</defs>`
