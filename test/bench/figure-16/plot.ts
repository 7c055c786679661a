/**
 * Draws Figure 16 as a picture that needs nothing else: upper panel on a logarithmic axis, lower on a linear one, as in the
 * paper. Dots: the paper. Thin lines: its algorithm, by the shipping core. Thick lines: the library's own election. Colours
 * are those of Okabe and Ito, which the colour-blind tell apart; text is placed beside the lines where there is room.
 */
import { paperSteps, quantile, RANDOMNESS, type Range, SCALE } from './curves'

/** What is drawn: sorted times by range, ms. */
export interface Runs {
  readonly reproduced: ReadonlyMap<Range, readonly number[]>
  readonly ours: ReadonlyMap<Range, readonly number[]>
}

const COLOURS = ['#7a7a7a', '#d55e00', '#e69f00', '#009e73', '#56b4e9', '#0072b2'] as const
const SCALE_COLOURS = ['#cc79a7', '#d55e00', '#e69f00', '#009e73', '#0072b2'] as const
const INK = '#1f2328'
const FAINT = '#59636e'
const WIDTH = 920
const LEFT = 74
const PLOT_WIDTH = 640
const PLOT_HEIGHT = 300
const LEGEND_X = LEFT + PLOT_WIDTH + 26

interface Panel {
  readonly top: number
  readonly title: string
  readonly ticks: readonly (readonly [number, string])[]
  readonly x: (ms: number) => number
  readonly ranges: readonly Range[]
  readonly colours: readonly string[]
}

const number = (value: number): string => String(Math.round(value * 10) / 10)

function text(x: number, y: number, value: string, style = ''): string {
  return `<text x="${number(x)}" y="${number(y)}" ${style}>${value}</text>`
}

function yOf({ top }: Panel, share: number): number {
  return top + PLOT_HEIGHT * (1 - share)
}

function frame(panel: Panel): string {
  const bottom = panel.top + PLOT_HEIGHT
  const out = [text(LEFT, panel.top - 14, panel.title, `font-size="15" font-weight="600" fill="${INK}"`)]
  for (const share of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    const y = yOf(panel, share)
    out.push(`<path d="M${LEFT} ${number(y)}h${PLOT_WIDTH}" stroke="#e3e6ea"/>`)
    out.push(text(LEFT - 10, y + 4, `${Math.round(share * 100)} %`, `text-anchor="end" fill="${FAINT}"`))
  }
  for (const [ms, label] of panel.ticks) {
    const x = panel.x(ms)
    out.push(`<path d="M${number(x)} ${panel.top}V${bottom}" stroke="#e3e6ea"/>`)
    out.push(text(x, bottom + 19, label, `text-anchor="middle" fill="${FAINT}"`))
  }
  out.push(
    text(LEFT + PLOT_WIDTH / 2, bottom + 41, 'time without a leader', `text-anchor="middle" fill="${INK}"`),
  )
  const middle = panel.top + PLOT_HEIGHT / 2
  const turn = `text-anchor="middle" fill="${INK}" transform="rotate(-90 20 ${middle})"`
  out.push(text(20, middle, 'elections that are over', turn))
  out.push(`<path d="M${LEFT} ${panel.top}V${bottom}H${LEFT + PLOT_WIDTH}" fill="none" stroke="${FAINT}"/>`)
  return out.join('\n')
}

function line(panel: Panel, sorted: readonly number[], style: string): string {
  const points: string[] = []
  for (let percent = 0; percent <= 100; percent++) {
    const x = Math.min(panel.x(quantile(sorted, percent / 100)), LEFT + PLOT_WIDTH)
    points.push(`${number(x)},${number(yOf(panel, percent / 100))}`)
  }
  return `<polyline points="${points.join(' ')}" fill="none" stroke-linejoin="round" ${style}/>`
}

function dots(panel: Panel, range: Range, colour: string): string {
  const out: string[] = []
  for (const [step, ms] of paperSteps(range).entries()) {
    const x = panel.x(ms)
    if (x > LEFT + PLOT_WIDTH) continue
    out.push(`<circle cx="${number(x)}" cy="${number(yOf(panel, step / 20))}" r="2.6"/>`)
  }
  return `<g fill="#fff" stroke="${colour}" stroke-width="1.4">${out.join('')}</g>`
}

function key(x: number, y: number, mark: string, label: string): string {
  return `<g transform="translate(${x} ${y})">${mark}</g>${text(x + 36, y + 4, label, `fill="${INK}"`)}`
}

function legend(panel: Panel, ours: readonly (readonly [string, string])[]): string {
  const out: string[] = []
  let y = panel.top + 10
  const heading = (label: string): void => {
    out.push(text(LEGEND_X, y + 4, label, `font-weight="600" fill="${INK}"`))
    y += 21
  }
  heading('random time-outs')
  for (const [index, range] of panel.ranges.entries()) {
    const colour = panel.colours[index]
    const mark = `<path d="M0 0h28" stroke="${colour}" stroke-width="1.6"/><circle cx="14" r="2.8" fill="#fff" stroke="${colour}" stroke-width="1.4"/>`
    out.push(key(LEGEND_X, y, mark, `${range.replace('-', '–')} ms`))
    y += 20
  }
  y += 10
  heading('Conclave')
  for (const [label, colour] of ours) {
    out.push(key(LEGEND_X, y, `<path d="M0 0h28" stroke="${colour}" stroke-width="3.5"/>`, label))
    y += 20
  }
  return out.join('\n')
}

function upper(runs: Runs): string {
  const decades: readonly (readonly [number, string])[] = [
    [100, '100 ms'],
    [1000, '1 s'],
    [10_000, '10 s'],
    [100_000, '100 s'],
  ]
  const low = Math.log10(60)
  const high = Math.log10(600_000)
  const panel: Panel = {
    top: 104,
    title: 'Less and less randomness: minimum 150 ms, logarithmic axis',
    ticks: decades,
    x: (ms) => LEFT + (PLOT_WIDTH * (Math.log10(ms) - low)) / (high - low),
    ranges: RANDOMNESS,
    colours: COLOURS,
  }
  const out = [frame(panel)]
  for (const [index, range] of RANDOMNESS.entries()) {
    const colour = COLOURS[index] ?? INK
    out.push(line(panel, runs.reproduced.get(range) ?? [], `stroke="${colour}" stroke-width="1.6"`))
    out.push(dots(panel, range, colour))
  }
  out.push(line(panel, runs.ours.get('150-300') ?? [], `stroke="${INK}" stroke-width="3.5"`))
  out.push(legend(panel, [['any range', INK]]))
  return out.join('\n')
}

function lower(runs: Runs): string {
  const most = 400
  const panel: Panel = {
    top: 104 + PLOT_HEIGHT + 104,
    title: 'Shorter and shorter: linear axis',
    ticks: [0, 100, 200, 300, 400].map((ms) => [ms, `${ms} ms`] as const),
    x: (ms) => LEFT + (PLOT_WIDTH * ms) / most,
    ranges: SCALE,
    colours: SCALE_COLOURS,
  }
  const out = [frame(panel)]
  const ours: [string, string][] = []
  for (const [index, range] of SCALE.entries()) {
    const style = `stroke="${SCALE_COLOURS[index]}" stroke-width="3.5"`
    out.push(line(panel, runs.ours.get(range) ?? [], style))
  }
  for (const [index, range] of SCALE.entries()) {
    const colour = SCALE_COLOURS[index] ?? INK
    out.push(line(panel, runs.reproduced.get(range) ?? [], `stroke="${colour}" stroke-width="1.6"`))
    out.push(dots(panel, range, colour))
    ours.push([`${range.replace('-', '–')} ms`, colour])
  }
  out.push(legend(panel, ours))
  return out.join('\n')
}

/** The picture, as the text of an SVG file. */
export function plot(runs: Runs, n: number): string {
  const height = 104 + 2 * PLOT_HEIGHT + 104 + 62
  const mark = `<circle cx="6" cy="-4" r="2.8" fill="#fff" stroke="${FAINT}" stroke-width="1.4"/>`
  const thin = `<path d="M0 -4h24" stroke="${FAINT}" stroke-width="1.6"/>`
  const thick = `<path d="M0 -4h24" stroke="${INK}" stroke-width="3.5"/>`
  const label = (x: number, body: string, shift: number, value: string): string =>
    `<g transform="translate(${x} 62)">${body}${text(shift, 0, value, `fill="${INK}"`)}</g>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="13">
<title id="title">Time without a leader after a crash: Figure 16 of the Raft paper, its algorithm in the simulator, and Conclave</title>
<rect width="${WIDTH}" height="${height}" rx="8" fill="#fff"/>
${text(LEFT, 34, 'Time without a leader after a crash', `font-size="20" font-weight="600" fill="${INK}"`)}
${label(LEFT, mark, 18, 'Raft paper, Figure 16')}
${label(LEFT + 190, thin, 32, `its algorithm, simulated, ${n.toLocaleString('en')} elections`)}
${label(LEFT + 548, thick, 32, 'Conclave, on the same machines')}
${upper(runs)}
${lower(runs)}
</svg>
`
}
